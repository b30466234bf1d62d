import { execFile } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { faults } from './faults.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const source = join(here, '../../src')
const run = promisify(execFile)

const settings = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true }
const compiled = text => ts.transpileModule(text, { compilerOptions: settings }).outputText

/** The source as JavaScript in a folder of its own, where its imports resolve. */
function copySource(to) {
  for (const file of readdirSync(source, { recursive: true })) {
    if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue
    const target = join(to, file.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, compiled(readFileSync(join(source, file), 'utf8')))
  }
}

function mutated({ file, find, replace, needs }) {
  const parts = readFileSync(join(source, file), 'utf8').split(find)
  if (parts.length !== 2) throw new Error(`'${find}' stands ${parts.length - 1} times in ${file}`)
  const head = needs ? "import * as engine from '@bptt/graph'\n" : ''
  return compiled(head + parts.join(replace))
}

/** The name of the law that fails in a copy; undefined where all hold. */
async function caughtBy(folder) {
  try {
    const { stdout } = await run(process.execPath, [join(here, 'worker.mjs'), folder], { timeout: 90_000 })
    return stdout.trim() || undefined
  } catch (error) {
    return error.killed ? 'never ends' : `does not load: ${String(error.stderr).match(/\w*Error.*/)?.[0]}`
  }
}

async function tryFault(fault, root, i) {
  const folder = join(root, `fault${i}`)
  const changed = mutated(fault)
  cpSync(join(root, 'base'), folder, { recursive: true })
  writeFileSync(join(folder, fault.file.replace(/\.ts$/, '.js')), changed)
  const caught = await caughtBy(folder)
  rmSync(folder, { recursive: true })
  return caught
}

async function tryAll(root) {
  const results = []
  const waiting = [...faults.entries()]
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, fault] = next
      const caught = await tryFault(fault, root, i).catch(error => ({ error }))
      const outcome = caught?.error ? `ERROR ${caught.error.message}` : (caught ?? 'SURVIVES')
      console.log(`${fault.breaks.padEnd(62)} ${outcome}`)
      results.push(caught !== undefined && !caught.error)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return results
}

const root = mkdtempSync(join(tmpdir(), 'faults-'))
try {
  copySource(join(root, 'base'))
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(here, '../../node_modules'), join(root, 'node_modules'))
  const clean = await caughtBy(join(root, 'base'))
  if (clean !== undefined) throw new Error(`without any fault: ${clean}`)
  const results = await tryAll(root)
  const survivors = results.filter(caught => !caught).length
  console.log(`${results.length} faults, ${results.length - survivors} caught, ${survivors} not`)
  process.exitCode = survivors === 0 ? 0 : 1
} finally {
  rmSync(root, { recursive: true })
}
