import { commonShape } from '../elementwise.js'
import { GraphError } from '../error.js'
import { sumTo } from '../linear.js'
import { type Elementwise, mapElements } from '../map.js'
import { type Op, op } from '../op.js'
import { isConstant, type Ref, type Term } from '../ref.js'
import { broadcastsTo, type Shape, showShape } from '../shape.js'

/**
 * weight · x, with 0 an annihilator: exactly 0 where the weight is 0, even where x is infinite or NaN.
 * Linear in x; the weight is a constant to the derivative.
 */
export const attenuate: Op<readonly ['x', 'weight'], Record<never, never>> = op({
  name: 'attenuate',
  lanes: (e, x, weight) => e.select(e.equal(weight, e.constant(0)), e.constant(0), e.mul(x, weight)),
  analytic: false,
  inputs: ['x', 'weight'],
  saves: ['weight'],
  shape: inputs => commonShape('attenuate', ['x', 'weight'], inputs),
  forward: (inputs, { shapes }) => mapElements(scaled as Elementwise, inputs, shapes[0]!, {}),
  jvp: { x: (tangent, { weight }) => attenuate(tangent, weight) },
  vjp: { x: (cotangent, { x, weight }) => sumTo(attenuate(cotangent, weight), { shape: x.shape }) },
  fold: ([x, weight]) => (isConstant(weight!, 1) ? x : undefined),
  cases: [
    { shapes: [[2, 3], []] },
    {
      shapes: [
        [2, 3],
        [2, 1],
      ],
    },
  ],
})

const scaled = (x: number, weight: number): number => (weight === 0 ? 0 : x * weight)

/** The op behind `gate` and `stopGradient`. */
export const gateOp: Op<readonly ['a', 'b'], Record<never, never>> = op({
  name: 'gate',
  lower: ([x]) => x,
  inputs: ['a', 'b'],
  saves: ['b'],
  analytic: false,
  shape: ([x, by]) => gateShape(x!, by!),
  forward: ([x]) => x!,
  jvp: { a: (tangent, { b }) => (isConstant(b, 0) ? null : attenuate(tangent, b)) },
  vjp: { a: (cotangent, { b }) => (isConstant(b, 0) ? null : attenuate(cotangent, b)) },
  fold: ([x, by]) => (isConstant(by!, 1) ? x : undefined),
  flops: () => 0,
  cases: [
    { shapes: [[2, 3], []] },
    {
      shapes: [
        [2, 3],
        [2, 1],
      ],
    },
  ],
})

function gateShape(x: Shape, by: Shape): Shape {
  if (broadcastsTo(by, x)) return x
  throw new GraphError(
    'shape',
    'gate',
    `by ${showShape(by)} does not broadcast to x ${showShape(x)}; a weight is a scalar or one per element`,
  )
}

/**
 * x, letting `by` times the credit through: its value is x, its derivative `by`.
 *
 * 1 passes all credit, 0 cuts it (structurally: nothing flows, not even NaN), 1/(1−c) repays a cut of chance c
 * [tallec-ollivier2017]. `by` has no derivative. Biased unless its mean is 1.
 */
export function gate<S extends Shape>(x: Ref<S>, { by }: { readonly by: Term }): Ref<S> {
  return gateOp(x, by) as Ref<S>
}

/** x with no derivative: `gate(x, {by: 0})`. The `detach` of PyTorch, `stop_gradient` of JAX. */
export function stopGradient<S extends Shape>(x: Ref<S>): Ref<S> {
  return gateOp(x, 0) as Ref<S>
}
