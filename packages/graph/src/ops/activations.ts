import { elementwise, mul } from '../elementwise.js'
import type { Lane, Lanes } from '../lanes.js'
import type { Op, Unary } from '../op.js'
import type { Ref } from '../ref.js'
import type { Shape } from '../shape.js'
import { add, sub } from './arithmetic.js'
import { greater, where } from './compare.js'
import { erfc } from './erfc.js'
import { exp, sigmoid, square } from './functions.js'

/** The larger of x and 0; NaN stays NaN. d/dx = 1 for x > 0, else 0: relu′(0) = 0. */
export const relu: Unary = elementwise({
  name: 'relu',
  lanes: (e, x) => e.max(x, e.constant(0)),
  inputs: ['x'],
  saves: ['y'],
  f: (x: number) => Math.max(x, 0),
  partials: { x: ({ y }) => greater(y, 0) },
})

/** The op behind `leakyRelu`. */
export const leakyReluOp: Op<readonly ['x'], { readonly slope: number }> = elementwise<
  readonly ['x'],
  { readonly slope: number }
>({
  name: 'leakyRelu',
  lanes: (e, x, { slope }) => e.select(e.less(e.constant(0), x), x, e.mul(e.constant(slope), x)),
  inputs: ['x'],
  saves: ['x'],
  f: (x: number, { slope }: { readonly slope: number }) => (x > 0 ? x : slope * x),
  partials: { x: ({ x, attrs }) => where(greater(x, 0), 1, attrs.slope) },
  cases: [
    { shapes: [[]], attrs: { slope: 0.01 } },
    { shapes: [[2, 3]], attrs: { slope: 0.25 } },
  ],
})

/** x for x > 0, else slope · x. d/dx = 1 for x > 0, else the slope, at 0 too. */
export function leakyRelu<S extends Shape>(
  x: Ref<S>,
  { slope = 0.01 }: { readonly slope?: number } = {},
): Ref<S> {
  return leakyReluOp(x, { slope }) as Ref<S>
}

/** The op behind `elu`. */
export const eluOp: Op<readonly ['x'], { readonly alpha: number }> = elementwise<
  readonly ['x'],
  { readonly alpha: number }
>({
  name: 'elu',
  lanes: (e, x, { alpha }) => e.select(e.less(e.constant(0), x), x, e.mul(e.constant(alpha), e.expm1(x))),
  inputs: ['x'],
  saves: ['x', 'y'],
  f: (x: number, { alpha }: { readonly alpha: number }) => (x > 0 ? x : alpha * Math.expm1(x)),
  partials: { x: ({ x, y, attrs }) => where(greater(x, 0), 1, add(y, attrs.alpha)) },
  flops: 8,
  cases: [
    { shapes: [[]], attrs: { alpha: 1 } },
    { shapes: [[2, 3]], attrs: { alpha: 0.5 } },
  ],
})

/** x for x > 0, else alpha · (eˣ − 1); −alpha at −∞. d/dx = 1 for x > 0, else y + alpha, which is alpha at 0. */
export function elu<S extends Shape>(x: Ref<S>, { alpha = 1 }: { readonly alpha?: number } = {}): Ref<S> {
  return eluOp(x, { alpha }) as Ref<S>
}

const normal = (x: number): number => 0.5 * erfc(-x * Math.SQRT1_2)

/** The density of the standard normal distribution, e^(−x²/2)/√(2π). */
const density = (x: Ref): Ref => mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))

/** The standard normal distribution function Φ(x) = ½ (1 + erf(x/√2)), accurate in both tails. d/dx = e^(−x²/2)/√(2π). */
export const normalCdf: Unary = elementwise({
  name: 'normalCdf',
  inputs: ['x'],
  saves: ['x'],
  f: normal,
  partials: { x: ({ x }) => density(x) },
  flops: 16,
})

/**
 * x Φ(x), with the exact distribution function (PyTorch's default, not its tanh approximation); 0 at −∞.
 * d/dx = Φ(x) + x e^(−x²/2)/√(2π), NaN at ±∞.
 */
export const gelu: Unary = elementwise({
  name: 'gelu',
  inputs: ['x'],
  saves: ['x'],
  f: (x: number) => (x === Number.NEGATIVE_INFINITY ? 0 : x * normal(x)),
  partials: { x: ({ x }) => add(normalCdf(x), mul(x, density(x))) },
  flops: 17,
})

/** x · sigmoid x, also called swish; 0 at −∞. d/dx = s (1 + x (1 − s)) with s = sigmoid x, NaN at ±∞. */
export const silu: Unary = elementwise({
  name: 'silu',
  lanes: (e, x) =>
    e.select(e.equal(x, e.constant(Number.NEGATIVE_INFINITY)), e.constant(0), e.mul(x, e.sigmoid(x))),
  inputs: ['x'],
  saves: ['x'],
  f: (x: number) => (x === Number.NEGATIVE_INFINITY ? 0 : x / (1 + Math.exp(-x))),
  partials: { x: ({ x }) => slopeOfSilu(x, sigmoid(x)) },
  flops: 9,
})

const slopeOfSilu = (x: Ref, s: Ref): Ref => mul(s, add(1, mul(x, sub(1, s))))

/** ln(1 + eˣ), as max(x, 0) + log1p(e^−|x|): no overflow, 0 at −∞. d/dx = sigmoid x. */
export const softplus: Unary = elementwise({
  name: 'softplus',
  lanes: (e, x) => softplusLanes(e, x),
  inputs: ['x'],
  saves: ['x'],
  f: softplusOf,
  partials: { x: ({ x }) => sigmoid(x) },
  flops: 16,
})

/** ln(1 + eˣ) of a number. */
export function softplusOf(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}

/** ln(1 + eˣ) in registers. */
export function softplusLanes(e: Lanes, x: Lane): Lane {
  return e.add(e.max(x, e.constant(0)), e.log1p(e.exp(e.neg(e.abs(x)))))
}
