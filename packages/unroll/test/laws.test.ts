import { readFileSync } from 'node:fs'
import {
  add,
  isTensor,
  linear,
  mapTree,
  mul,
  type Ref,
  type Tensor,
  type Tree,
  tanh,
  tensor,
  type Values,
} from '@bptt/graph'
import { elementwise } from '@bptt/graph/op'
import { describe, expect, test } from 'vitest'
import {
  beside,
  type Cell,
  cell,
  elman,
  lru,
  minGru,
  neuroFuzzy,
  residual,
  withEmbedding,
} from '../src/index.js'
import { cellLaws, everyCellLaw, expectCellLaws, type Subject, subjectOf } from '../src/laws/index.js'
import { faults } from './faults/faults.mjs'
import { kinds } from './support.js'

/** Two sequences, of 4 and of 5 steps of 2 examples. */
const few = { runs: 2, seed: 77 }

describe('every ready-made cell', () => {
  test.each(Object.keys(kinds))('obeys all the laws, none skipped: %s', { timeout: 60_000 }, kind => {
    const report = cellLaws(kinds[kind]!(2, 2), { ...few, ...(kind === 'embedded' && { symbols: 5 }) })
    expect([report.findings, report.skipped]).toEqual([[], []])
    expect(report.checked).toBe(2 * everyCellLaw.length)
  })
})

/** x³ with the derivative of x². */
const wrong = elementwise({
  name: 'wrong',
  inputs: ['x'],
  saves: ['x'],
  f: (x: number) => x ** 3,
  partials: { x: ({ x }) => mul(x, 2) },
})

const cellWith = (f: (x: Ref) => Ref): Cell =>
  cell({
    name: 'own',
    params: ({ inputs, hidden }: { inputs: number; hidden: number }) => ({
      U: [hidden, inputs],
      W: [hidden, hidden],
    }),
    carry: ({ hidden }) => ({ h: [hidden] }),
    step({ U, W }, { h }, x) {
      const next = f(add(linear(x, U), linear(h, W)))
      return [{ h: next }, next]
    },
  })({ inputs: 2, hidden: 2 })

const others: Readonly<Record<string, () => Cell>> = {
  neuroFuzzy: () => neuroFuzzy({ rules: 2, inputs: 2 }),
  lru: () => lru({ inputs: 2, hidden: 2, outputs: 2 }),
  minGru: () => minGru({ inputs: 2, hidden: 2 }),
  'residual and beside': () =>
    residual(beside([elman({ inputs: 2, hidden: 1 }), minGru({ inputs: 2, hidden: 1 })])),
}

describe('cells with functions of parameters, and cells made of cells', () => {
  test.each(Object.keys(others))(
    'obey the laws, checkpoints bit for bit among them: %s',
    { timeout: 60_000 },
    name => {
      expect(cellLaws(others[name]!(), { ...few, runs: 1 }).findings).toEqual([])
    },
  )
})

describe('the laws of a cell of one’s own', () => {
  test('hold for one that is right', () => {
    expect(expectCellLaws(cellWith(tanh), { runs: 2 }).ok).toBe(true)
  })

  test('find a wrong derivative, and say in which law and where', () => {
    const { findings } = cellLaws(cellWith(wrong as never))
    expect(findings).toHaveLength(1)
    expect(findings[0]!.law).toBe('the gradient of the timeline is that of finite differences (4)')
    expect(() => expectCellLaws(cellWith(wrong as never))).toThrow(
      expect.objectContaining({
        code: 'broken-law',
        message: expect.stringMatching(
          /^own: breaks 'the gradient of the timeline .* at 1 steps, 1 examples/,
        ),
      }),
    )
  })

  test('hold for nothing that does not run: what the engine finds wrong is thrown', () => {
    const speller = withEmbedding(elman({ inputs: 2, hidden: 2 }), { symbols: 5 })
    const broken: Cell = { ...elman({ inputs: 2, hidden: 2 }), params: 'none' as never }
    expect(() => cellLaws(broken)).toThrow(/expected nested plain objects/)
    // numbers are no symbols: a law says so
    expect(cellLaws(speller, { runs: 1 }).findings[0]!.detail).toMatch(/ids are whole numbers in \[0, 5\)/)
  })

  test('find a step that is not the same every time', () => {
    let calls = 0
    const restless = cellWith(x => mul(tanh(x), 1 + 1e-3 * (calls++ % 7)))
    expect(cellLaws(restless).findings[0]!.law).toMatch(/14/)
  })
})

const times = (tree: Tree<Tensor>, factor: number): Tree<Tensor> =>
  mapTree(tree, isTensor, ({ shape, data }) => ({ shape, data: data.map(x => x * factor) }))

/** Subjects that are not what they say: a derivative that is none; numbers, or a step, that differ from one look to the next. */
const faulty: Readonly<Record<string, () => Subject>> = {
  derivative: () => subjectOf(cellWith(wrong as never), { steps: 4, batch: 2, seed: 5 }),
  numbers: () => {
    const subject = subjectOf(cellWith(tanh), { steps: 4, batch: 2, seed: 5 })
    let looks = 0
    const values = new Proxy(subject.values as object, {
      get: (all, name) => times(Reflect.get(all, name) as Tree<Tensor>, 1.1 ** looks++),
    })
    return { ...subject, values: values as Values }
  },
  step: () => {
    let calls = 0
    const odd = cellWith(x => mul(tanh(x), 1 + 0.1 * (calls++ % 7)))
    return subjectOf(odd, { steps: 4, batch: 2, seed: 5 })
  },
}

/** Faults that a law alone must catch: `npm run faults unroll`. */
const planted: readonly { readonly law?: string }[] = faults

const guide = readFileSync(
  new URL('../../../docs/guide/property-based-verification.md', import.meta.url),
  'utf8',
)

describe('the table of the guide', () => {
  test('has every law once, and all identities from 14 to 45', () => {
    const rows = [...guide.matchAll(/^\| *([\d–, ]*?) *\| (\S.*?) +\|[^|]*\|$/gm)].filter(
      ([, , law]) => law !== 'law',
    )
    expect(rows.map(([, , law]) => law).sort()).toEqual(everyCellLaw.map(({ name }) => name).sort())
    const numbers = rows.flatMap(([, listed]) =>
      listed!.split(', ').flatMap(part => {
        const [from, to = from] = part.split('–').map(Number)
        return Array.from({ length: to! - from! + 1 }, (_, i) => from! + i)
      }),
    )
    for (let number = 14; number <= 45; number++) expect(numbers).toContain(number)
    for (const [, listed, law] of rows) if (listed !== '') expect(law).toContain(`(${listed})`)
  })
})

describe('laws that say nothing of a cell', () => {
  test('are skipped, with the reason', () => {
    const still = cell({
      name: 'still',
      params: () => ({}),
      carry: () => ({ h: [1] }),
      step: (_, { h }, x) => [{ h: add(h, x) }, h],
    })({ inputs: 1, hidden: 1 })
    const { ok, skipped } = cellLaws(still, { runs: 2 })
    expect(ok).toBe(true)
    expect(new Set(skipped.map(({ reason }) => reason))).toEqual(new Set(['it has no parameters']))
    const wide = cellLaws(elman({ inputs: 1, hidden: 13 }), {
      runs: 1,
      laws: everyCellLaw.filter(({ name }) => /\((22|45)\)/.test(name)),
    })
    expect([wide.checked, wide.skipped.map(({ reason }) => reason)]).toEqual([
      0,
      ['its carry has 13 numbers, more than 12', 'its carry has 13 numbers, more than 12'],
    ])
    // a unit that is silent at one point shows no symmetry by that
    const quiet = elman({ inputs: 2, hidden: 3, activation: 'relu' })
    expect(
      cellLaws(quiet, {
        runs: 12,
        seed: 20261,
        laws: everyCellLaw.filter(({ name }) => name.endsWith('(25)')),
      }).findings,
    ).toEqual([])
    const odd = cellWith(x => tanh(add(x, tensor([0.3, -0.2]))))
    const units = everyCellLaw.filter(({ name }) => name.endsWith('(25)'))
    expect(cellLaws(odd, { runs: 1, laws: units }).skipped.map(({ reason }) => reason)).toEqual([
      'its step has no such symmetry',
      'its step has no such symmetry',
    ])
  })
})

describe('every law', () => {
  test.each(everyCellLaw.map(law => [law.name, law] as const))('can fail: %s', (name, { broken }) => {
    const caught = Object.values(faulty).some(make => broken(make()) !== undefined)
    expect(caught || planted.some(({ law }) => law !== undefined && name.includes(law))).toBe(true)
  })
})
