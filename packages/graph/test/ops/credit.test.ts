import { gate, log, mul, stopGradient, tensor } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { attenuate } from '../../src/ops/credit.js'
import { slopeOf, valuesOf } from './numeric.js'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number

describe('gate', () => {
  test('keeps the value and lets its weight of the derivative through', () => {
    const x = tensor([1, 2, 3])
    expect(valuesOf((v, by) => gate(v, { by }), x, tensor([0, 0.5, 2]))).toEqual([1, 2, 3])
    expect(slopeOf((v, by) => gate(v, { by }), x, tensor([0, 0.5, 2]))).toEqual([0, 0.5, 2])
    expect(slopeOf((by, v) => gate(v, { by }), tensor(0.5), x)).toEqual([0])
  })

  test('lets nothing through at a weight of 0, not even an infinite derivative', () => {
    expect(slopeOf((v, by) => log(gate(v, { by })), tensor([0, 1]), tensor([0, 0]))).toEqual([0, 0])
    expect(slopeOf(v => mul(stopGradient(v), v), tensor([3]))).toEqual([3])
  })
})

describe('attenuate', () => {
  test('is exactly 0 at a weight of 0', () => {
    expect(valuesOf(attenuate, tensor([inf, nan, 4, inf]), tensor([0, 0, 0.5, 2]))).toEqual([0, 0, 2, inf])
  })
})
