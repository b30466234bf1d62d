import { clamp, div, GraphError, min, mul, norm, type Ref } from '@bptt/graph'
import { type Op, op } from '@bptt/graph/op'
import { shown } from '../checks.js'

/** An op that bounds its cotangent, and is the identity forward. */
type Clip = Op<readonly ['x'], { readonly max: number }>

function clip(name: string, bounded: (cotangent: Ref, max: number) => Ref): Clip {
  return op<readonly ['x'], { readonly max: number }>({
    name,
    lower: ([x]) => x,
    inputs: ['x'],
    saves: [],
    analytic: false,
    shape: ([x]) => x!,
    forward: ([x]) => x!,
    jvp: { x: tangent => tangent },
    vjp: { x: (cotangent, { attrs: { max } }) => bounded(cotangent, max) },
    flops: () => 0,
    cases: [{ shapes: [[2, 3]], attrs: { max: 100 } }],
  })
}

/** The op behind `clipCredit`: clamps the cotangent. */
export const clipCreditOp: Clip = clip('clipCredit', (cotangent, max) =>
  clamp(cotangent, { low: -max, high: max }),
)

/**
 * x, whose cotangent is clamped element by element to [−max, max]: its value is x, its derivative a convention.
 *
 * Clipping is not linear, so the expectation of a clipped gradient is not the clipped expectation: with it ARTBP is
 * biased, and so is every sum over batches or windows. Forward mode does not clip.
 * @throws GraphError `bad-clip` where `max` is no number > 0.
 */
export function clipCredit(x: Ref, { max }: { readonly max: number }): Ref {
  return clipCreditOp(x, { max: bound('clipCredit', max) })
}

/** The op behind `clipCreditByNorm`: scales the rows of the cotangent. */
export const clipCreditByNormOp: Clip = clip('clipCreditByNorm', (cotangent, max) =>
  mul(cotangent, shrink(cotangent, max)),
)

/** min(1, max/norm) for each row along the last axis; a row of zeros keeps its zeros. */
const shrink = (rows: Ref, max: number): Ref => min(div(max, norm(rows, { axis: -1, keepDims: true })), 1)

/**
 * x, whose cotangent is scaled, row by row along the last axis, to a 2-norm of no more than `max` [pascanu2013], its direction
 * stays. Otherwise as `clipCredit`, and as biased. x [..., n].
 * @throws GraphError `bad-clip` where `max` is no number > 0.
 */
export function clipCreditByNorm(x: Ref, { max }: { readonly max: number }): Ref {
  return clipCreditByNormOp(x, { max: bound('clipCreditByNorm', max) })
}

function bound(where: string, max: unknown): number {
  if (typeof max === 'number' && max > 0) return max
  throw new GraphError(
    'bad-clip',
    where,
    `max is ${shown(max)}; the bound of credit is a number > 0`,
    'gate(x, { by: 0 }) lets no credit pass',
  )
}
