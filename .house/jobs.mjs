import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, tsc } from './build.mjs'
import { node } from './child.mjs'
import { dropEchoes } from './echo.mjs'
import { install, installPart } from './install.mjs'
import { root } from './paths.mjs'

const bin = (...parts) => join(root, 'node_modules', ...parts)
const biome = bin('@biomejs', 'biome', 'bin', 'biome')

/** What each npm script does, as steps that answer an exit code; the first that is not 0 ends the job. */
const jobs = {
  start: args => [install, build, () => bptt(['start', ...args])],
  bptt: args => [install, build, () => bptt(args)],
  test: args => [install, build, () => node([bin('vitest', 'vitest.mjs'), 'run', ...args])],
  bench: args => [install, build, ...(alone(args) ? [] : [() => installPart('bench')]), () => bench(args)],
  onnxruntime: () => [install, () => installPart('onnx')],
  check: () => [install, () => node([biome, 'check', '.']), build, typecheckTests, typecheckPage],
  fix: () => [install, () => node([biome, 'check', '--write', '.'])],
  example: args => [install, build, () => example(args)],
  docs: args => [install, build, () => node([bin('typedoc', 'bin', 'typedoc'), ...args])],
  faults: args => [
    install,
    build,
    () =>
      node([join('test', 'faults', 'run.mjs'), ...(args.length > 0 ? args : ['graph', 'unroll', 'stream'])]),
  ],
  style: () => [install, build, () => tool('style', 'report.ts')],
  size: () => [install, build, () => tool('packages', 'report.ts')],
  nodes: args => [install, build, () => tool('nodes', 'main.ts', ...args)],
}

export async function run(name, args) {
  if (!Object.hasOwn(jobs, name))
    throw new Error(`no job '${name}'; there are ${Object.keys(jobs).join(', ')}`)
  for (const step of jobs[name](args)) {
    const code = await step()
    if (code !== 0) {
      process.exitCode = code
      return
    }
  }
}

/**
 * Hands this process over to the command line program, as if it had been started by name: no second
 * process stands between it and the terminal, its signals, its input and its exit code.
 */
async function bptt(args) {
  const program = join(root, 'packages', 'cli', 'dist', 'bptt.js')
  process.argv = [process.argv[0], program, ...args]
  process.env.BPTT_COMMAND = 'npm run --silent bptt --'
  process.chdir(process.env.INIT_CWD ?? root) // paths are relative to where the user typed the command
  dropEchoes()
  await import(pathToFileURL(program).href)
  return process.exitCode ?? 0
}

/** True for a benchmark that measures this repository only, and so needs no peers. */
function alone(args) {
  const at = args.indexOf('--only')
  return args.includes('--only=ours') || (at >= 0 && args[at + 1] === 'ours')
}

/** A tool of this repository's own, in TypeScript. */
function tool(folder, file, ...args) {
  return node(['--import', './.house/hooks.mjs', join(root, 'test', folder, file), ...args])
}

function bench(args) {
  return node([
    '--expose-gc',
    '--import',
    './.house/hooks.mjs',
    join(root, 'test', 'bench', 'main.ts'),
    ...args,
  ])
}

/** An example by its folder in docs/examples, or a file in it. */
function example([name, ...args]) {
  const folder = join(root, 'docs', 'examples')
  const names = readdirSync(folder, { withFileTypes: true }).flatMap(one =>
    one.isDirectory() ? [one.name] : [],
  )
  const file = join(folder, name?.endsWith('.ts') ? name : join(name ?? '', 'main.ts'))
  if (name !== undefined && existsSync(file)) return node(['--import', './.house/hooks.mjs', file, ...args])
  console.error(`example: say which: ${names.join(', ')}`)
  return 2
}

function typecheckTests() {
  return node([tsc, '-p', 'tsconfig.test.json'])
}

/** The script of the report page, which runs in browsers. */
function typecheckPage() {
  return node([tsc, '-p', join('packages', 'cli', 'page')])
}
