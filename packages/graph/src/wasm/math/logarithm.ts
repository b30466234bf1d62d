import type { Lane } from '../../lanes.js'
import { signOf } from './exponential.js'
import { formats } from './formats.js'
import { polynomial } from './polynomial.js'
import type { Vector } from './vector.js'

/** u = 2ᵏ m with m in [√½, √2) for a positive normal u. */
interface Split {
  /** m − 1. */
  readonly f: Lane
  /** k plus the bias, in the low bits of 2^digits + k + bias. */
  readonly exponent: Lane
  /** 2⁻ᵏ, or 0 for the greatest k. */
  readonly scale: () => Lane
}

function split(v: Vector, u: Lane): Split {
  const { digits, whole, bias, significand } = formats[v.type]
  const one = v.constant(1)
  const root = v.constant(Math.SQRT1_2)
  const raised = v.intAdd(u, v.intSub(one, root))
  const mantissa = v.intAdd(v.and(raised, v.constant(significand)), root)
  const scale = (): Lane => {
    const power = v.andNot(raised, v.constant(significand))
    return v.atLeast(v.intSub(v.constant(2 ** bias), power), v.constant(0))
  }
  return { f: v.sub(mantissa, one), exponent: v.or(v.shiftRight(raised, digits), v.constant(whole)), scale }
}

/** k ln 2 + ln(1 + f): with s = f / (2 + f), ln(1 + f) = f − (f²/2 − s (f²/2 + R(s²))) (after fdlibm's e_log.c). */
function assembled(v: Vector, k: Lane, f: Lane): Lane {
  const { ln2, logarithm } = formats[v.type]
  const s = v.div(f, v.add(v.constant(2), f))
  const z = v.mul(s, s)
  const half = v.mul(v.constant(0.5), v.mul(f, f))
  const tail = v.mulAdd(z, polynomial(v, z, logarithm), half)
  const small = v.mulAdd(s, tail, v.mul(k, v.constant(ln2.low)))
  return v.add(v.mul(k, v.constant(ln2.high)), v.sub(f, v.sub(half, small)))
}

/** y = ln u where u is positive and finite; −∞ at 0, NaN below, and `x` itself where that is ∞ or NaN. */
function edged(v: Vector, y: Lane, u: Lane, x: Lane): Lane {
  const zero = v.constant(0)
  const finite = v.select(v.less(x, v.constant(Infinity)), y, x)
  // A mask with all bits set is a NaN.
  const positive = v.or(finite, v.less(u, zero))
  return v.select(v.equal(u, zero), v.constant(-Infinity), positive)
}

/** ln x, subnormals included. */
export function log(v: Vector, x: Lane): Lane {
  const { digits, whole, bias, leastNormal } = formats[v.type]
  const tiny = v.less(x, v.constant(leastNormal))
  const { f, exponent } = split(v, v.select(tiny, v.mul(x, v.constant(whole)), x))
  const offset = v.select(tiny, v.constant(whole + bias + digits), v.constant(whole + bias))
  return edged(v, assembled(v, v.sub(exponent, offset), f), x, x)
}

/** ln(1 + x): u = 1 + x rounded, and what the rounding lost goes back into f, which is x itself where k = 0. */
export function log1p(v: Vector, x: Lane): Lane {
  const { whole, bias } = formats[v.type]
  const one = v.constant(1)
  const u = v.add(one, x)
  const lost = v.sub(x, v.sub(u, one))
  const { f, exponent, scale } = split(v, u)
  const y = assembled(v, v.sub(exponent, v.constant(whole + bias)), v.mulAdd(lost, scale(), f))
  return v.or(edged(v, y, u, x), signOf(v, x))
}
