import {
  binaryCrossEntropyWithLogits,
  halfSquaredError,
  huber,
  oneHot,
  softmaxCrossEntropy,
  squaredError,
  tensor,
} from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { slopeOf, valuesOf } from './numeric.js'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number

describe('softmaxCrossEntropy', () => {
  test('is −log of the probability of the target', () => {
    const logits = tensor([
      [0, Math.log(3)],
      [0, 0],
    ])
    const [first, second] = valuesOf(softmaxCrossEntropy, logits, tensor([0, 1]))
    expect(first).toBeCloseTo(Math.log(4), 15)
    expect(second).toBeCloseTo(Math.LN2, 15)
    expect(slopeOf(softmaxCrossEntropy, logits, tensor([0, 1]))).toEqual(
      [-0.75, 0.75, 0.5, -0.5].map(v => expect.closeTo(v, 14)),
    )
  })

  test('is finite for huge logits and infinite for an excluded target', () => {
    expect(valuesOf(softmaxCrossEntropy, tensor([1e300, -1e300]), tensor(0))).toEqual([0])
    expect(valuesOf(softmaxCrossEntropy, tensor([1e4, -1e4]), tensor(1))).toEqual([2e4])
    expect(valuesOf(softmaxCrossEntropy, tensor([0, -inf]), tensor(1))).toEqual([inf])
    expect(valuesOf(softmaxCrossEntropy, tensor([0, nan]), tensor(0))).toEqual([nan])
  })

  test('takes the target from what oneHot marks', () => {
    expect(valuesOf(ids => oneHot(ids, { size: 3 }), tensor([2, 0]))).toEqual([0, 0, 1, 1, 0, 0])
    expect(softmaxCrossEntropy.target([5, 4, 3])).toEqual([5, 4])
  })
})

describe('binaryCrossEntropyWithLogits', () => {
  const cost = (x: number, t: number): number =>
    valuesOf(binaryCrossEntropyWithLogits, tensor([x]), tensor([t]))[0]!

  test('is the cost of a probability, summed over the last axis', () => {
    expect(cost(0, 1)).toBeCloseTo(Math.LN2, 15)
    expect(cost(Math.log(3), 0.25)).toBeCloseTo(-0.25 * Math.log(0.75) - 0.75 * Math.log(0.25), 15)
    expect(valuesOf(binaryCrossEntropyWithLogits, tensor([[0, 0]]), tensor([[0, 1]]))[0]).toBeCloseTo(
      2 * Math.LN2,
      15,
    )
  })

  test('keeps its digits for sure predictions, and neither overflows nor cancels', () => {
    expect(cost(40, 1) / Math.exp(-40)).toBeCloseTo(1, 14)
    expect(cost(1000, 0)).toBe(1000)
    expect(cost(-1000, 0)).toBe(0)
    expect(cost(inf, 1)).toBe(0)
    expect(cost(-inf, 1)).toBe(inf)
    expect(cost(nan, 1)).toBe(nan)
  })

  test('has the derivative σ(y) − t', () => {
    expect(slopeOf(binaryCrossEntropyWithLogits, tensor([0, 1000, -1000]), tensor([1, 1, 1]))).toEqual([
      -0.5, 0, -1,
    ])
    expect(slopeOf((t, y) => binaryCrossEntropyWithLogits(y, t), tensor([0.5]), tensor([3]))).toEqual([-3])
  })
})

describe('squaredError, halfSquaredError and huber', () => {
  const [y, target] = [tensor([1, 2, 9]), tensor([1, 4, 4])]

  test('sum over the last axis', () => {
    expect(valuesOf(squaredError, y, target)).toEqual([29])
    expect(valuesOf(halfSquaredError, y, target)).toEqual([14.5])
    expect(valuesOf((a, b) => huber(a, b), y, target)).toEqual([1.5 + 4.5])
    expect(valuesOf((a, b) => huber(a, b, { delta: 2 }), y, target)).toEqual([2 + 8])
  })

  test('have the error, doubled or clamped, as their derivative', () => {
    expect(slopeOf(squaredError, y, target)).toEqual([0, -4, 10])
    expect(slopeOf(halfSquaredError, y, target)).toEqual([0, -2, 5])
    expect(slopeOf((a, b) => huber(a, b, { delta: 2 }), y, target)).toEqual([0, -2, 2])
  })

  test('huber is infinite with a bounded derivative for an infinite error', () => {
    expect(valuesOf((a, b) => huber(a, b), tensor([-inf]), tensor([0]))).toEqual([inf])
    expect(slopeOf((a, b) => huber(a, b), tensor([-inf]), tensor([0]))).toEqual([-1])
  })
})
