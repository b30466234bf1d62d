import {
  count,
  evaluate,
  exp,
  gradient,
  graph,
  inline,
  layerNorm,
  logSoftmax,
  logSumExp,
  maxOver,
  mean,
  minOver,
  mul,
  norm,
  type Ref,
  softmax,
  sum,
  tensor,
  variance,
} from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { outcome, slopeOf, valuesOf } from './numeric.js'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number
const m = tensor([
  [1, 2, 3],
  [4, 5, 9],
])

describe('sum and mean', () => {
  test('reduce the axes they are given, counted from either end', () => {
    expect(valuesOf(x => sum(x), m)).toEqual([24])
    expect(valuesOf(x => sum(x, { axis: 0 }), m)).toEqual([5, 7, 12])
    expect(valuesOf(x => sum(x, { axis: -1 }), m)).toEqual([6, 18])
    expect(valuesOf(x => mean(x), m)).toEqual([4])
    expect(valuesOf(x => mean(x, { axis: [0, 1] }), m)).toEqual([4])
    expect(slopeOf(x => mean(x, { axis: 1 }), m)).toEqual(new Array(6).fill(1 / 3))
  })

  test('keep reduced axes as axes of length 1 where asked', () => {
    expect(outcome(x => sum(x, { axis: 1, keepDims: true }), [m]).shape).toEqual([2, 1])
    expect(outcome(x => mean(x, { keepDims: true }), [m]).shape).toEqual([1, 1])
    expect(outcome(x => norm(x, { axis: 0, keepDims: true }), [m]).shape).toEqual([1, 3])
  })

  test('are 0 and NaN over no elements', () => {
    const none = tensor([], [0, 2])
    expect(valuesOf(x => sum(x, { axis: 0 }), none)).toEqual([0, 0])
    expect(valuesOf(x => mean(x, { axis: 0 }), none)).toEqual([nan, nan])
  })
})

describe('variance', () => {
  test('divides by n, or by n − 1 where asked', () => {
    expect(valuesOf(x => variance(x, { axis: 1 }), m)[0]).toBeCloseTo(2 / 3, 15)
    expect(valuesOf(x => variance(x, { axis: 1, correction: 1 }), m)).toEqual([1, 7])
    expect(outcome(x => variance(x, { axis: 1, keepDims: true }), [m]).shape).toEqual([2, 1])
  })

  test('has the derivative 2 (x − mean)/n', () => {
    expect(slopeOf(x => variance(x), tensor([1, 2, 6]))).toEqual(
      [-4 / 3, -2 / 3, 2].map(v => expect.closeTo(v, 14)),
    )
  })
})

describe('maxOver and minOver', () => {
  test('find the largest and the smallest of every group', () => {
    expect(valuesOf(x => maxOver(x, { axis: 0 }), m)).toEqual([4, 5, 9])
    expect(valuesOf(x => minOver(x, { axis: 1 }), m)).toEqual([1, 4])
    expect(valuesOf(x => maxOver(x), m)).toEqual([9])
  })

  test('share the derivative evenly among equals', () => {
    expect(slopeOf(x => maxOver(x), tensor([3, 1, 3, 2]))).toEqual([0.5, 0, 0.5, 0])
    expect(slopeOf(x => minOver(x), tensor([1, 1, 1, 2]))).toEqual([1 / 3, 1 / 3, 1 / 3, 0])
  })

  test('are NaN where an element is, and −∞ over none', () => {
    expect(valuesOf(x => maxOver(x), tensor([1, nan, inf]))).toEqual([nan])
    expect(valuesOf(x => maxOver(x, { axis: 0 }), tensor([], [0, 1]))).toEqual([-inf])
  })
})

describe('logSumExp', () => {
  test('neither overflows nor vanishes', () => {
    expect(valuesOf(x => logSumExp(x), tensor([1000, 1000]))[0]).toBeCloseTo(1000 + Math.LN2, 12)
    expect(valuesOf(x => logSumExp(x), tensor([-1000, -1000]))[0]).toBeCloseTo(-1000 + Math.LN2, 12)
    expect(slopeOf(x => logSumExp(x), tensor([1000, 1000, -1000]))).toEqual(
      [0.5, 0.5, 0].map(v => expect.closeTo(v, 12)),
    )
  })

  test('is infinite where an element is ∞ or all are −∞', () => {
    expect(valuesOf(x => logSumExp(x), tensor([inf, 0]))).toEqual([inf])
    expect(valuesOf(x => logSumExp(x), tensor([-inf, -inf]))).toEqual([-inf])
    expect(valuesOf(x => logSumExp(x), tensor([-inf, 0]))).toEqual([0])
    expect(valuesOf(x => logSumExp(x), tensor([nan, 0]))).toEqual([nan])
  })
})

describe('softmax', () => {
  test('normalises over any axis', () => {
    const x = tensor([
      [0, Math.log(3)],
      [0, 0],
    ])
    expect(valuesOf(v => softmax(v), x)).toEqual([0.25, 0.75, 0.5, 0.5].map(v => expect.closeTo(v, 15)))
    expect(valuesOf(v => softmax(v, { axis: 0 }), x)).toEqual(
      [0.5, 0.75, 0.5, 0.25].map(v => expect.closeTo(v, 15)),
    )
    const whole = valuesOf(v => softmax(v, { axis: [0, 1] }), x)
    expect(whole.reduce((a, b) => a + b)).toBeCloseTo(1, 15)
  })

  test('does not overflow, gives 0 for −∞, and NaN where the largest is infinite', () => {
    expect(valuesOf(v => softmax(v), tensor([1e308, 0, -1e308]))).toEqual([1, 0, 0])
    expect(valuesOf(v => softmax(v), tensor([-inf, 0]))).toEqual([0, 1])
    expect(valuesOf(v => softmax(v), tensor([inf, 0]))).toEqual([nan, nan])
    expect(valuesOf(v => softmax(v), tensor([-inf, -inf]))).toEqual([nan, nan])
  })

  test('has a logarithm that is accurate where it is 0', () => {
    expect(valuesOf(v => logSoftmax(v), tensor([0, -1000]))).toEqual([0, -1000])
    expect(valuesOf(v => exp(logSoftmax(v, { axis: 0 })), m)).toEqual(
      valuesOf(v => softmax(v, { axis: 0 }), m).map(v => expect.closeTo(v, 14)),
    )
  })
})

describe('norm', () => {
  test('is the root of the sum of squares, without overflow', () => {
    expect(valuesOf(x => norm(x), tensor([3, -4]))).toEqual([5])
    expect(valuesOf(x => norm(x), tensor([3e200, -4e200]))[0]! / 5e200).toBeCloseTo(1, 14)
    expect(valuesOf(x => norm(x), tensor([3e-200, 4e-200]))[0]! / 5e-200).toBeCloseTo(1, 14)
    expect(valuesOf(x => norm(x), tensor([inf, 1]))).toEqual([inf])
    expect(valuesOf(x => norm(x), tensor([nan, 1]))).toEqual([nan])
  })

  test('has the derivative x/y, and 0 at 0', () => {
    expect(slopeOf(x => norm(x), tensor([3, -4]))).toEqual([0.6, -0.8])
    expect(
      slopeOf(
        x => norm(x, { axis: 1 }),
        tensor([
          [0, 0],
          [0, 2],
        ]),
      ),
    ).toEqual([0, 0, 0, 1])
  })

  test('has a second derivative of 0 at 0, not NaN', () => {
    const slopes = gradient(
      graph({ x: [2] }, ({ x }) => ({ y: norm(x) })) as never,
      { of: 'y', by: ['x'] } as never,
    )
    expect(slopeOf(x => (inline(slopes, { x }) as { x: Ref }).x, tensor([0, 0]))).toEqual([0, 0])
  })
})

describe('layerNorm', () => {
  test('has mean 0 and variance 1 before gain and bias', () => {
    const [a, b, c] = valuesOf(x => layerNorm(x, { epsilon: 0 }), tensor([1, 2, 3]))
    expect([a, b, c]).toEqual([-Math.sqrt(1.5), 0, Math.sqrt(1.5)].map(v => expect.closeTo(v, 14)))
    const moved = valuesOf(
      (x, g) => layerNorm(x, { epsilon: 0, gain: g, bias: 1 }),
      tensor([1, 2, 3]),
      tensor([0, 5, 2]),
    )
    expect(moved).toEqual([1, 1, 1 + 2 * Math.sqrt(1.5)].map(v => expect.closeTo(v, 14)))
  })

  test('is finite for equal elements', () => {
    expect(valuesOf(x => layerNorm(x), tensor([2, 2]))).toEqual([0, 0])
  })
})

describe('named axes', () => {
  const x = [
    [1, 2],
    [3, 4],
    [5, 12],
  ]
  const over = (build: (x: Ref) => Ref): number[] => {
    const made = graph({ x: ['T', 2] }, refs => ({ y: build(refs.x) }))
    return [...evaluate(made, { x }).y.data]
  }

  test('can be reduced, their length read at run time', () => {
    expect(over(v => mean(v, { axis: 0 }))).toEqual([3, 6])
    expect(over(v => mean(v))).toEqual([4.5])
    expect(over(v => count(v, { axes: [0] }))).toEqual([3])
    expect(over(v => variance(v, { axis: 0, correction: 1 }))).toEqual([4, 28])
    expect(over(v => maxOver(v, { axis: 0 }))).toEqual([5, 12])
    expect(over(v => norm(v, { axis: 1 }))[1]).toBe(5)
    expect(over(v => sum(softmax(v, { axis: 0 }), { axis: 0 }))).toEqual(
      [1, 1].map(s => expect.closeTo(s, 14)),
    )
    expect(over(v => sum(layerNorm(v, { axis: [0, 1] })))[0]).toBeCloseTo(0, 12)
  })

  test('are differentiated through', () => {
    const made = graph({ x: ['T', 2] }, refs => ({ y: sum(mul(mean(refs.x, { axis: 0 }), 3)) }))
    const { x: slope } = evaluate(gradient(made, { of: 'y', by: ['x'] }), { x }) as unknown as {
      x: { data: Float64Array }
    }
    expect([...slope.data]).toEqual(new Array(6).fill(1))
  })
})
