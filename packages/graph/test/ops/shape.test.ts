import {
  add,
  concat,
  evaluate,
  expand,
  flip,
  gather,
  graph,
  index,
  mul,
  pad,
  permute,
  reshape,
  scatterAdd,
  slice,
  split,
  stack,
  sum,
  tensor,
  transpose,
} from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { outcome, slopeOf, valuesOf } from './numeric.js'

const m = tensor([
  [1, 2, 3],
  [4, 5, 6],
])

describe('shape ops', () => {
  test('move elements and leave them as they are', () => {
    expect(valuesOf(x => reshape(x, { shape: [3, 2] }), m)).toEqual([1, 2, 3, 4, 5, 6])
    expect(valuesOf(x => transpose(x), m)).toEqual([1, 4, 2, 5, 3, 6])
    expect(valuesOf(x => flip(x, { axes: [0] }), m)).toEqual([4, 5, 6, 1, 2, 3])
    expect(valuesOf(x => flip(x, { axes: [0, 1] }), m)).toEqual([6, 5, 4, 3, 2, 1])
    expect(valuesOf(x => slice(x, { axis: 1, start: 1, size: 2 }), m)).toEqual([2, 3, 5, 6])
    expect(valuesOf(x => pad(x, { axis: 1, start: 1, length: 4 }), m)).toEqual([0, 1, 2, 3, 0, 4, 5, 6])
    expect(valuesOf(x => expand(x, { shape: [2, 2] }), tensor([1, 2]))).toEqual([1, 2, 1, 2])
    expect(valuesOf(x => expand(x, { shape: [2, 2] }), tensor([[1], [2]]))).toEqual([1, 1, 2, 2])
    expect(valuesOf(x => index(x, { at: -1 }), m)).toEqual([4, 5, 6])
    expect(valuesOf(x => index(x, { axis: -1, at: 0 }), m)).toEqual([1, 4])
  })

  test('permute axes in any order', () => {
    const x = tensor([[[1, 2]], [[3, 4]], [[5, 6]]])
    const made = outcome(v => permute(v, { axes: [2, 0, 1] }), [x])
    expect(made.shape).toEqual([2, 3, 1])
    expect([...made.data]).toEqual([1, 3, 5, 2, 4, 6])
  })

  test('bring the derivative back to the places it came from', () => {
    const weights = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ])
    expect(slopeOf((x, w) => mul(flip(x, { axes: [1] }), w), m, weights)).toEqual([3, 2, 1, 6, 5, 4])
    expect(slopeOf((x, w) => mul(transpose(transpose(x)), w), m, weights)).toEqual([1, 2, 3, 4, 5, 6])
    expect(slopeOf(x => slice(x, { axis: 0, start: 1, size: 1 }), m)).toEqual([0, 0, 0, 1, 1, 1])
  })
})

describe('split, concat and stack', () => {
  test('split cuts into equal parts or parts of given sizes', () => {
    expect(valuesOf(x => split(x, { parts: 3 })[1]!, m)).toEqual([2, 5])
    expect(valuesOf(x => split(x, { parts: [1, 2] })[1]!, m)).toEqual([2, 3, 5, 6])
    expect(valuesOf(x => split(x, { axis: 0, parts: [0, 2] })[1]!, m)).toEqual([1, 2, 3, 4, 5, 6])
    expect(slopeOf(x => split(x, { parts: [1, 2] })[0]!, m)).toEqual([1, 0, 0, 1, 0, 0])
  })

  test('concat puts the parts together again', () => {
    expect(valuesOf(x => concat(split(x, { parts: [1, 2] }), { axis: -1 }), m)).toEqual([1, 2, 3, 4, 5, 6])
    expect(valuesOf(x => concat([x, x]), m)).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6])
    expect(slopeOf(x => concat([x, mul(x, 2)]), tensor([1, 2]))).toEqual([3, 3])
  })

  test('stack makes a new axis, anywhere', () => {
    const rows = (axis: number) => () =>
      outcome((x, y) => stack([x, y], { axis }), [tensor([1, 2]), tensor([3, 4])])
    expect([...rows(0)().data]).toEqual([1, 2, 3, 4])
    expect([...rows(1)().data]).toEqual([1, 3, 2, 4])
    expect([...rows(-1)().data]).toEqual([1, 3, 2, 4])
    expect(outcome((x, y) => stack([x, y], { axis: 1 }), [m, m]).shape).toEqual([2, 2, 3])
  })
})

describe('gather and scatterAdd', () => {
  const table = tensor([
    [1, 2],
    [3, 4],
    [5, 6],
  ])

  test('gather looks rows up, and its derivative adds up in the rows used', () => {
    expect(valuesOf(gather, table, tensor([2, 0, 2]))).toEqual([5, 6, 1, 2, 5, 6])
    expect(slopeOf(gather, table, tensor([2, 0, 2]))).toEqual([1, 1, 0, 0, 2, 2])
  })

  test('scatterAdd adds values up in rows', () => {
    const values = tensor([
      [1, 1],
      [2, 2],
      [3, 3],
    ])
    expect(valuesOf((v, ids) => scatterAdd(v, ids, { rows: 3 }), values, tensor([2, 0, 2]))).toEqual([
      2, 2, 0, 0, 4, 4,
    ])
  })
})

describe('named axes', () => {
  test('pass through ops that work on other axes', () => {
    const made = graph({ x: ['T', 4] }, ({ x }) => {
      const [a, b] = split(x, { parts: [1, 3] })
      const wide = concat([b, a], { axis: 1 })
      return { y: flip(reshape(wide, { shape: ['T', 2, 2] }), { axes: [0, 2] }), z: sum(wide, { axis: 0 }) }
    })
    const { y, z } = evaluate(made, {
      x: [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
      ],
    })
    expect([...y.data]).toEqual([7, 6, 5, 8, 3, 2, 1, 4])
    expect([...z.data]).toEqual([8, 10, 12, 6])
  })

  test('broadcast only against themselves and 1', () => {
    const made = graph({ x: ['T', 2], w: [2], c: [1, 2] }, ({ x, w, c }) => ({ y: add(mul(x, w), c) }))
    expect([
      ...evaluate(made, {
        x: [
          [1, 2],
          [3, 4],
        ],
        w: [10, 100],
        c: [[1, 2]],
      }).y.data,
    ]).toEqual([11, 202, 31, 402])
  })
})
