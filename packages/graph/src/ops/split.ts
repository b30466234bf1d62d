import type { Attrs } from '../attrs.js'
import { applyOp } from '../builder.js'
import { GraphError } from '../error.js'
import type { OpSpec } from '../graph.js'
import { zeros } from '../linear.js'
import type { Ref } from '../ref.js'
import { type Shape, showShape } from '../shape.js'
import { filled, type Tensor } from '../tensor.js'
import type { Parts } from '../typed.js'
import { axisOf } from './axes.js'
import { concat } from './join.js'
import { axisLength, copyAlong } from './shape.js'

interface SplitAttrs {
  readonly axis: number
  readonly sizes: readonly number[]
}

const read = (attrs: Attrs): SplitAttrs => attrs as unknown as SplitAttrs

/** Where every part starts. */
const startsOf = (sizes: readonly number[]): readonly number[] =>
  sizes.map((_, k) => sizes.slice(0, k).reduce((sum, size) => sum + size, 0))

/** The op behind `split`: one output per part. The pullback joins the parts' cotangents, zero where a part has none. */
export const splitSpec: OpSpec = {
  name: 'split',
  inputs: ['x'],
  variadic: false,
  saves: [],
  analytic: true,
  differentiable: () => true,
  shapes: ([x], attrs) => partShapes(x!, read(attrs)),
  forward: ([x], { attrs, shapes }) => partsOf(x!, read(attrs), shapes),
  linearize: ([x], attrs) => ({
    outputs: x!.builder.apply(splitSpec, [x!], attrs),
    pullback: cotangents => [joined(x!, read(attrs), cotangents)],
  }),
  push: ([x], attrs, [dx]) => ({
    outputs: x!.builder.apply(splitSpec, [x!], attrs),
    tangents: dx ? x!.builder.apply(splitSpec, [dx], attrs).map(part => [part]) : [],
  }),
  fold: undefined,
  flops: () => 0,
  samples: {
    domain: [-2, 2],
    cases: [
      { shapes: [[6]], attrs: { axis: 0, sizes: [2, 1, 3] } },
      { shapes: [[2, 4]], attrs: { axis: 1, sizes: [2, 2] } },
    ],
  },
  emission: {
    kind: 'view',
    view: (input, attrs, shape, part) => {
      const { axis, sizes } = read(attrs)
      return { ...input, shape, offset: input.offset + startsOf(sizes)[part]! * input.strides[axis]! }
    },
  },
}

function partShapes(x: Shape, { axis, sizes }: SplitAttrs): readonly Shape[] {
  partSizes(x, axis, sizes)
  return sizes.map(size => x.map((dim, i) => (i === axis ? size : dim)))
}

function partsOf(
  x: Tensor,
  { axis, sizes }: SplitAttrs,
  shapes: readonly (readonly number[])[],
): readonly Tensor[] {
  const starts = startsOf(sizes)
  return shapes.map((shape, k) => {
    const part = filled(shape, 0)
    copyAlong(x, part, axis, starts[k]!, 0, sizes[k]!)
    return part
  })
}

function joined(x: Ref, { axis, sizes }: SplitAttrs, cotangents: readonly (Ref | null)[]): Ref {
  const like = cotangents.find(g => g !== null)!
  const parts = cotangents.map(
    (g, k) =>
      g ??
      zeros(
        like,
        x.shape.map((dim, i) => (i === axis ? sizes[k]! : dim)),
      ),
  )
  return concat(parts, { axis })
}

/** How to cut: an axis (the last one by default), and the sizes of the parts or the number of equal ones. */
export interface SplitOptions<P extends number | readonly number[] = number | readonly number[]> {
  readonly axis?: number
  readonly parts: P
}

/**
 * x cut into parts along an axis, of these sizes or as many equal ones.
 * @throws GraphError `slice-range` where the parts do not make up the axis.
 */
export function split<const P extends number | readonly number[]>(
  x: Ref,
  { axis = -1, parts }: SplitOptions<P>,
): Parts<P> {
  const along = axisOf('split', x.shape, axis)
  const sizes = partSizes(x.shape, along, parts)
  return applyOp(splitSpec, [x], { axis: along, sizes }) as unknown as Parts<P>
}

function partSizes(x: Shape, axis: number, parts: number | readonly number[]): readonly number[] {
  const length = axisLength('split', x, axis)
  const sizes = typeof parts === 'number' ? equalParts(length, parts) : parts
  const total = sizes.reduce((sum, size) => sum + size, 0)
  if (total === length && sizes.every(size => Number.isInteger(size) && size >= 0)) return sizes
  const wanted =
    typeof parts === 'number'
      ? `divide into ${parts} equal parts`
      : `divide into parts of ${parts.join(', ')}`
  throw new GraphError(
    'slice-range',
    'split',
    `axis ${axis} of ${showShape(x)} does not ${wanted}; the parts make up the axis`,
  )
}

const equalParts = (length: number, parts: number): readonly number[] =>
  Number.isInteger(parts) && parts > 0 ? new Array<number>(parts).fill(length / parts) : []
