import { mul } from '../elementwise.js'
import { expand, sumTo } from '../linear.js'
import { type Op, op } from '../op.js'
import type { Ref } from '../ref.js'
import { type Shape, sizeOf } from '../shape.js'
import { filled, type Tensor } from '../tensor.js'
import { add, div, neg, sub } from './arithmetic.js'
import { type Axes, axesOf, checkAxes, dropped, flattened, groupsOf, type ReduceOptions } from './axes.js'
import { abs, equal, where } from './compare.js'
import { exp, log, sqrt, square } from './functions.js'
import { reshape } from './shape.js'

/** Σ x over the given axes; over all of them, a scalar. Negative axes count from the last. */
export function sum(x: Ref): Ref<readonly []>
export function sum(x: Ref, options?: ReduceOptions): Ref
export function sum(x: Ref, options: ReduceOptions = {}): Ref {
  const axes = axesOf('sum', x, options)
  return finish(sumTo(x, { shape: flattened(x.shape, axes) }), axes, options)
}

/** A result with reduced axes of length 1, without them unless they are to stay. */
function finish(kept: Ref, axes: readonly number[], { keepDims = false }: ReduceOptions): Ref {
  return keepDims ? kept : reshape(kept, { shape: dropped(kept.shape, axes) })
}

/** The mean over the given axes, named ones included; NaN over no elements. */
export function mean(x: Ref): Ref<readonly []>
export function mean(x: Ref, options?: ReduceOptions): Ref
export function mean(x: Ref, options: ReduceOptions = {}): Ref {
  return per(sum(x, options), x, axesOf('mean', x, options), 0)
}

/** total / (number of elements − less). */
function per(total: Ref, x: Ref, axes: readonly number[], less: number): Ref {
  const lengths = axes.map(axis => x.shape[axis]!)
  if (lengths.every(length => typeof length === 'number')) return mul(total, 1 / (sizeOf(lengths) - less))
  const elements = count(x, { axes })
  return div(total, less === 0 ? elements : sub(elements, less))
}

/** The number of elements along some axes of x, as a scalar: for named axes, whose lengths the run binds. No derivative. */
export const count: Op<readonly ['x'], Axes> = op<readonly ['x'], Axes>({
  name: 'count',
  measures: true,
  lower: ([x], { axes }) => ones(x!, axes),
  inputs: ['x'],
  saves: [],
  shape: ([x], { axes }) => {
    checkAxes('count', x!, axes)
    return []
  },
  forward: ([x], { attrs }) => filled([], sizeOf(attrs.axes.map(axis => x!.shape[axis]!))),
  jvp: {},
  vjp: {},
  flops: () => 0,
  cases: [
    { shapes: [[2, 3]], attrs: { axes: [1] } },
    { shapes: [[2, 3]], attrs: { axes: [0, 1] } },
  ],
})

/** As many ones as there are elements along some axes, summed. */
function ones(x: Ref, axes: readonly number[]): Ref {
  const shape = axes.map(axis => x.shape[axis]!)
  return sumTo(expand(x.builder.constant(1), { shape }), { shape: [] })
}

/** Settings of a variance. */
export interface VarianceOptions extends ReduceOptions {
  /** Subtracted from the number of elements: 0 for the population (the default), 1 for the unbiased estimate. */
  readonly correction?: number
}

/** Σ (x − mean x)² / (n − correction) over the given axes. */
export function variance(x: Ref, options: VarianceOptions = {}): Ref {
  const axes = axesOf('variance', x, options)
  const deviation = sub(x, mean(x, { axis: axes, keepDims: true }))
  return per(sum(square(deviation), options), x, axes, options.correction ?? 0)
}

const reducedCases = [
  { shapes: [[3]], attrs: { axes: [0] } },
  { shapes: [[2, 3]], attrs: { axes: [0] } },
  { shapes: [[2, 4, 3]], attrs: { axes: [0, 2] } },
] as const

function reducedShape(name: string): (inputs: readonly Shape[], attrs: Axes) => Shape {
  return ([x], { axes }) => {
    checkAxes(name, x!, axes)
    return flattened(x!, axes)
  }
}

/** One number per group over the axes. */
function reduceGroups(
  x: Tensor,
  { axes }: Axes,
  shape: readonly number[],
  f: (data: Float64Array, start: number, members: Int32Array) => number,
): Tensor {
  const out = filled(shape, 0)
  const { starts, members } = groupsOf(x, axes)
  for (let i = 0; i < starts.length; i++) out.data[i] = f(x.data, starts[i]!, members)
  return out
}

/** The largest of a group: NaN where one is NaN, −∞ for none. */
export function largest(data: Float64Array, start: number, members: Int32Array): number {
  let top = Number.NEGATIVE_INFINITY
  for (let k = 0; k < members.length; k++) top = Math.max(top, data[start + members[k]!]!)
  return top
}

const sumKept = (x: Ref, { axes }: Axes): Ref => sumTo(x, { shape: flattened(x.shape, axes) })

/** The op behind `maxOver`. */
export const maxOverOp: Op<readonly ['x'], Axes> = op<readonly ['x'], Axes>({
  name: 'maxOver',
  emission: { kind: 'reduce', by: 'max' },
  map: ([x], _mapped, { axes }) => maxOverOp(x!, { axes: axes.map(axis => axis + 1) }),
  inputs: ['x'],
  saves: ['x', 'y'],
  shape: reducedShape('maxOver'),
  forward: ([x], { attrs, shapes }) => reduceGroups(x!, attrs, shapes[0]!, largest),
  jvp: { x: (tangent, { x, y, attrs }) => sumKept(mul(tangent, shareOf(x, y, attrs)), attrs) },
  vjp: { x: (g, { x, y, attrs }) => mul(g, shareOf(x, y, attrs)) },
  flops: ([x]) => sizeOf(x!),
  cases: reducedCases,
})

/** 1 at the largest, 1/n at each of n that are equally large. */
function shareOf(x: Ref, y: Ref, attrs: Axes): Ref {
  const hit = equal(x, y)
  return div(hit, sumKept(hit, attrs))
}

/**
 * The largest over the given axes; NaN where one is NaN, −∞ over no elements. Equally large elements share the derivative evenly.
 */
export function maxOver(x: Ref, options: ReduceOptions = {}): Ref {
  const axes = axesOf('maxOver', x, options)
  return finish(maxOverOp(x, { axes }), axes, options)
}

/** The smallest over the given axes: −maxOver(−x). */
export function minOver(x: Ref, options: ReduceOptions = {}): Ref {
  return neg(maxOver(neg(x), options))
}

/** The op behind `logSumExp`. */
export const logSumExpOp: Op<readonly ['x'], Axes> = op<readonly ['x'], Axes>({
  name: 'logSumExp',
  lower: ([x], attrs) => logSumExpByParts(x!, attrs),
  inputs: ['x'],
  saves: ['x', 'y'],
  shape: reducedShape('logSumExp'),
  forward: ([x], { attrs, shapes }) => reduceGroups(x!, attrs, shapes[0]!, logSumExpOf),
  jvp: { x: (tangent, { x, y, attrs }) => sumKept(mul(tangent, exp(sub(x, y))), attrs) },
  vjp: { x: (g, { x, y }) => mul(g, exp(sub(x, y))) },
  flops: ([x]) => 10 * sizeOf(x!),
  cases: reducedCases,
})

/** ln Σ eˣ of a group, from x − max x; the largest itself where that is infinite. */
export function logSumExpOf(data: Float64Array, start: number, members: Int32Array): number {
  const top = largest(data, start, members)
  if (Math.abs(top) === Number.POSITIVE_INFINITY) return top
  let total = 0
  for (let k = 0; k < members.length; k++) total += Math.exp(data[start + members[k]!]! - top)
  return Math.log(total) + top
}

/**
 * ln Σ eˣ over the given axes, without overflow; ∞ where an element is ∞, −∞ where all are −∞ or there are none.
 * ∂x = e^(x − y), the softmax; NaN where y is infinite and so is x.
 */
export function logSumExp(x: Ref, options: ReduceOptions = {}): Ref {
  const axes = axesOf('logSumExp', x, options)
  return finish(logSumExpOp(x, { axes }), axes, options)
}

/** The op behind `norm`. */
export const normOp: Op<readonly ['x'], Axes> = op<readonly ['x'], Axes>({
  name: 'norm',
  lower: ([x], attrs) => normByParts(x!, attrs),
  inputs: ['x'],
  saves: ['x', 'y'],
  shape: reducedShape('norm'),
  forward: ([x], { attrs, shapes }) => reduceGroups(x!, attrs, shapes[0]!, normOf),
  jvp: { x: (tangent, { x, y, attrs }) => sumKept(mul(tangent, direction(x, y)), attrs) },
  vjp: { x: (g, { x, y }) => mul(g, direction(x, y)) },
  flops: ([x]) => 3 * sizeOf(x!),
  cases: reducedCases,
})

/** √Σ x² of a group, scaled by the largest magnitude so that squares neither overflow nor vanish. */
function normOf(data: Float64Array, start: number, members: Int32Array): number {
  let top = 0
  for (let k = 0; k < members.length; k++) top = Math.max(top, Math.abs(data[start + members[k]!]!))
  if (top === 0 || top === Number.POSITIVE_INFINITY) return top
  let total = 0
  for (let k = 0; k < members.length; k++) total += (data[start + members[k]!]! / top) ** 2
  return top * Math.sqrt(total)
}

/** x / y, and 0 where y is 0, in the derivatives of this too. */
const direction = (x: Ref, y: Ref): Ref => where(y, div(x, where(y, y, 1)), 0)

/**
 * The 2-norm √Σ x² over the given axes, without overflow. ∂x = x/y, and 0 where all elements are 0.
 */
export function norm(x: Ref, options: ReduceOptions = {}): Ref {
  const axes = axesOf('norm', x, options)
  return finish(normOp(x, { axes }), axes, options)
}

function logSumExpByParts(x: Ref, attrs: Axes): Ref {
  const top = maxOverOp(x, attrs)
  const sum = add(log(sumKept(exp(sub(x, top)), attrs)), top)
  return where(equal(abs(top), Number.POSITIVE_INFINITY), top, sum)
}

function normByParts(x: Ref, attrs: Axes): Ref {
  const top = maxOverOp(abs(x), attrs)
  const scale = where(top, top, 1)
  const size = mul(scale, sqrt(sumKept(square(div(x, scale)), attrs)))
  return where(equal(top, Number.POSITIVE_INFINITY), top, size)
}
