import { mul } from '../elementwise.js'
import { sumTo } from '../linear.js'
import { type Op, op } from '../op.js'
import type { Ref } from '../ref.js'
import { type Shape, sizeOf } from '../shape.js'
import { filled, type Tensor } from '../tensor.js'
import { div, sub } from './arithmetic.js'
import { type Axes, axesOf, checkAxes, flattened, groupsOf } from './axes.js'
import { equal, where } from './compare.js'
import { exp, log } from './functions.js'
import { largest, logSumExpOf, maxOverOp } from './reduce.js'

const cases = [
  { shapes: [[3]], attrs: { axes: [0] } },
  { shapes: [[2, 4]], attrs: { axes: [1] } },
  { shapes: [[2, 3, 2]], attrs: { axes: [0, 1] } },
] as const

const total = (x: Ref, { axes }: Axes): Ref => sumTo(x, { shape: flattened(x.shape, axes) })

function sameShape(name: string): (inputs: readonly Shape[], attrs: Axes) => Shape {
  return ([x], { axes }) => {
    checkAxes(name, x!, axes)
    return x!
  }
}

/** The op behind `softmax`. */
export const softmaxOp: Op<readonly ['x'], Axes> = op<readonly ['x'], Axes>({
  name: 'softmax',
  lower: ([x], attrs) => softmaxByParts(x!, attrs),
  inputs: ['x'],
  saves: ['y'],
  shape: sameShape('softmax'),
  forward: ([x], { attrs }) => softmaxOf(x!, attrs.axes),
  jvp: { x: (tangent, { y, attrs }) => mul(y, sub(tangent, total(mul(tangent, y), attrs))) },
  vjp: { x: (g, { y, attrs }) => mul(y, sub(g, total(mul(g, y), attrs))) },
  flops: ([x]) => 12 * sizeOf(x!),
  cases,
})

function softmaxOf(x: Tensor, axes: readonly number[]): Tensor {
  const { data } = x
  const out = filled(x.shape, 0)
  const { starts, members } = groupsOf(x, axes)
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i]!
    const top = largest(data, start, members)
    let sum = 0
    for (let k = 0; k < members.length; k++)
      sum += out.data[start + members[k]!] = Math.exp(data[start + members[k]!]! - top)
    for (let k = 0; k < members.length; k++) out.data[start + members[k]!]! /= sum
  }
  return out
}

/** The op behind `logSoftmax`. */
export const logSoftmaxOp: Op<readonly ['x'], Axes> = op<readonly ['x'], Axes>({
  name: 'logSoftmax',
  lower: ([x], attrs) => logSoftmaxByParts(x!, attrs),
  inputs: ['x'],
  saves: ['y'],
  shape: sameShape('logSoftmax'),
  forward: ([x], { attrs }) => logSoftmaxOf(x!, attrs.axes),
  jvp: { x: (tangent, { y, attrs }) => sub(tangent, total(mul(tangent, exp(y)), attrs)) },
  vjp: { x: (g, { y, attrs }) => sub(g, mul(exp(y), total(g, attrs))) },
  flops: ([x]) => 12 * sizeOf(x!),
  cases,
})

function logSoftmaxOf(x: Tensor, axes: readonly number[]): Tensor {
  const out = filled(x.shape, 0)
  const { starts, members } = groupsOf(x, axes)
  for (let i = 0; i < starts.length; i++) {
    const start = starts[i]!
    const norm = logSumExpOf(x.data, start, members)
    for (let k = 0; k < members.length; k++)
      out.data[start + members[k]!] = x.data[start + members[k]!]! - norm
  }
  return out
}

/** Which axes a softmax normalises over: the last one, where none is given. */
export interface SoftmaxOptions {
  readonly axis?: number | readonly number[]
}

/**
 * eˣ / Σ eˣ over an axis (the last one by default), computed from x − max x: no overflow.
 * −∞ gives 0; NaN where the largest of a group is NaN or infinite.
 */
export function softmax<S extends Shape>(x: Ref<S>, { axis = -1 }: SoftmaxOptions = {}): Ref<S> {
  return softmaxOp(x, { axes: axesOf('softmax', x, { axis }) }) as Ref<S>
}

/** x − ln Σ eˣ over an axis (the last one by default): the logarithm of `softmax`, accurate where that is 0. */
export function logSoftmax<S extends Shape>(x: Ref<S>, { axis = -1 }: SoftmaxOptions = {}): Ref<S> {
  return logSoftmaxOp(x, { axes: axesOf('logSoftmax', x, { axis }) }) as Ref<S>
}

function softmaxByParts(x: Ref, attrs: Axes): Ref {
  const powers = exp(sub(x, maxOverOp(x, attrs)))
  return div(powers, total(powers, attrs))
}

/** `logSoftmax` in simpler ops. Where the largest is ∞, the others are −∞ below it. */
export function logSoftmaxByParts(x: Ref, attrs: Axes): Ref {
  const top = maxOverOp(x, attrs)
  const below = sub(x, top)
  return sub(below, where(equal(top, Number.POSITIVE_INFINITY), 0, log(total(exp(below), attrs))))
}
