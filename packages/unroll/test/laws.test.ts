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
  type Values,
} from '@bptt/graph'
import { elementwise } from '@bptt/graph/op'
import { describe, expect, test } from 'vitest'
import { beside, type Cell, cell, elman, lru, minGru, neuroFuzzy, residual } from '../src/index.js'
import { cellLaws, everyCellLaw, expectCellLaws, type Subject, subjectOf } from '../src/laws/index.js'
import { kinds } from './support.js'

describe('every ready-made cell', () => {
  test.each(Object.keys(kinds))('obeys the laws of unrolling, credit and exact gradients: %s', kind => {
    const report = cellLaws(kinds[kind]!(2, 2), { runs: 5, ...(kind === 'embedded' && { symbols: 5 }) })
    expect(report.findings).toEqual([])
    expect(report.checked).toBe(5 * everyCellLaw.length)
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
  test.each(Object.keys(others))('obey the laws, checkpoints bit for bit among them: %s', name => {
    expect(cellLaws(others[name]!(), { runs: 5 }).findings).toEqual([])
  })
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

describe('every law', () => {
  test.each(everyCellLaw.map(law => [law.name, law] as const))('can fail: %s', (_, { broken }) => {
    expect(Object.values(faulty).map(make => broken(make()))).toContainEqual(expect.any(String))
  })
})
