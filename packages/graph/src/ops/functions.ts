import { commonShape, elementwise, mapElements, mul } from '../elementwise.js'
import { expand, sumTo } from '../linear.js'
import { type Binary, type Op, op, type Unary } from '../op.js'
import { div, sub } from './arithmetic.js'

/** eˣ. */
export const exp: Unary = elementwise({
  name: 'exp',
  inputs: ['x'],
  saves: ['y'],
  f: Math.exp,
  partials: { x: ({ y }) => y },
  flops: 8,
})

/** ln x, for x > 0. */
export const log: Unary = elementwise({
  name: 'log',
  inputs: ['x'],
  saves: ['x'],
  domain: [0.5, 3],
  f: Math.log,
  partials: { x: ({ x }) => div(1, x) },
  flops: 8,
})

/** √x, for x ≥ 0. d/dx = 1/(2y), infinite at 0. */
export const sqrt: Unary = elementwise({
  name: 'sqrt',
  inputs: ['x'],
  saves: ['y'],
  domain: [0.5, 3],
  f: Math.sqrt,
  partials: { x: ({ y }) => div(0.5, y) },
  flops: 4,
})

/** x². */
export const square: Unary = elementwise({
  name: 'square',
  inputs: ['x'],
  saves: ['x'],
  f: (x: number) => x * x,
  partials: { x: ({ x }) => mul(x, 2) },
})

/** Hyperbolic tangent. d/dx = 1 − y². */
export const tanh: Unary = elementwise({
  name: 'tanh',
  inputs: ['x'],
  saves: ['y'],
  f: Math.tanh,
  partials: { x: ({ y }) => sub(1, square(y)) },
  flops: 8,
})

/** Logistic function 1/(1 + e⁻ˣ). d/dx = y (1 − y). */
export const sigmoid: Unary = elementwise({
  name: 'sigmoid',
  inputs: ['x'],
  saves: ['y'],
  f: (x: number) => 1 / (1 + Math.exp(-x)),
  partials: { x: ({ y }) => mul(y, sub(1, y)) },
  flops: 8,
})

/** aᵇ for a > 0, b a constant to the derivative: ∂a = b aᵇ⁻¹. */
export const pow: Binary = elementwise({
  name: 'pow',
  inputs: ['a', 'b'],
  saves: ['a', 'b', 'y'],
  domain: [0.5, 2],
  f: (a: number, b: number) => a ** b,
  partials: { a: ({ a, b }) => mul(b, pow(a, sub(b, 1))), b: ({ a, y }) => mul(y, log(a)) },
  flops: 8,
})

/** The smaller of a and b. Where they are equal, each gets half of the derivative. */
export const min: Binary = elementwise({
  name: 'min',
  inputs: ['a', 'b'],
  saves: ['a', 'b'],
  f: (a: number, b: number) => Math.min(a, b),
  partials: { a: ({ a, b }) => lessShare(a, b), b: ({ a, b }) => lessShare(b, a) },
})

/** 1 where a < b, ½ where they are equal, else 0. Its derivative is 0. */
export const lessShare: Binary = elementwise({
  name: 'lessShare',
  inputs: ['a', 'b'],
  saves: [],
  f: (a: number, b: number) => (a < b ? 1 : a === b ? 0.5 : 0),
  partials: {},
})

/**
 * a where the condition is not 0, else b. The branch that is not taken gets an exact 0, even from an infinite cotangent.
 */
export const where: Op<readonly ['condition', 'a', 'b'], Record<never, never>> = op({
  name: 'where',
  inputs: ['condition', 'a', 'b'],
  saves: ['condition'],
  integers: { condition: 2 },
  shape: inputs => commonShape('where', ['condition', 'a', 'b'], inputs),
  forward: (inputs, { shapes }) => mapElements(choose as never, inputs, shapes[0]!, {}),
  jvp: {
    a: (tangent, { condition, y }) => expand(where(condition, tangent, 0), { shape: y.shape }),
    b: (tangent, { condition, y }) => expand(where(condition, 0, tangent), { shape: y.shape }),
  },
  vjp: {
    a: (g, { condition, a }) => sumTo(where(condition, g, 0), { shape: a.shape }),
    b: (g, { condition, b }) => sumTo(where(condition, 0, g), { shape: b.shape }),
  },
  cases: [
    {
      shapes: [
        [2, 3],
        [2, 3],
        [2, 3],
      ],
    },
    { shapes: [[2, 1], [], [2, 3]] },
    { shapes: [[], [3], []] },
  ],
})

const choose = (condition: number, a: number, b: number): number => (condition !== 0 ? a : b)
