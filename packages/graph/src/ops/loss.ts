import { elementwise } from '../elementwise.js'
import { GraphError } from '../error.js'
import type { Lane, Lanes } from '../lanes.js'
import { sumTo } from '../linear.js'
import { type Binary, type Op, op } from '../op.js'
import type { Ref } from '../ref.js'
import { checkShape, type Shape, sameShape, showShape, sizeOf } from '../shape.js'
import { filled, type Tensor } from '../tensor.js'
import { softplusLanes, softplusOf } from './activations.js'
import { mul, neg, sub } from './arithmetic.js'
import { clamp, where } from './compare.js'
import { sigmoid, square } from './functions.js'
import { logSumExpOf, sum } from './reduce.js'
import { reshape } from './shape.js'
import { logSoftmaxByParts, softmax } from './softmax.js'

/**
 * A loss: what a prediction y [..., n] costs against a target, per row [...].
 * `target` gives the target's shape for y's; without it, they are the same.
 */
export interface Loss {
  (y: Ref, target: Ref): Ref
  /** The target's shape for a prediction's; the same, where not given. */
  readonly target?: (y: Shape) => Shape
}

/** 1 at the place a whole number names, else 0: ids [...] of numbers in [0, size) → [..., size]. No derivative. */
export const oneHot: Op<readonly ['ids'], { readonly size: number }> = op<
  readonly ['ids'],
  { readonly size: number }
>({
  name: 'oneHot',
  emission: { kind: 'rows', direction: 'one' },
  map: ([ids], _mapped, attrs) => oneHot(ids!, attrs),
  inputs: ['ids'],
  saves: [],
  integers: { ids: 3 },
  shape: ([ids], { size }) => [...ids!, ...checkShape([size], 'oneHot')],
  forward: ([ids], { attrs, shapes }) => {
    const out = filled(shapes[0]!, 0)
    ids!.data.forEach((_, i) => {
      out.data[i * attrs.size + classAt('oneHot', ids!, i, attrs.size)] = 1
    })
    return out
  },
  jvp: {},
  vjp: {},
  flops: () => 0,
  cases: [
    { shapes: [[]], attrs: { size: 3 } },
    { shapes: [[2]], attrs: { size: 4 } },
  ],
})

function classAt(where: string, ids: Tensor, i: number, classes: number): number {
  const id = ids.data[i]!
  if (Number.isInteger(id) && id >= 0 && id < classes) return id
  throw new GraphError(
    'bad-index',
    where,
    `target ${id} at position ${i} is no class; classes are whole numbers in [0, ${classes})`,
  )
}

/**
 * −log softmax(logits)[target], in nats: logits [..., classes], target [...] of whole numbers in [0, classes) → [...].
 *
 * Computed as log Σ e^(logits − max) + max − logits[target]. ∂logits = softmax(logits) − oneHot(target); none for the target.
 */
export const softmaxCrossEntropy: Op<readonly ['logits', 'target'], Record<never, never>> & Required<Loss> =
  classLoss(
    op({
      name: 'softmaxCrossEntropy',
      lower: ([logits, target]) => crossEntropyByParts(logits!, target!),
      inputs: ['logits', 'target'],
      saves: ['logits', 'target'],
      integers: { target: 3 },
      shape: ([logits, target]) => {
        if (logits!.length > 0 && showShape(logits!.slice(0, -1)) === showShape(target!)) return target!
        throw new GraphError(
          'shape',
          'softmaxCrossEntropy',
          `logits ${showShape(logits!)} and target ${showShape(target!)} do not fit; target has the axes of logits without the last`,
          'targets are class numbers, not one-hot vectors',
        )
      },
      forward: ([logits, target], { shapes }) => crossEntropy(logits!, target!, shapes[0]!),
      jvp: {
        logits: (tangent, { logits, target }) => sum(mul(tangent, excess(logits, target)), { axis: -1 }),
      },
      vjp: {
        logits: (g, { logits, target }) =>
          mul(reshape(g, { shape: [...g.shape, 1] }), excess(logits, target)),
      },
      flops: ([logits]) => 12 * sizeOf(logits!),
      cases: [{ shapes: [[3], []] }, { shapes: [[2, 4], [2]] }],
    }),
  )

/* @__NO_SIDE_EFFECTS__ */
function classLoss<L>(loss: L): L & { readonly target: (y: Shape) => Shape } {
  return Object.assign(loss as L & object, { target: (y: Shape): Shape => y.slice(0, -1) })
}

/** What the prediction gives the classes beyond the target: softmax(logits) − oneHot(target). */
const excess = (logits: Ref, target: Ref): Ref =>
  sub(softmax(logits), oneHot(target, { size: logits.shape[logits.shape.length - 1] as number }))

function crossEntropy(logits: Tensor, target: Tensor, shape: readonly number[]): Tensor {
  const out = filled(shape, 0)
  const width = logits.shape[logits.shape.length - 1]!
  const members = Int32Array.from({ length: width }, (_, k) => k)
  for (let i = 0; i < out.data.length; i++) {
    const row = i * width
    const chosen = logits.data[row + classAt('softmaxCrossEntropy', target, i, width)]!
    out.data[i] = logSumExpOf(logits.data, row, members) - chosen
  }
  return out
}

/** Checks that a prediction and its target are both [..., n]. */
function checkPair(name: string, y: Ref, target: Ref): void {
  if (y.shape.length > 0 && sameShape(y.shape, target.shape)) return
  throw new GraphError(
    'shape',
    name,
    `y ${showShape(y.shape)} and target ${showShape(target.shape)} ${sameShape(y.shape, target.shape) ? 'are scalars' : 'differ'}; both are [..., outputs]`,
  )
}

/** Σ (y − target)² over the last axis: [..., n] → [...]. */
export function squaredError(y: Ref, target: Ref): Ref {
  checkPair('squaredError', y, target)
  return sum(square(sub(y, target)), { axis: -1 })
}

/** ½ Σ (y − target)² over the last axis: [..., n] → [...]. Its derivative is the error itself. */
export function halfSquaredError(y: Ref, target: Ref): Ref {
  return mul(squaredError(y, target), 0.5)
}

/** The op behind `binaryCrossEntropyWithLogits`: t ln(1 + e⁻ˣ) + (1 − t) ln(1 + eˣ), a term of weight 0 left out. */
export const binaryCrossEntropyOp: Binary = elementwise({
  name: 'binaryCrossEntropy',
  lanes: (e, x, target) => crossEntropyLanes(e, x, target),
  inputs: ['x', 'target'],
  saves: ['x', 'target'],
  f: (x: number, t: number) => (t === 0 ? 0 : t * softplusOf(-x)) + (t === 1 ? 0 : (1 - t) * softplusOf(x)),
  partials: { x: ({ x, target }) => sub(sigmoid(x), target), target: ({ x }) => neg(x) },
  flops: 34,
})

/**
 * −Σ t ln σ(y) + (1 − t) ln(1 − σ(y)) over the last axis, nats: logits y [..., n], target t in [0, 1] [..., n] → [...].
 *
 * From the logits without overflow or cancellation; 0 where a sure prediction (±∞) is right, ∞ where it is wrong.
 * ∂y = σ(y) − t, ∂t = −y.
 */
export function binaryCrossEntropyWithLogits(y: Ref, target: Ref): Ref {
  checkPair('binaryCrossEntropyWithLogits', y, target)
  return sum(binaryCrossEntropyOp(y, target), { axis: -1 })
}

/** The op behind `huber`, of the error. */
export const huberOp: Op<readonly ['x'], { readonly delta: number }> = elementwise<
  readonly ['x'],
  { readonly delta: number }
>({
  name: 'huber',
  lanes: (e, x, attrs) => huberLanes(e, x, attrs),
  inputs: ['x'],
  saves: ['x'],
  f: (x: number, { delta }: { readonly delta: number }) =>
    Math.abs(x) <= delta ? 0.5 * x * x : delta * (Math.abs(x) - 0.5 * delta),
  partials: { x: ({ x, attrs: { delta } }) => clamp(x, { low: -delta, high: delta }) },
  flops: 4,
  cases: [
    { shapes: [[]], attrs: { delta: 1 } },
    { shapes: [[2, 3]], attrs: { delta: 0.5 } },
  ],
})

/**
 * Σ of ½e² where |e| ≤ delta and delta (|e| − ½ delta) beyond, e = y − target, over the last axis: [..., n] → [...].
 * ∂y = e clamped to [−delta, delta].
 * @throws GraphError `shape`; `bad-setting` where delta is not > 0.
 */
export function huber(y: Ref, target: Ref, { delta = 1 }: { readonly delta?: number } = {}): Ref {
  checkPair('huber', y, target)
  if (!(delta > 0)) throw new GraphError('bad-setting', 'huber', `delta is ${delta}; delta is > 0`)
  return sum(huberOp(sub(y, target), { delta }), { axis: -1 })
}

function huberLanes(e: Lanes, x: Lane, { delta }: { readonly delta: number }): Lane {
  const size = e.abs(x)
  const near = e.mul(e.constant(0.5), e.mul(x, x))
  const far = e.mul(e.constant(delta), e.sub(size, e.constant(0.5 * delta)))
  return e.select(e.lessEqual(size, e.constant(delta)), near, far)
}

function crossEntropyLanes(e: Lanes, x: Lane, t: Lane): Lane {
  const [zero, one] = [e.constant(0), e.constant(1)]
  const hit = e.select(e.equal(t, zero), zero, e.mul(t, softplusLanes(e, e.neg(x))))
  return e.add(hit, e.select(e.equal(t, one), zero, e.mul(e.sub(one, t), softplusLanes(e, x))))
}

function crossEntropyByParts(logits: Ref, target: Ref): Ref {
  const last = { axes: [logits.shape.length - 1] }
  const chosen = oneHot(target, { size: logits.shape[logits.shape.length - 1] as number })
  const parts = where(chosen, logSoftmaxByParts(logits, last), 0)
  return neg(reshape(sumTo(parts, { shape: [...target.shape, 1] }), { shape: target.shape }))
}
