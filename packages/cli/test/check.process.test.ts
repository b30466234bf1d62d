import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { build, inProcess, recordsOf } from './bptt.js'

const cellOf = (squash: string): string => `
import { add, linear, square, sum, tanh, graph } from '@bptt/graph'
import { elementwise } from '@bptt/graph/op'
import { cell } from '@bptt/unroll'
enum Size { three = 3 }
const wrong = elementwise({ name: 'wrong', inputs: ['x'], saves: [], f: (x: number) => x * x, partials: { x: () => 3 } })
export const leaky = cell({
  params: ({ inputs, hidden }) => ({ U: [hidden, inputs], W: [hidden, hidden] }),
  carry: ({ hidden }) => ({ h: [hidden] }),
  step({ U, W }, { h }, x) {
    const next = ${squash}(add(linear(x, U), linear(h, W)))
    return [{ h: next }, next]
  },
})
export const loss = graph({ w: [Size.three] }, ({ w }) => ({ loss: sum(square(w)) }))
export default leaky
`

const misfit = `
import { linear } from '@bptt/graph'
import { cell } from '@bptt/unroll'
export const mine = cell({
  params: ({ hidden }) => ({ W: [hidden, hidden] }),
  carry: ({ hidden }) => ({ h: [hidden] }),
  step: ({ W }, _, x) => [{ h: linear(x, W) }, x],
})
`

let folder = ''
beforeAll(async () => {
  await build()
  folder = await mkdtemp(join(tmpdir(), 'bptt-check-'))
  await writeFile(join(folder, 'good.ts'), cellOf('tanh'))
  await writeFile(join(folder, 'bad.ts'), cellOf('wrong'))
  await writeFile(join(folder, 'none.ts'), 'export const answer = 42')
  await writeFile(join(folder, 'throws.ts'), "const when: string = 'today'\nthrow new Error('not ' + when)")
  await writeFile(join(folder, 'syntax.ts'), 'export const a = (;\n')
  await writeFile(join(folder, 'misfit.ts'), misfit)
  await writeFile(join(folder, 'notes.txt'), 'no code')
  await writeFile(join(folder, 'both.ts'), `${misfit}export { leaky } from './good'\n`)
}, 120_000)

afterAll(async () => {
  await rm(folder, { recursive: true })
})

const records = (stdout: string) => recordsOf<Readonly<Record<string, never>>>(stdout)

describe('bptt check', () => {
  test('says that every law holds, and ends with code 0', async () => {
    const { code, stdout } = await inProcess(folder, ['check', 'good.ts'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^✓ leaky \(cell\): \d+ trials of laws, \d+ derivatives hold\n✓ loss \(graph\): .+ hold\n$/,
    )
  })

  test('names the parameter, the step and the node of a wrong derivative, and ends with code 1', async () => {
    const { code, stdout, stderr } = await inProcess(folder, ['check', 'bad.ts', '--size', 'hidden=2'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/bptt check: 1 of 2 in bad\.ts breaks a law\n$/)
    expect(stdout).toMatch(/ {4}parameter {2}[UW]\[[01], [01]\] at step [1-5]\n/)
    expect(stdout).toMatch(/ {4}node {7}\S+: \[2\] = wrong\(\w+\)\n/)
    expect(stdout).toMatch(/ {4}breaks {5}the gradient of the timeline is that of finite differences/)
  })

  test('says which export it leaves out, and why', async () => {
    const { code, stdout, stderr } = await inProcess(folder, ['check', 'both.ts'])
    expect([code, stdout.match(/^✓/gm)]).toEqual([0, ['✓']])
    expect(stderr).toMatch(/^bptt: both\.ts: mine refuses the sizes given: linear: .+; it is left out\n/)
  })

  test('gives a module every door of the packages', async () => {
    const doors = ['graph/bytes', 'graph/onnx', 'stream/sources', 'stream/sinks', 'unroll/laws', 'graph/laws']
    const imports = doors.map((door, i) => `import * as d${i} from '@bptt/${door}'\n`)
    const text = `${imports.join('')}export { loss } from './good'\nexport const n = [${doors.map((_, i) => `d${i}`)}]`
    await writeFile(join(folder, 'doors.ts'), text)
    expect(await inProcess(folder, ['check', 'doors.ts'])).toMatchObject({ code: 0 })
  })

  test('with --json writes a record an export and a last one', async () => {
    const { code, stdout } = await inProcess(folder, ['check', 'bad.ts', '--json', '--export', 'leaky'])
    const [verdict, last, ...rest] = records(stdout)
    expect([code, rest]).toEqual([1, []])
    expect(verdict).toMatchObject({ name: 'leaky', kind: 'cell', ok: false, gradients: { ok: false } })
    expect(last).toEqual({ final: true, file: 'bad.ts', checked: 1, failed: 1 })
  })

  test.each([
    [['nowhere.ts'], 'nowhere.ts: cannot be read: there is no such file or folder'],
    [
      ['none.ts'],
      'none.ts exports no cell, graph or op; it exports answer (hint: export what is to be looked at: export const mine = cell({ ... }))',
    ],
    [['notes.txt'], 'notes.txt: is no module by its name; modules end in .ts, .mts, .cts, .js, .mjs, .cjs'],
    [['throws.ts'], 'throws.ts cannot be loaded: not today (line 2)'],
    [['syntax.ts'], 'syntax.ts cannot be loaded: ParseError: Unexpected token (line 1)'],
    [
      ['misfit.ts'],
      "misfit.ts exports no cell, graph or op; it exports mine; mine refuses the sizes given: linear: x [2] and W [3, 3] do not fit: x's last axis meets W's columns; W is [outputs, inputs] (hint: --size NAME=N gives sizes that a cell needs)",
    ],
    [['good.ts', '--export', 'leeky'], "good.ts exports no 'leeky'; it exports default, leaky, loss"],
    [['good.ts', '--size', 'hidden'], "--size must be written NAME=N, but is 'hidden'"],
  ])('%j ends with one sentence and code 2', async (args, sentence) => {
    const ended = await inProcess(folder, ['check', ...args])
    expect(ended).toEqual({ code: 2, stdout: '', stderr: `bptt check: ${sentence}\n` })
  })
})

describe('bptt inspect', () => {
  const inspect = (...args: string[]) =>
    inProcess(folder, ['inspect', 'good.ts', '--export', 'leaky', ...args])

  test.each([
    ['describe', /parameters +15\n/],
    ['text', /^graph\b.+\n/],
    ['dot', /^digraph \{/],
    ['mermaid', /^flowchart /],
    ['credit', /^full:1000000 {2}─{5}\ntbptt:2 {7}─│─│─\n$/],
    ['plan', /for t = 1 … 6\n[\s\S]+memory \d/],
  ])('shows a cell as %s', async (view, wanted) => {
    const estimators = ['--estimators', 'full:1000000', 'tbptt:2']
    const { code, stdout, stderr } = await inspect('--view', view, '--steps', '6', ...estimators)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(wanted)
  })

  test('reads a model that train saved', async () => {
    await writeFile(join(folder, 'text.txt'), 'abcabd'.repeat(60))
    await inProcess(folder, ['train', '--text', 'text.txt', '--hidden', '4', '--save', 'm.safetensors'])
    const { code, stdout } = await inProcess(folder, ['inspect', 'm.safetensors', '--json'])
    expect(code).toBe(0)
    expect(records(stdout)[0]).toMatchObject({ kind: 'cell', view: 'describe' })
    await copyFile(join(folder, 'm.safetensors'), join(folder, 'm.bin'))
    expect((await inProcess(folder, ['inspect', 'm.bin'])).stdout).toBe(
      (await inProcess(folder, ['inspect', 'm.safetensors'])).stdout,
    )
    for (const [view, wanted] of Object.entries({
      text: /^graph\b/,
      dot: /^digraph/,
      mermaid: /^flowchart/,
      credit: /^full:1000000 {2}─+\ntbptt:8 +─+│/,
      plan: /memory \d/,
    })) {
      const seen = await inProcess(folder, ['inspect', 'm.safetensors', '--view', view])
      expect([seen.code, seen.stderr]).toEqual([0, ''])
      expect(seen.stdout).toMatch(wanted)
    }
  })

  test.each([
    [
      ['--view', 'credit', '--estimators', 'rtrl'],
      '--view credit shows where credit is cut, but rtrl cuts none; it takes full, tbptt and artbp',
    ],
    [['--export', 'loss', '--view', 'credit'], "'loss' is a graph; only a cell has edges of credit"],
    [['--export', 'wrong'], "'wrong' is an op; inspect looks at cells and graphs"],
  ])('%j is refused in one sentence', async (args, sentence) => {
    await writeFile(join(folder, 'op.ts'), cellOf('tanh').replace('const wrong', 'export const wrong'))
    const all = ['inspect', 'op.ts', '--export', 'leaky', ...args]
    expect(await inProcess(folder, all)).toEqual({
      code: 2,
      stdout: '',
      stderr: `bptt inspect: ${sentence}\n`,
    })
  })

  test('asks which export is meant where there are several', async () => {
    const sentence = 'bptt inspect: good.ts exports leaky, loss; --export NAME chooses one\n'
    expect(await inProcess(folder, ['inspect', 'good.ts'])).toEqual({ code: 2, stdout: '', stderr: sentence })
  })
})

test.each(['check', 'inspect'])('%s --help has an example and the exit codes', async command => {
  const { code, stdout } = await inProcess(folder, [command, '--help'])
  expect(code).toBe(0)
  for (const part of ['--json', 'Examples:', 'Exit codes:']) expect(stdout).toContain(part)
})
