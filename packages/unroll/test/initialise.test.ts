import { GraphError, type Tensor } from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Cell,
  constant,
  gru,
  lstm,
  normal,
  orthogonal,
  stack,
  withInit,
  withReadout,
  zeros,
} from '../src/index.js'
import { initialise } from '../src/initialise.js'

function failure(make: () => unknown): [string, string] {
  try {
    make()
  } catch (error) {
    if (error instanceof GraphError) return [error.code, error.message]
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('normal', () => {
  test('has mean 0 and the deviation it is told, and the tails of a normal distribution', () => {
    const n = 40_000
    const { data } = initialise(normal(2), [n], 5, 0)
    const moment = (k: number): number => data.reduce((sum, value) => sum + (value / 2) ** k, 0) / n
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n))
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n))
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n))
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n))
  })
})

describe('orthogonal', () => {
  test('has orthonormal rows or columns, times its gain', () => {
    const size = fc.integer({ min: 1, max: 12 })
    fc.assert(
      fc.property(size, size, fc.nat(1e6), fc.constantFrom(1, 0.5, 2), (rows, columns, seed, gain) => {
        const { data } = initialise(orthogonal({ gain }), [rows, columns], seed, 0)
        const [few, many] = [Math.min(rows, columns), Math.max(rows, columns)]
        const at = (i: number, j: number): number =>
          rows < columns ? data[i * columns + j]! : data[j * columns + i]!
        for (let a = 0; a < few; a++)
          for (let b = 0; b < few; b++) {
            let product = 0
            for (let j = 0; j < many; j++) product += at(a, j) * at(b, j)
            expect(Math.abs(product - (a === b ? gain ** 2 : 0))).toBeLessThan(1e-13)
          }
      }),
      { numRuns: 60 },
    )
  })

  test('is evenly distributed: no sign or place is preferred', () => {
    const n = 2000
    const draws = Array.from({ length: n }, (_, seed) => initialise(orthogonal(), [3, 3], seed, 0).data)
    for (let i = 0; i < 9; i++) {
      const mean = draws.reduce((sum, data) => sum + data[i]!, 0) / n
      const square = draws.reduce((sum, data) => sum + data[i]! ** 2, 0) / n
      expect(Math.abs(mean), `${i}`).toBeLessThan(4 / Math.sqrt(3 * n))
      expect(Math.abs(square - 1 / 3), `${i}`).toBeLessThan(4 * Math.sqrt(4 / 45 / n))
    }
  })

  test('makes every block of rows orthogonal by itself', () => {
    const { data } = initialise(orthogonal({ blocks: 4 }), [12, 3], 7, 0)
    for (let k = 0; k < 4; k++)
      for (let a = 0; a < 3; a++) {
        const row = data.slice(9 * k + 3 * a, 9 * k + 3 * a + 3)
        expect(row.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 13)
      }
    expect(data.slice(0, 9)).not.toEqual(data.slice(9, 18))
  })

  test('is refused for what is no matrix of such blocks', () => {
    expect(failure(() => initialise(orthogonal(), [3], 0, 0))).toEqual([
      'cell-init',
      'orthogonal: [3] is no matrix of 1 row blocks; an orthogonal start is for matrices [blocks · rows, columns]',
    ])
    expect(failure(() => initialise(orthogonal({ blocks: 2 }), [3, 3], 0, 0))[0]).toBe('cell-init')
  })
})

describe('withInit', () => {
  const model = withReadout(stack([gru({ inputs: 2, hidden: 3 }), lstm({ inputs: 3, hidden: 3 })]), {
    outputs: 1,
  })
  type Layers = Record<'l0' | 'l1', Record<string, Tensor>>
  const drawn = (one: Cell): Layers => one.init(1).params as unknown as Layers

  test('starts parameters by their name, or the end of it', () => {
    const one = withInit(model, { bias_hh: zeros(), 'l1.bias_hh': constant(2) })
    const { l0, l1 } = drawn(one)
    expect(l0['bias_hh']!.data).toEqual(new Float64Array(9))
    expect(l1['bias_hh']!.data).toEqual(new Float64Array(12).fill(2))
    expect(l0['weight_hh']).toEqual(drawn(model).l0['weight_hh'])
    expect([one.name, one.params]).toEqual([model.name, model.params])
  })

  test('is refused for a name that is none', () => {
    expect(failure(() => withInit(gru({ inputs: 1, hidden: 1 }), { weight: zeros() }))).toEqual([
      'cell-init',
      "withInit: 'weight' is no parameter of gru; parameters are weight_ih, weight_hh, bias_ih, bias_hh",
    ])
  })
})
