import {
  abs,
  clamp,
  cos,
  div,
  elu,
  equal,
  exp,
  expm1,
  gelu,
  gradient,
  graph,
  greater,
  greaterEqual,
  inline,
  leakyRelu,
  less,
  lessEqual,
  log,
  log1p,
  max,
  min,
  normalCdf,
  pow,
  type Ref,
  relu,
  rsqrt,
  sigmoid,
  sign,
  silu,
  sin,
  softplus,
  sqrt,
  square,
  sum,
  tanh,
  tensor,
  where,
} from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { slopeOf, valuesOf } from './numeric.js'

const { NaN: nan, POSITIVE_INFINITY: inf } = Number

/** Values of a function of one number at several points. */
const at = (f: (x: Ref) => Ref, ...xs: number[]): number[] => valuesOf(f, tensor(xs))
/** Derivatives of a function of one number at several points. */
const slope = (f: (x: Ref) => Ref, ...xs: number[]): number[] => slopeOf(f, tensor(xs))
/** Second derivatives. */
const bend = (f: (x: Ref) => Ref, ...xs: number[]): number[] => {
  const first = graph({ x: [xs.length] }, ({ x }) => ({ y: sum(f(x)) }))
  const slopes = gradient(first, { of: 'y', by: ['x'] })
  return slopeOf(x => (inline(slopes, { x }) as unknown as { x: Ref }).x, tensor(xs))
}
const close = (got: readonly number[], wanted: readonly number[], digits = 12): void => {
  expect(got).toHaveLength(wanted.length)
  wanted.forEach((value, i) => {
    if (Number.isFinite(value)) expect(got[i]).toBeCloseTo(value, digits)
    else expect(got[i]).toBe(value)
  })
}

describe('exp and its relatives', () => {
  test('have the values of their formulas', () => {
    close(at(exp, 0, 1, -1), [1, Math.E, 1 / Math.E])
    close(at(log, 1, Math.E, 8), [0, 1, 3 * Math.LN2])
    close(at(sqrt, 0, 4, 2), [0, 2, Math.SQRT2])
    close(at(rsqrt, 1, 4, 0.25), [1, 0.5, 2])
    close(at(square, -3, 0.5), [9, 0.25])
    close(at(sin, 0, Math.PI / 6, Math.PI / 2), [0, 0.5, 1])
    close(at(cos, 0, Math.PI / 3, Math.PI), [1, 0.5, -1])
  })

  test('have the derivatives of their formulas', () => {
    close(slope(exp, 0, 1), [1, Math.E])
    close(slope(log, 0.5, 4), [2, 0.25])
    close(slope(sqrt, 4, 0.25), [0.25, 1])
    close(slope(rsqrt, 1, 4), [-0.5, -1 / 16])
    close(slope(square, -3, 0.5), [-6, 1])
    close(slope(sin, 0, Math.PI), [1, -1])
    close(slope(cos, 0, Math.PI / 2), [0, -1])
  })

  test('expm1 and log1p keep their digits near 0', () => {
    expect(at(expm1, 1e-20, -1e-20)).toEqual([1e-20, -1e-20])
    expect(at(log1p, 1e-20, -1e-20)).toEqual([1e-20, -1e-20])
    close(slope(expm1, 0, 1), [1, Math.E])
    close(slope(log1p, 0, 1), [1, 0.5])
  })

  test('follow IEEE at the ends of their domains', () => {
    expect(at(exp, -inf, inf, nan)).toEqual([0, inf, nan])
    expect(at(expm1, -inf, inf, nan)).toEqual([-1, inf, nan])
    expect(at(log, 0, -1, inf, nan)).toEqual([-inf, nan, inf, nan])
    expect(at(log1p, -1, -2, inf)).toEqual([-inf, nan, inf])
    expect(at(sqrt, -1, inf, nan)).toEqual([nan, inf, nan])
    expect(at(rsqrt, 0, -1, inf)).toEqual([inf, nan, 0])
    expect(at(sin, inf, nan)).toEqual([nan, nan])
    expect(at(cos, -inf, nan)).toEqual([nan, nan])
    expect(slope(sqrt, 0)).toEqual([inf])
  })
})

describe('the functions that squash', () => {
  test('reach their limits without overflow', () => {
    expect(at(sigmoid, -1000, 1000, -inf, inf, nan)).toEqual([0, 1, 0, 1, nan])
    expect(slope(sigmoid, -1000, 1000, 0)).toEqual([0, 0, 0.25])
    expect(at(tanh, -1000, 1000, -inf, inf, nan)).toEqual([-1, 1, -1, 1, nan])
    expect(slope(tanh, 0, 1000)).toEqual([1, 0])
    expect(at(softplus, -1000, 1000, -inf, inf, nan)).toEqual([0, 1000, 0, inf, nan])
    expect(slope(softplus, -1000, 1000, 0)).toEqual([0, 1, 0.5])
    expect(at(silu, -1000, 1000, -inf, inf, nan)).toEqual([-0, 1000, 0, inf, nan])
    expect(at(gelu, -1000, 1000, -inf, inf, nan)).toEqual([-0, 1000, 0, inf, nan])
    expect(at(normalCdf, -inf, inf, nan)).toEqual([0, 1, nan])
    expect(at(elu, -1000, 1000, -inf, inf, nan)).toEqual([-1, 1000, -1, inf, nan])
  })

  test('softplus keeps the digits of both tails', () => {
    expect(at(softplus, -40)[0]! / Math.exp(-40)).toBeCloseTo(1, 14)
    expect(at(softplus, 0)[0]).toBeCloseTo(Math.LN2, 15)
  })

  test('gelu is the exact one, with the distribution function accurate in both tails', () => {
    close(at(gelu, 0, 1, -1, 2), [0, 0.8413447460685429, -0.15865525393145707, 1.9544997361036416], 15)
    close(slope(gelu, 0, 1), [0.5, 1.0833154705876864], 14)
    close(
      at(normalCdf, 0, 0.5, 1.3, -1.3, 3),
      [0.5, 0.6914624612740131, 0.9031995154143897, 0.09680048458561036, 0.9986501019683699],
      15,
    )
    expect(at(normalCdf, -10)[0]! / 7.61985302416052e-24).toBeCloseTo(1, 12)
    expect(at(normalCdf, -37)[0]! / 5.725571222524577e-300).toBeCloseTo(1, 10)
    close(slope(normalCdf, 0), [1 / Math.sqrt(2 * Math.PI)], 15)
  })

  test('silu has the slope ½ at 0 and 1 far to the right', () => {
    close(at(silu, 0, 1), [0, 0.7310585786300049], 15)
    close(slope(silu, 0, 40, -800), [0.5, 1, 0], 14)
  })
})

describe('the functions with a kink', () => {
  test('relu passes what is above 0, and its derivative at 0 is 0', () => {
    expect(at(relu, -2, 0, 3, nan, -inf, inf)).toEqual([0, 0, 3, nan, 0, inf])
    expect(slope(relu, -2, 0, 3)).toEqual([0, 0, 1])
  })

  test('leakyRelu has its slope at 0 and below', () => {
    expect(at(leakyRelu, -2, 0, 3, nan)).toEqual([-0.02, 0, 3, nan])
    expect(slope(leakyRelu, -2, 0, 3)).toEqual([0.01, 0.01, 1])
    expect(at(x => leakyRelu(x, { slope: 0.5 }), -2, 3)).toEqual([-1, 3])
  })

  test('elu has the slope alpha at 0', () => {
    close(at(elu, -1, 0, 2), [1 / Math.E - 1, 0, 2])
    expect(slope(x => elu(x, { alpha: 0.5 }), 0, 2)).toEqual([0.5, 1])
    close(slope(elu, -1), [1 / Math.E])
  })

  test('abs has the derivative sign x, which is 0 at 0', () => {
    expect(at(abs, -2, 0, 3, -inf, nan)).toEqual([2, 0, 3, inf, nan])
    expect(slope(abs, -2, 0, 3)).toEqual([-1, 0, 1])
    expect(at(sign, -2, 0, 3, -inf, nan)).toEqual([-1, 0, 1, -1, nan])
    expect(slope(sign, -2, 0, 3)).toEqual([0, 0, 0])
  })

  test('clamp passes the derivative in the closed interval', () => {
    const narrow = (x: Ref): Ref => clamp(x, { low: -1, high: 2 })
    expect(at(narrow, -3, -1, 0.5, 2, 7, nan, inf)).toEqual([-1, -1, 0.5, 2, 2, nan, 2])
    expect(slope(narrow, -3, -1, 0.5, 2, 7)).toEqual([0, 1, 1, 1, 0])
  })

  test('min and max share the derivative of equal values', () => {
    const [a, b] = [tensor([1, 2, 3, nan]), tensor([2, 2, 2, 0])]
    expect(valuesOf(min, a, b)).toEqual([1, 2, 2, nan])
    expect(valuesOf(max, a, b)).toEqual([2, 2, 3, nan])
    expect(slopeOf(min, a, b)).toEqual([1, 0.5, 0, 0])
    expect(slopeOf(max, a, b)).toEqual([0, 0.5, 1, 0])
    expect(slopeOf((x, y) => max(y, x), a, b)).toEqual([0, 0.5, 1, 0])
  })
})

describe('comparisons', () => {
  const [a, b] = [tensor([1, 2, 3, nan, 0]), tensor([2, 2, 2, 2, -0])]

  test('give 1 where they hold, else 0, and hold for no NaN', () => {
    expect(valuesOf(less, a, b)).toEqual([1, 0, 0, 0, 0])
    expect(valuesOf(lessEqual, a, b)).toEqual([1, 1, 0, 0, 1])
    expect(valuesOf(greater, a, b)).toEqual([0, 0, 1, 0, 0])
    expect(valuesOf(greaterEqual, a, b)).toEqual([0, 1, 1, 0, 1])
    expect(valuesOf(equal, a, b)).toEqual([0, 1, 0, 0, 1])
  })

  test('have no derivative', () => {
    for (const compare of [less, lessEqual, greater, greaterEqual, equal])
      expect(slopeOf(compare, a, b)).toEqual([0, 0, 0, 0, 0])
  })

  test('where keeps the branch that is not taken out of value and derivative', () => {
    const x = tensor([0, 4])
    const safe = (v: Ref): Ref => where(greater(v, 0), log(where(greater(v, 0), v, 1)), -1)
    close(valuesOf(safe, x), [-1, Math.log(4)])
    expect(slopeOf(safe, x)).toEqual([0, 0.25])
    expect(slopeOf(v => where(greater(v, 0), v, div(1, v)), tensor([4, 2]))).toEqual([1, 1])
  })
})

describe('pow', () => {
  const power = (b: number) => (x: Ref) => pow(x, b)

  test('takes negative bases to whole powers', () => {
    expect(at(power(3), -2, 0, 2)).toEqual([-8, 0, 8])
    expect(slope(power(3), -2, 0, 2)).toEqual([12, 0, 12])
    expect(slope(power(2), -2, 0)).toEqual([-4, 0])
    expect(slope(power(-1), -2)).toEqual([-0.25])
    expect(at(power(0.5), -2)).toEqual([nan])
  })

  test('is exact at a base of 0', () => {
    expect(slope(power(0), 0, 3)).toEqual([0, 0])
    expect(slope(power(1), 0, 3)).toEqual([1, 1])
    expect(slope(power(0.5), 0)).toEqual([inf])
    expect(at(power(0), 0, nan)).toEqual([1, 1])
    expect(bend(power(2), 0, -1)).toEqual([2, 2])
  })

  test('is exact at a base of 0 for exponents that are values too', () => {
    const [a, b] = [tensor([0, 0, 0, 2]), tensor([0, 1, 3, 0])]
    expect(slopeOf(pow, a, b)).toEqual([0, 1, 0, 0])
    expect(slopeOf((y, x) => pow(x, y), b, a)).toEqual([0, 0, 0, Math.LN2])
  })

  test('has no second derivative of NaN where an exponent of 0 meets a base of 0', () => {
    expect(slopeOf((a, b) => square(pow(a, b)), tensor([0, 2]), tensor([0, 0]))).toEqual([0, 0])
  })

  test('adds no node for an exponent of 1', () => {
    const made = graph({ x: [2] }, ({ x }) => ({ y: pow(x, 1) }))
    expect(made.nodes.filter(node => node.kind === 'apply')).toEqual([])
  })
})

describe('broadcasting', () => {
  test('pairs every element with the one it repeats, whatever the layout', () => {
    const square = tensor([
      [1, 2],
      [3, 4],
    ])
    expect(valuesOf(div, square, tensor([10, 20]))).toEqual([0.1, 0.1, 0.3, 0.2])
    expect(valuesOf(div, tensor([10, 20]), square)).toEqual([10, 10, 10 / 3, 5])
    expect(valuesOf(div, square, tensor([[10], [20]]))).toEqual([0.1, 0.2, 0.15, 0.2])
    expect(valuesOf(div, tensor(12), square)).toEqual([12, 6, 4, 3])
    expect(valuesOf(div, tensor([[12], [24]]), tensor([1, 2, 3]))).toEqual([12, 6, 4, 24, 12, 8])
  })

  test('walks over axes that repeat between axes that do not', () => {
    const a = tensor([[[1, 2]], [[3, 4]]])
    const b = tensor([[[10], [20], [30]]])
    const wanted = [1, 3].flatMap(x => [10, 20, 30].flatMap(y => [x / y, (x + 1) / y]))
    expect(valuesOf(div, a, b)).toEqual(wanted)
    expect(valuesOf(where, tensor([[1], [0]]), tensor([5, 6]), tensor(7))).toEqual([5, 6, 7, 7])
  })

  test('is empty over an axis without elements', () => {
    expect(valuesOf(div, tensor([], [0, 3]), tensor([1, 2, 3]))).toEqual([])
    expect(slopeOf((x, y) => div(y, x), tensor([1, 2, 3]), tensor([], [0, 3]))).toEqual([0, 0, 0])
  })
})
