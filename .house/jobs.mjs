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

/**
 * Every npm script: what it does in a sentence, and its steps, which answer an exit code; the first that is not 0 ends
 * the job.
 */
export const jobs = {
  help: { says: 'this list', steps: () => [help] },
  start: {
    says: 'trains an LSTM online on real TypeScript for 40 s and lets it write some',
    steps: args => [install, build, () => bptt(['start', ...args])],
  },
  test: {
    says: 'runs all tests, or those of the folders and files given: -- packages/graph/test/ops',
    steps: args => [install, build, () => node([bin('vitest', 'vitest.mjs'), 'run', ...args])],
  },
  bptt: { says: 'the command line: -- --help', steps: args => [install, build, () => bptt(args)] },
  node: {
    says: 'runs a file of yours in this clone, TypeScript too, with the packages as built: -- my.ts',
    steps: args => [install, build, () => typed(args, here())],
  },
  example: {
    says: 'runs an example of docs/examples by its folder: -- custom-cell',
    steps: args => [install, build, () => example(args)],
  },
  check: {
    says: 'checks format, lint and types',
    steps: () => [install, () => node([biome, 'check', '.']), build, typecheckTests, typecheckPage],
  },
  fix: {
    says: 'formats, and mends what the linter can',
    steps: () => [install, () => node([biome, 'check', '--write', '.'])],
  },
  docs: {
    says: 'writes the reference of all packages to docs/reference',
    steps: args => [install, build, () => node([bin('typedoc', 'bin', 'typedoc'), ...args])],
  },
  style: {
    says: 'measures the sources: lengths of functions and files, what each package gives away',
    steps: () => [install, build, () => tool('style', 'report.ts')],
  },
  faults: {
    says: 'plants faults in copies of the packages, all or those given; the laws must catch each: -- graph',
    steps: args => [install, build, () => faults(args)],
  },
  bench: {
    says: 'measures speed and memory, beside other libraries (300 MB, once) or alone: -- --only ours',
    steps: args => [install, build, ...(alone(args) ? [] : [() => installPart('bench')]), () => bench(args)],
  },
  size: {
    says: 'weighs what a browser loads to train an LSTM',
    steps: () => [install, build, () => tool('packages', 'report.ts')],
  },
  nodes: {
    says: 'runs tests on every supported version of Node, or on those given: -- 20 24',
    steps: args => [install, build, () => tool('nodes', 'main.ts', ...args)],
  },
  onnxruntime: {
    says: 'installs onnxruntime-web (150 MB, once), in which tests run exported models',
    steps: () => [install, () => installPart('onnx')],
  },
}

export async function run(name, args) {
  if (!Object.hasOwn(jobs, name))
    throw new Error(`no job '${name}'; there are ${Object.keys(jobs).join(', ')}`)
  for (const step of jobs[name].steps(args)) {
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
  process.chdir(here())
  dropEchoes()
  await import(pathToFileURL(program).href)
  return process.exitCode ?? 0
}

/** Where the user typed the command: paths are relative to it. */
const here = () => process.env.INIT_CWD ?? root

/** Says what every script does. */
function help() {
  const width = Math.max(...Object.keys(jobs).map(name => name.length))
  for (const [name, { says }] of Object.entries(jobs)) console.log(`npm run ${name.padEnd(width)}  ${says}`)
  return 0
}

function faults(names) {
  return node([
    join('test', 'faults', 'run.mjs'),
    ...(names.length > 0 ? names : ['graph', 'unroll', 'stream']),
  ])
}

/** True for a benchmark that measures this repository only, and so needs no peers. */
function alone(args) {
  const at = args.indexOf('--only')
  return args.includes('--only=ours') || (at >= 0 && args[at + 1] === 'ours')
}

/** Runs Node so that it reads TypeScript; where paths are relative to another folder, `cwd` names it. */
function typed(args, cwd = root) {
  return node(['--import', pathToFileURL(join(root, '.house', 'hooks.mjs')).href, ...args], { cwd })
}

/** A tool of this repository's own, in TypeScript. */
function tool(folder, file, ...args) {
  return typed([join(root, 'test', folder, file), ...args])
}

function bench(args) {
  return typed(['--expose-gc', join(root, 'test', 'bench', 'main.ts'), ...args])
}

/** An example by its folder in docs/examples, or a file in it. */
function example([name, ...args]) {
  const folder = join(root, 'docs', 'examples')
  const names = readdirSync(folder, { withFileTypes: true }).flatMap(one =>
    one.isDirectory() ? [one.name] : [],
  )
  const file = join(folder, name?.endsWith('.ts') ? name : join(name ?? '', 'main.ts'))
  if (name !== undefined && existsSync(file)) return typed([file, ...args])
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
