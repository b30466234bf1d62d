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
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'

/** `node test/faults/run.mjs graph unroll …`: plants every fault of these packages in turn, after a build. */
const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const run = promisify(execFile)

/** Where a package has its source, its faults, and the worker that runs its laws on a copy. */
const placesOf = name => ({
  modules: join(root, 'packages', name, 'node_modules'),
  source: join(root, 'packages', name, 'src'),
  tests: join(root, 'packages', name, 'test', 'faults'),
})

const settings = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, verbatimModuleSyntax: true }
const compiled = text => ts.transpileModule(text, { compilerOptions: settings }).outputText

/** The source as JavaScript in a folder of its own, where its imports resolve. */
function copySource(source, to) {
  for (const file of readdirSync(source, { recursive: true })) {
    if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue
    const target = join(to, file.replace(/\.ts$/, '.js'))
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, compiled(readFileSync(join(source, file), 'utf8')))
  }
}

function mutated(source, { file, find, replace, needs }) {
  const parts = readFileSync(join(source, file), 'utf8').split(find)
  if (parts.length !== 2) throw new Error(`'${find}' stands ${parts.length - 1} times in ${file}`)
  const head = needs ? "import * as engine from '@bptt/graph'\n" : ''
  return compiled(head + parts.join(replace))
}

/**
 * The name of the law that fails in a copy, of those whose name has `law` in it; undefined where all hold.
 * @throws where the copy does not load: then no law has said anything.
 */
async function caughtBy({ tests }, folder, law = '') {
  try {
    const given = [join(tests, 'worker.mjs'), folder, law]
    const { stdout } = await run(process.execPath, given, { timeout: 180_000 })
    return stdout.trim() || undefined
  } catch (error) {
    if (error.killed) return 'never ends'
    throw new Error(`does not load: ${String(error.stderr).match(/\w*Error.*/)?.[0]}`)
  }
}

async function tryFault(places, fault, work, i) {
  const folder = join(work, `fault${i}`)
  const changed = mutated(places.source, fault)
  cpSync(join(work, 'base'), folder, { recursive: true })
  writeFileSync(join(folder, fault.file.replace(/\.ts$/, '.js')), changed)
  const caught = await caughtBy(places, folder, fault.law)
  rmSync(folder, { recursive: true })
  return caught
}

async function tryAll(places, faults, work) {
  const results = []
  const waiting = [...faults.entries()]
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, fault] = next
      const caught = await tryFault(places, fault, work, i).catch(error => ({ error }))
      const outcome = caught?.error ? `ERROR ${caught.error.message}` : (caught ?? 'SURVIVES')
      console.log(`${fault.breaks.padEnd(62)} ${outcome}`)
      results.push(caught !== undefined && !caught.error)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return results
}

/** Plants the faults of a package one by one; true where the laws catch each. */
async function tryPackage(name) {
  const places = placesOf(name)
  const { faults } = await import(pathToFileURL(join(places.tests, 'faults.mjs')))
  const work = mkdtempSync(join(tmpdir(), 'faults-'))
  try {
    copySource(places.source, join(work, 'base'))
    writeFileSync(join(work, 'package.json'), '{ "type": "module" }')
    symlinkSync(places.modules, join(work, 'node_modules'))
    const clean = await caughtBy(places, join(work, 'base'))
    if (clean !== undefined) throw new Error(`without any fault: ${clean}`)
    const results = await tryAll(places, faults, work)
    const survivors = results.filter(caught => !caught).length
    console.log(`${name}: ${results.length} faults, ${results.length - survivors} caught, ${survivors} not`)
    return survivors === 0
  } finally {
    rmSync(work, { recursive: true })
  }
}

for (const name of process.argv.slice(2)) if (!(await tryPackage(name))) process.exitCode = 1
