import type { Lane } from '../../lanes.js'
import { formats } from './formats.js'
import { polynomial } from './polynomial.js'
import type { Vector } from './vector.js'

/** eˣ = 2ⁿ (1 + q): q is eʳ − 1 for r = x − n ln 2, and n stands in the low bits of `bits`. */
interface Reduced {
  readonly q: Lane
  /** q − r. */
  readonly tail: Lane
  readonly bits: Lane
}

/** r in ±½ ln 2, for x within a range where n fits the exponent. NaN gives q = NaN and arbitrary bits. */
function reduced(v: Vector, x: Lane): Reduced {
  const { rounder, exponential } = formats[v.type]
  return expanded(v, x, v.mulAdd(x, v.constant(Math.LOG2E), v.constant(rounder)), exponential)
}

/** r in [−¼ ln 2, ¾ ln 2]: n = 0 reaches farther up, and at n = 1 little of 2ⁿ − 1 cancels against 2ⁿ q. */
function reducedLate(v: Vector, x: Lane): Reduced {
  const { rounder, rising } = formats[v.type]
  const below = v.mulAdd(x, v.constant(Math.LOG2E), v.constant(-0.25))
  return expanded(v, x, v.add(below, v.constant(rounder)), rising)
}

function expanded(v: Vector, x: Lane, bits: Lane, coefficients: readonly number[]): Reduced {
  const { rounder, ln2 } = formats[v.type]
  const n = v.sub(bits, v.constant(rounder))
  const r = v.mulSub(n, v.constant(ln2.low), v.mulSub(n, v.constant(ln2.high), x))
  const tail = v.mul(polynomial(v, r, coefficients), v.mul(r, r))
  return { q: v.add(r, tail), tail, bits }
}

/** scale · 2ⁿ, for a result and a scale that are normal numbers. */
function power(v: Vector, bits: Lane, scale: number): Lane {
  return v.intAdd(v.shiftLeft(bits, formats[v.type].digits), v.constant(scale))
}

/** 2ⁿ (1 + q) in two factors, so that it rounds once into the subnormals and overflows at the end. */
function scaled(v: Vector, { q, bits }: Reduced): Lane {
  const half = v.shiftRight(bits, 1)
  const factor = power(v, half, 1)
  return v.mul(v.mulAdd(q, factor, factor), power(v, v.intSub(bits, half), 1))
}

/** The sign bit of every lane of x. */
export function signOf(v: Vector, x: Lane): Lane {
  return v.and(x, v.constant(-0))
}

/** eˣ, subnormal results included. */
export function exp(v: Vector, x: Lane): Lane {
  const { zero, infinite } = formats[v.type].exp
  return scaled(v, reduced(v, v.atLeast(v.atMost(x, v.constant(infinite)), v.constant(zero))))
}

/** 1 / (1 + e⁻ˣ), as eˣ / (1 + eˣ) below 0: e to the −|x| never overflows, and the small values stay accurate. */
export function sigmoid(v: Vector, x: Lane): Lane {
  const { zero } = formats[v.type].exp
  const e = scaled(v, reduced(v, v.atLeast(v.or(x, v.constant(-0)), v.constant(zero))))
  const one = v.constant(1)
  return v.div(v.select(v.less(x, v.constant(0)), e, one), v.add(one, e))
}

/**
 * y / (y + 2) with y = e^(2|x|) − 1 = 2ⁿ q + (2ⁿ − 1), and the sign of x.
 *
 * Where n = 0 it is |x| + (q − |x| (2 + q)) / (q + 2): the roundings of q and q + 2 then fall on a small correction.
 */
export function tanh(v: Vector, x: Lane): Lane {
  const magnitude = v.abs(x)
  const doubled = v.add(magnitude, magnitude)
  const { q, bits, tail } = reducedLate(v, v.atMost(doubled, v.constant(2 * formats[v.type].saturated)))
  const factor = power(v, bits, 1)
  const near = v.equal(factor, v.constant(1))
  const y = v.mulAdd(q, factor, v.sub(factor, v.constant(1)))
  const correction = v.mulSub(magnitude, q, tail)
  const quotient = v.div(v.select(near, correction, y), v.add(y, v.constant(2)))
  return v.or(v.add(v.and(near, magnitude), quotient), signOf(v, x))
}

/** eˣ − 1 = 2 (2ⁿ⁻¹ q + (2ⁿ⁻¹ − ½)), which overflows at the end only; x itself where x² is far below rounding. */
export function expm1(v: Vector, x: Lane): Lane {
  const { minusOne, infinite } = formats[v.type].exp
  const bounded = v.atLeast(v.atMost(x, v.constant(infinite)), v.constant(minusOne))
  const { q, bits } = reduced(v, bounded)
  const factor = power(v, bits, 0.5)
  const y = v.mulAdd(q, factor, v.sub(factor, v.constant(0.5)))
  return v.select(v.less(v.abs(x), v.constant(2 ** -60)), x, v.add(y, y))
}
