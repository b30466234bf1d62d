import { GraphError } from '../error.js'
import { reshapedLayout, viewed } from '../layout.js'
import { expand, linearMap, sumTo } from '../linear.js'
import type { Keeping, Op, Reshaping } from '../op.js'
import type { Ref } from '../ref.js'
import { checkShape, type Dim, type Shape, showShape, sizeOf, stridesOf } from '../shape.js'
import { filled, type Tensor } from '../tensor.js'
import type { Transposed } from '../typed.js'
import { type Axes, axisOf, checkAxes, offsetsOf } from './axes.js'

export { expand, sumTo }

/** The same elements, in row-major order, in another shape. Named axes stay as they are named. */
export const reshape: Reshaping = linearMap<{ readonly shape: Shape }>({
  name: 'reshape',
  emission: viewed((input, _attrs, shape) => reshapedLayout(input, shape)),
  map: ([x], _mapped, { shape }) => reshape(x!, { shape: [x!.shape[0]!, ...shape] }),
  shape: (x, { shape }) => {
    if (measure(x) === measure(checkShape(shape, 'reshape'))) return shape
    throw new GraphError(
      'shape',
      'reshape',
      `${showShape(x)} does not fill ${showShape(shape)}; both have the same number of elements`,
    )
  },
  forward: (x, { shapes }) => ({ shape: shapes[0]!, data: x.data }),
  transpose: (g, input) => reshape(g, { shape: input }),
  fold: ([x], { shape }) => (showShape(x!.shape) === showShape(shape) ? x : undefined),
  cases: [
    { shapes: [[2, 3]], attrs: { shape: [3, 2] } },
    { shapes: [[]], attrs: { shape: [1, 1] } },
  ],
}) as Reshaping

/** The product of the lengths and the names, as text that is equal for equal sizes. */
const measure = (shape: Shape): string => {
  const names = shape.filter(dim => typeof dim === 'string').sort()
  return [sizeOf(shape.filter(dim => typeof dim === 'number')), ...names].join('·')
}

/** Settings of a permutation: output axis i is input axis `axes[i]`. */
export interface PermuteAttrs {
  readonly axes: readonly number[]
}

/** x with its axes in another order: output axis i is input axis `axes[i]`. */
export const permute: Op<readonly ['x'], PermuteAttrs> = linearMap<PermuteAttrs>({
  name: 'permute',
  emission: viewed<PermuteAttrs>((input, { axes }, shape) => ({
    ...input,
    shape,
    strides: axes.map(axis => input.strides[axis]!),
  })),
  map: ([x], _mapped, { axes }) => permute(x!, { axes: [0, ...axes.map(axis => axis + 1)] }),
  shape: (x, { axes }) => {
    if ([...axes].sort((a, b) => a - b).every((axis, i) => axis === i) && axes.length === x.length)
      return axes.map(axis => x[axis]!)
    throw new GraphError(
      'axis',
      'permute',
      `[${axes.join(', ')}] is no order of the axes of ${showShape(x)}; it names every axis once`,
    )
  },
  forward: (x, { attrs, shapes }) => gatherAxes(x, attrs.axes, shapes[0]!),
  transpose: (g, _input, { axes }) => permute(g, { axes: axes.map((_, i) => axes.indexOf(i)) }),
  fold: ([x], { axes }) => (axes.every((axis, i) => axis === i) ? x : undefined),
  cases: [
    { shapes: [[2, 3]], attrs: { axes: [1, 0] } },
    { shapes: [[2, 3, 4]], attrs: { axes: [2, 0, 1] } },
  ],
})

function gatherAxes(x: Tensor, axes: readonly number[], shape: readonly number[]): Tensor {
  const strides = stridesOf(x.shape)
  const from = offsetsOf(
    shape,
    axes.map(axis => strides[axis]!),
  )
  const out = filled(shape, 0)
  for (let i = 0; i < out.data.length; i++) out.data[i] = x.data[from[i]!]!
  return out
}

/**
 * x [..., m, n] with its last two axes exchanged.
 * @throws GraphError `shape` where x has fewer than two.
 */
export function transpose<S extends Shape>(x: Ref<S>): Ref<Transposed<S>> {
  const rank = x.shape.length
  if (rank < 2)
    throw new GraphError(
      'shape',
      'transpose',
      `${showShape(x.shape)} has no two axes to exchange; a matrix is [..., rows, columns]`,
    )
  const axes = x.shape.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i))
  return permute(x, { axes }) as Ref<Transposed<S>>
}

/** x with the order of its elements along these axes reversed; its own transpose. Named axes can be reversed too. */
export const flip: Keeping<Axes> = linearMap<Axes>({
  name: 'flip',
  shape: (x, { axes }) => {
    checkAxes('flip', x, axes)
    return x
  },
  forward: (x, { attrs }) => reversed(x, attrs.axes),
  transpose: (g, _input, attrs) => flip(g, attrs),
  fold: ([x], { axes }) => (axes.length === 0 ? x : undefined),
  cases: [
    { shapes: [[3]], attrs: { axes: [0] } },
    { shapes: [[2, 3, 2]], attrs: { axes: [1, 2] } },
  ],
}) as Keeping<Axes>

function reversed(x: Tensor, axes: readonly number[]): Tensor {
  const out = filled(x.shape, 0)
  const strides = stridesOf(x.shape)
  const signed = strides.map((stride, axis) => (axes.includes(axis) ? -stride : stride))
  const last = axes.reduce((sum, axis) => sum + (x.shape[axis]! - 1) * strides[axis]!, 0)
  const from = offsetsOf(x.shape, signed)
  for (let i = 0; i < out.data.length; i++) out.data[i] = x.data[last + from[i]!]!
  return out
}

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 0

/** A part of one axis: `size` elements from `start`. */
export interface SliceAttrs {
  readonly axis: number
  readonly start: number
  readonly size: number
}

/** `size` elements of one axis from `start`; the transpose of `pad`. */
export const slice: Op<readonly ['x'], SliceAttrs> = linearMap<SliceAttrs>({
  name: 'slice',
  emission: viewed<SliceAttrs>((input, { axis, start }, shape) => ({
    ...input,
    shape,
    offset: input.offset + start * input.strides[axis]!,
  })),
  map: ([x], _mapped, attrs) => slice(x!, { ...attrs, axis: attrs.axis + 1 }),
  shape: (x, { axis, start, size }) => {
    const length = axisLength('slice', x, axis)
    if (isCount(start) && isCount(size) && start + size <= length)
      return x.map((dim, i) => (i === axis ? size : dim))
    throw new GraphError(
      'slice-range',
      'slice',
      `[${start}, ${start + size}) is outside axis ${axis} of ${showShape(x)}; a slice starts and ends on it, at whole numbers`,
    )
  },
  forward: (x, { attrs, shapes }) => {
    const out = filled(shapes[0]!, 0)
    copyAlong(x, out, attrs.axis, attrs.start, 0, attrs.size)
    return out
  },
  transpose: (g, input, { axis, start }) => pad(g, { axis, start, length: input[axis]! as number }),
  fold: ([x], { axis, size }) => (x!.shape[axis] === size ? x : undefined),
  cases: [
    { shapes: [[5]], attrs: { axis: 0, start: 1, size: 3 } },
    { shapes: [[2, 6]], attrs: { axis: 1, start: 4, size: 2 } },
    { shapes: [[3, 2]], attrs: { axis: 0, start: 0, size: 1 } },
  ],
})

/** Where a part goes: at `start` of an axis of this `length`. */
export interface PadAttrs {
  readonly axis: number
  readonly start: number
  readonly length: number
}

/** x at `start` of an axis made `length` long, zero elsewhere; the transpose of `slice`. */
export const pad: Op<readonly ['x'], PadAttrs> = linearMap<PadAttrs>({
  name: 'pad',
  emission: {
    kind: 'place',
    parts: attrs => ({
      axis: (attrs as unknown as PadAttrs).axis,
      starts: [(attrs as unknown as PadAttrs).start],
    }),
  },
  map: ([x], _mapped, attrs) => pad(x!, { ...attrs, axis: attrs.axis + 1 }),
  shape: (x, { axis, start, length }) => {
    const size = axisLength('pad', x, axis)
    if (isCount(start) && isCount(length) && start + size <= length)
      return x.map((dim, i) => (i === axis ? length : dim))
    throw new GraphError(
      'slice-range',
      'pad',
      `${size} elements at ${start} do not fit an axis of ${length}; the part starts and ends on it, at whole numbers`,
    )
  },
  forward: (x, { attrs, shapes }) => {
    const out = filled(shapes[0]!, 0)
    copyAlong(x, out, attrs.axis, 0, attrs.start, x.shape[attrs.axis]!)
    return out
  },
  transpose: (g, input, { axis, start }) => slice(g, { axis, start, size: input[axis]! as number }),
  cases: [
    { shapes: [[3]], attrs: { axis: 0, start: 1, length: 5 } },
    { shapes: [[2, 2]], attrs: { axis: 1, start: 0, length: 3 } },
  ],
})

/** The length of an axis that is cut or joined. */
export function axisLength(where: string, x: Shape, axis: number): number {
  const length: Dim | undefined = x[axis]
  if (typeof length === 'number') return length
  const wrong = length === undefined ? 'does not exist' : `is named '${length}'`
  throw new GraphError(
    'axis',
    where,
    `axis ${axis} of ${showShape(x)} ${wrong}; the axis must have a fixed length`,
  )
}

/** Copies `size` elements of one axis of `from` (at `source`) into `to` (at `target`); other axes are equal. */
export function copyAlong(
  from: Tensor,
  to: Tensor,
  axis: number,
  source: number,
  target: number,
  size: number,
): void {
  const inner = sizeOf(from.shape.slice(axis + 1))
  const outer = sizeOf(from.shape.slice(0, axis))
  const [wide, narrow] = [from.shape[axis]! * inner, to.shape[axis]! * inner]
  for (let i = 0; i < outer; i++) {
    const at = i * wide + source * inner
    to.data.set(from.data.subarray(at, at + size * inner), i * narrow + target * inner)
  }
}

/**
 * Element `at` of one axis, without that axis: x [T, n], at 2 → [n]. Negative positions count from the end.
 * @throws GraphError `axis`, `slice-range`.
 */
export function index(x: Ref, { axis = 0, at }: { readonly axis?: number; readonly at: number }): Ref {
  const along = axisOf('index', x.shape, axis)
  const start = at < 0 ? axisLength('index', x.shape, along) + at : at
  const part = slice(x, { axis: along, start, size: 1 })
  return reshape(part, { shape: x.shape.filter((_, i) => i !== along) })
}
