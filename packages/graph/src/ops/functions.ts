import { elementwise, mul } from '../elementwise.js'
import type { Binary, Unary } from '../op.js'
import { isConstant, type Ref, type Term } from '../ref.js'
import { add, div, neg, sub } from './arithmetic.js'
import { where } from './compare.js'

/** eˣ; 0 at −∞. */
export const exp: Unary = elementwise({
  name: 'exp',
  lanes: (e, x) => e.exp(x),
  inputs: ['x'],
  saves: ['y'],
  f: Math.exp,
  partials: { x: ({ y }) => y },
  flops: 8,
})

/** eˣ − 1, accurate near 0. d/dx = y + 1. */
export const expm1: Unary = elementwise({
  name: 'expm1',
  lanes: (e, x) => e.expm1(x),
  inputs: ['x'],
  saves: ['y'],
  f: Math.expm1,
  partials: { x: ({ y }) => add(y, 1) },
  flops: 8,
})

/** ln x; −∞ at 0, NaN below. d/dx = 1/x. */
export const log: Unary = elementwise({
  name: 'log',
  lanes: (e, x) => e.log(x),
  inputs: ['x'],
  saves: ['x'],
  domain: [0.5, 3],
  f: Math.log,
  partials: { x: ({ x }) => div(1, x) },
  flops: 8,
})

/** ln(1 + x), accurate near 0; −∞ at −1, NaN below. d/dx = 1/(1 + x). */
export const log1p: Unary = elementwise({
  name: 'log1p',
  lanes: (e, x) => e.log1p(x),
  inputs: ['x'],
  saves: ['x'],
  domain: [-0.5, 2],
  f: Math.log1p,
  partials: { x: ({ x }) => div(1, add(1, x)) },
  flops: 8,
})

/** √x; NaN below 0. d/dx = 1/(2y), infinite at 0. */
export const sqrt: Unary = elementwise({
  name: 'sqrt',
  lanes: (e, x) => e.sqrt(x),
  inputs: ['x'],
  saves: ['y'],
  domain: [0.5, 3],
  f: Math.sqrt,
  partials: { x: ({ y }) => div(0.5, y) },
  flops: 4,
})

/** 1/√x; ∞ at 0, NaN below. d/dx = −y³/2. */
export const rsqrt: Unary = elementwise({
  name: 'rsqrt',
  lanes: (e, x) => e.div(e.constant(1), e.sqrt(x)),
  inputs: ['x'],
  saves: ['y'],
  domain: [0.5, 3],
  f: (x: number) => 1 / Math.sqrt(x),
  partials: { x: ({ y }) => mul(mul(y, square(y)), -0.5) },
  flops: 5,
})

/** x². */
export const square: Unary = elementwise({
  name: 'square',
  lanes: (e, x) => e.mul(x, x),
  inputs: ['x'],
  saves: ['x'],
  f: (x: number) => x * x,
  partials: { x: ({ x }) => mul(x, 2) },
})

/** sin x, x in radians; NaN at ±∞. */
export const sin: Unary = elementwise({
  name: 'sin',
  inputs: ['x'],
  saves: ['x'],
  f: Math.sin,
  partials: { x: ({ x }) => cos(x) },
  flops: 8,
})

/** cos x, x in radians; NaN at ±∞. */
export const cos: Unary = elementwise({
  name: 'cos',
  inputs: ['x'],
  saves: ['x'],
  f: Math.cos,
  partials: { x: ({ x }) => neg(sin(x)) },
  flops: 8,
})

/** Hyperbolic tangent. d/dx = 1 − y². */
export const tanh: Unary = elementwise({
  name: 'tanh',
  lanes: (e, x) => e.tanh(x),
  inputs: ['x'],
  saves: ['y'],
  f: Math.tanh,
  partials: { x: ({ y }) => sub(1, square(y)) },
  flops: 8,
})

/** Logistic function 1/(1 + e⁻ˣ), in [0, 1] without overflow. d/dx = y (1 − y). */
export const sigmoid: Unary = elementwise({
  name: 'sigmoid',
  lanes: (e, x) => e.sigmoid(x),
  inputs: ['x'],
  saves: ['y'],
  f: (x: number) => 1 / (1 + Math.exp(-x)),
  partials: { x: ({ y }) => mul(y, sub(1, y)) },
  flops: 8,
})

/**
 * aᵇ as JavaScript's `a ** b`: a negative base has real powers for whole b only, else NaN; a⁰ = 1.
 *
 * ∂a = b aᵇ⁻¹, exact at a = 0 (0 for b > 1, 1 for b = 1, 0 for b = 0, ∞ for 0 < b < 1). ∂b = aᵇ ln a, taken as 0
 * at a = 0 and NaN at a < 0: a negative base needs a constant exponent.
 */
export const pow: Binary = elementwise({
  name: 'pow',
  lower: ([a, b]) => powerOfConstant(a!, b!),
  inputs: ['a', 'b'],
  saves: ['a', 'b', 'y'],
  domain: [0.5, 2],
  f: (a: number, b: number) => a ** b,
  partials: {
    a: ({ a, b }) => slopeOfPower(a, b),
    b: ({ a, y }) => mul(y, log(where(a, a, 1))),
  },
  fold: ([a, b]) => (isConstant(b!, 1) ? a : undefined),
  flops: 8,
})

/** b aᵇ⁻¹. The exponent is 0 where b is, so that 0 · 0⁻¹ stays 0, in the derivatives of this too. */
function slopeOfPower(a: Ref, b: Ref): Term {
  const fixed = b.constant
  if (fixed === undefined || fixed.shape.length > 0) return mul(b, pow(a, where(b, sub(b, 1), 0)))
  const exponent = fixed.data[0]!
  if (exponent === 0 || exponent === 1) return exponent
  return mul(exponent === 2 ? a : pow(a, exponent - 1), exponent)
}

/** aᵇ for a constant a > 0, as e^(b ln a). */
function powerOfConstant(a: Ref, b: Ref): Ref | undefined {
  const base = a.constant
  return base?.shape.length === 0 && base.data[0]! > 0 ? exp(mul(b, Math.log(base.data[0]!))) : undefined
}
