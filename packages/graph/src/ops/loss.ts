import { GraphError } from '../error.js'
import { type Op, op, type Unary } from '../op.js'
import type { Ref } from '../ref.js'
import { type Shape, showShape } from '../shape.js'
import { filled, type Tensor } from '../tensor.js'
import { mul, sub } from './arithmetic.js'
import { square } from './functions.js'
import { sum } from './reduce.js'
import { reshape } from './shape.js'

/** eˣ / Σ eˣ over the last axis, computed from x − max x. */
export const softmax: Unary = op({
  name: 'softmax',
  inputs: ['x'],
  saves: ['y'],
  shape: ([x]) => x!,
  forward: ([x]) => normalised(x!),
  jvp: { x: (tangent, { y }) => mul(y, sub(tangent, sum(mul(tangent, y), { axis: -1, keepDims: true }))) },
  vjp: { x: (g, { y }) => mul(y, sub(g, sum(mul(g, y), { axis: -1, keepDims: true }))) },
  flops: ([x]) => 12 * x!.reduce((a, b) => a * b, 1),
  cases: [{ shapes: [[3]] }, { shapes: [[2, 4]] }],
})

function normalised(x: Tensor): Tensor {
  const out = filled(x.shape, 0)
  const width = x.shape[x.shape.length - 1]!
  for (let row = 0; row < x.data.length; row += width) {
    const top = maxOf(x.data, row, width)
    let total = 0
    for (let k = row; k < row + width; k++) total += out.data[k] = Math.exp(x.data[k]! - top)
    for (let k = row; k < row + width; k++) out.data[k]! /= total
  }
  return out
}

function maxOf(data: Float64Array, from: number, width: number): number {
  let top = Number.NEGATIVE_INFINITY
  for (let k = from; k < from + width; k++) top = Math.max(top, data[k]!)
  return top
}

/**
 * A loss: what a prediction y [..., n] costs against a target, per row [...].
 * `target` gives the target's shape for y's; without it, they are the same.
 */
export interface Loss {
  (y: Ref, target: Ref): Ref
  readonly target?: (y: Shape) => Shape
}

/** 1 at the place a whole number names, else 0: ids [...] of numbers in [0, size) → [..., size]. No derivative. */
export const oneHot: Op<readonly ['ids'], { readonly size: number }> = op<
  readonly ['ids'],
  { readonly size: number }
>({
  name: 'oneHot',
  inputs: ['ids'],
  saves: [],
  integers: { ids: 3 },
  shape: ([ids], { size }) => [...ids!, size],
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
      flops: ([logits]) => 12 * logits!.reduce((a, b) => a * b, 1),
      cases: [{ shapes: [[3], []] }, { shapes: [[2, 4], [2]] }],
    }),
  )

function classLoss<L>(loss: L): L & { readonly target: (y: Shape) => Shape } {
  return Object.assign(loss as L & object, { target: (y: Shape): Shape => y.slice(0, -1) })
}

/** What the prediction gives the classes beyond the target: softmax(logits) − oneHot(target). */
const excess = (logits: Ref, target: Ref): Ref =>
  sub(softmax(logits), oneHot(target, { size: logits.shape[logits.shape.length - 1] as number }))

function crossEntropy(logits: Tensor, target: Tensor, shape: readonly number[]): Tensor {
  const out = filled(shape, 0)
  const width = logits.shape[logits.shape.length - 1]!
  for (let i = 0; i < out.data.length; i++) {
    const top = maxOf(logits.data, i * width, width)
    let total = 0
    for (let k = i * width; k < (i + 1) * width; k++) total += Math.exp(logits.data[k]! - top)
    out.data[i] =
      Math.log(total) + top - logits.data[i * width + classAt('softmaxCrossEntropy', target, i, width)]!
  }
  return out
}

/** Σ (y − target)² over the last axis: [..., n] → [...]. */
export function squaredError(y: Ref, target: Ref): Ref {
  if (y.shape.length > 0 && showShape(y.shape) === showShape(target.shape))
    return sum(square(sub(y, target)), { axis: -1 })
  throw new GraphError(
    'shape',
    'squaredError',
    `y ${showShape(y.shape)} and target ${showShape(target.shape)} differ; both are [..., outputs]`,
  )
}

/** ½ Σ (y − target)² over the last axis: [..., n] → [...]. Its derivative is the error itself. */
export function halfSquaredError(y: Ref, target: Ref): Ref {
  return mul(squaredError(y, target), 0.5)
}
