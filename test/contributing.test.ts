import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changed, changes, tested } from './docs/diff.js'
import { page } from './docs/page.js'
import { run } from './docs/run.js'
import { root } from './style/source.js'

const contributing = page('CONTRIBUTING.md', readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'))
/** Milliseconds that a command may take on a busy machine. */
const LONGEST = 120_000
const copy = mkdtempSync(join(tmpdir(), 'bptt-contributing-'))
const node = (program: string, ...args: string[]) =>
  run(process.execPath, [join('node_modules', program), ...args], copy, LONGEST)

beforeAll(() => {
  copyRepository()
  for (const change of changes(contributing)) {
    const file = join(copy, change.path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, changed(change, existsSync(file) ? readFileSync(file, 'utf8') : undefined))
  }
})

afterAll(() => rmSync(copy, { recursive: true }))

describe('the changes that CONTRIBUTING.md shows', () => {
  test('are of packages and of pages, and the tests it names are there', () => {
    expect(changes(contributing).length).toBeGreaterThan(10)
    expect(tested(contributing).filter(path => !existsSync(join(copy, path)))).toEqual([])
  })

  test(
    'are formatted, and pass the type checker',
    async () => {
      const paths = changes(contributing).map(({ path }) => path)
      const format = await node('@biomejs/biome/bin/biome', 'check', ...paths)
      expect(format.code, format.all).toBe(0)
      const files = [
        'packages/graph/src/wasm/webassembly.d.ts',
        ...paths.filter(path => path.includes('/src/')),
      ]
      const compilerOptions = { composite: false, noEmit: true, rootDir: '.', types: ['node'] }
      writeFileSync(
        join(copy, 'changes.json'),
        JSON.stringify({ extends: './tsconfig.base.json', compilerOptions, files }),
      )
      const types = await node('typescript/bin/tsc', '-p', 'changes.json')
      expect(types.code, types.all).toBe(0)
    },
    2 * LONGEST,
  )

  test(
    'pass the tests it names',
    async () => {
      const passed = await passing(
        tested(contributing),
        'softsign|leaky|logisticMap|segment has|lengths that|docs/ops.md|gives away the names',
      )
      for (const title of wanted) expect(passed).toContain(title)
    },
    2 * LONGEST,
  )

  test(
    'are refused with a derivative that is wrong',
    async () => {
      const file = join(copy, 'packages/graph/src/ops/activations.ts')
      const right = readFileSync(file, 'utf8')
      writeFileSync(file, right.replace('div(1, square(add(1, abs(x))))', 'div(1, add(1, abs(x)))'))
      const passed = await passing(['packages/graph/test/laws/ops.test.ts'], 'softsign does|silu does')
      expect(passed).toEqual(['silu does what it declares'])
      writeFileSync(file, right)
    },
    2 * LONGEST,
  )
})

/** Tests that the changes bring with them, and those that their generated files pass. */
const wanted = [
  'softsign does what it declares',
  'leaky obeys every law of recurrent gradients',
  'a segment has every length from least to most, with the same chance',
  'lengths that are none are refused',
  'is the same every time, from any position, as array, iterable and Observable',
  'at r = 4 is sin² of an angle that doubles',
  'docs/ops.md says what the declarations say',
  '@bptt/graph gives away the names in test/surface, and no other',
]

/** Titles of the tests in these files that match a pattern and pass in the copy. */
async function passing(paths: readonly string[], pattern: string): Promise<string[]> {
  const report = join(copy, 'report.json')
  const { all } = await node(
    'vitest/vitest.mjs',
    'run',
    ...paths,
    '-u',
    '-t',
    pattern,
    '--reporter=json',
    `--outputFile=${report}`,
  )
  expect(existsSync(report), all).toBe(true)
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed')
    .map(({ title }) => title)
}

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly title: string }[]
  }[]
}

/** Everything but what is installed, which is linked to; the packages are those of the copy. */
function copyRepository(): void {
  for (const name of readdirSync(root))
    if (name !== 'node_modules' && name !== '.git')
      cpSync(join(root, name), join(copy, name), {
        recursive: true,
        verbatimSymlinks: true,
        preserveTimestamps: true,
        filter: from => !/test.(bench|onnx).node_modules|docs.reference$/.test(from),
      })
  const modules = join(copy, 'node_modules')
  mkdirSync(join(modules, '@bptt'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== '@bptt' && name !== '.house')
      symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction')
  for (const name of readdirSync(join(copy, 'packages')))
    symlinkSync(join(copy, 'packages', name), join(modules, '@bptt', name), 'junction')
}
