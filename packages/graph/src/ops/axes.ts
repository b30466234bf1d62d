import { GraphError } from '../error.js'
import { type Shape, showShape, sizeOf, stridesOf } from '../shape.js'
import type { Tensor } from '../tensor.js'

/** Axes to reduce (all, where none are given), and whether they stay as axes of length 1. */
export interface ReduceOptions {
  readonly axis?: number | readonly number[]
  readonly keepDims?: boolean
}

/** The axes an op works over, as positions ≥ 0. */
export interface Axes {
  readonly axes: readonly number[]
}

/** A position ≥ 0 for an axis that may count from the last. */
export function axisOf(where: string, shape: Shape, axis: number): number {
  const at = axis < 0 ? shape.length + axis : axis
  if (Number.isInteger(at) && at >= 0 && at < shape.length) return at
  throw new GraphError(
    'axis',
    where,
    `axis ${axis} does not exist in ${showShape(shape)}; ${axesThere(shape)}`,
  )
}

function axesThere({ length }: Shape): string {
  return length === 0
    ? 'a scalar has no axes'
    : `its axes are 0 to ${length - 1}, or −${length} to −1 from the last`
}

/** The axes to reduce as positions ≥ 0. */
export function axesOf(
  where: string,
  { shape }: { readonly shape: Shape },
  { axis }: ReduceOptions,
): readonly number[] {
  if (axis === undefined) return shape.map((_, i) => i)
  const axes = (typeof axis === 'number' ? [axis] : axis).map(given => axisOf(where, shape, given))
  checkAxes(where, shape, axes)
  return axes
}

/** Checks that these positions ≥ 0 are axes of the shape, each once. */
export function checkAxes(where: string, shape: Shape, axes: readonly number[]): void {
  axes.forEach((axis, i) => {
    if (!Number.isInteger(axis) || axis < 0 || axis >= shape.length)
      throw new GraphError(
        'axis',
        where,
        `axis ${axis} does not exist in ${showShape(shape)}; axes are positions below ${shape.length}`,
      )
    if (axes.indexOf(axis) < i)
      throw new GraphError(
        'axis',
        where,
        `axis ${axis} of ${showShape(shape)} stands twice; an axis is reduced once`,
      )
  })
}

/** The shape with these axes made 1 long. */
export function flattened(shape: Shape, axes: readonly number[]): Shape {
  return shape.map((dim, i) => (axes.includes(i) ? 1 : dim))
}

/** The shape without these axes. */
export function dropped(shape: Shape, axes: readonly number[]): Shape {
  return shape.filter((_, i) => !axes.includes(i))
}

/** The elements of a tensor as groups: element k of group i stands at `starts[i] + members[k]`. */
export interface Groups {
  readonly starts: Int32Array
  readonly members: Int32Array
}

/** The groups over some axes: one per position of the other axes, in row-major order. */
export function groupsOf({ shape }: Tensor, axes: readonly number[]): Groups {
  const strides = stridesOf(shape)
  const all = shape.map((_, axis) => axis)
  const offsets = (picked: readonly number[]): Int32Array =>
    offsetsOf(
      picked.map(axis => shape[axis]!),
      picked.map(axis => strides[axis]!),
    )
  return {
    starts: offsets(all.filter(axis => !axes.includes(axis))),
    members: offsets(all.filter(axis => axes.includes(axis))),
  }
}

/** Element offsets of every position along axes of these lengths and strides, in row-major order. */
export function offsetsOf(lengths: readonly number[], strides: readonly number[]): Int32Array {
  const found = new Int32Array(sizeOf(lengths))
  if (found.length === 0) return found
  let made = 1
  lengths.forEach((length, axis) => {
    made *= length
    for (
      let i = made - 1;
      i > 0;
      i-- // downwards, so that what is read is not yet replaced
    )
      found[i] = found[Math.floor(i / length)]! + (i % length) * strides[axis]!
  })
  return found
}
