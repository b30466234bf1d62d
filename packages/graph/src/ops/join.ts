import type { Attrs } from '../attrs.js'
import { applyOp } from '../builder.js'
import { GraphError } from '../error.js'
import type { OpSpec } from '../graph.js'
import type { Ref } from '../ref.js'
import { type Dim, type Shape, sameShape, showShape } from '../shape.js'
import { filled } from '../tensor.js'
import { axisOf } from './axes.js'
import { axisLength, copyAlong, pad, reshape, slice } from './shape.js'

const along = (attrs: Attrs): number => (attrs as { readonly axis: number }).axis

/** The op behind `concat`. */
export const concatSpec: OpSpec = {
  name: 'concat',
  emission: { kind: 'place', parts: (attrs, sizes) => ({ axis: along(attrs), starts: startsOf(sizes) }) },
  map: (inputs, _mapped, attrs) => concat(inputs, { axis: along(attrs) + 1 }),
  mappable: mapped => mapped.every(on => on),
  inputs: ['x'],
  variadic: true,
  saves: [],
  analytic: true,
  differentiable: () => true,
  shapes: (inputs, attrs) => [joinedShape(inputs, along(attrs))],
  forward: (inputs, { attrs, shapes }) => {
    const out = filled(shapes[0]!, 0)
    let start = 0
    for (const x of inputs) {
      copyAlong(x, out, along(attrs), 0, start, x.shape[along(attrs)]!)
      start += x.shape[along(attrs)]!
    }
    return [out]
  },
  linearize: (inputs, attrs, wants) => ({
    outputs: inputs[0]!.builder.apply(concatSpec, inputs, attrs),
    pullback: ([g]) =>
      partsOf(inputs, along(attrs)).map((part, i) => (g && wants[i] ? slice(g, part) : null)),
  }),
  push: (inputs, attrs, tangents) => {
    const length = partsOf(inputs, along(attrs)).reduce((sum, part) => sum + part.size, 0)
    return {
      outputs: inputs[0]!.builder.apply(concatSpec, inputs, attrs),
      tangents: [
        partsOf(inputs, along(attrs)).flatMap((part, i) =>
          tangents[i] ? [placed(tangents[i], part, length)] : [],
        ),
      ],
    }
  },
  fold: inputs => (inputs.length === 1 ? inputs[0] : undefined),
  flops: () => 0,
  samples: {
    domain: [-2, 2],
    cases: [
      {
        shapes: [
          [2, 3],
          [2, 1],
        ],
        attrs: { axis: 1 },
      },
      { shapes: [[2], [3], [1]], attrs: { axis: 0 } },
    ],
  },
}

function joinedShape(inputs: readonly Shape[], axis: number): Shape {
  const first = inputs[0]!
  const odd = inputs.find(
    shape => shape.length !== first.length || shape.some((dim, i) => i !== axis && dim !== first[i]),
  )
  if (odd !== undefined)
    throw new GraphError(
      'shape',
      'concat',
      `${showShape(first)} and ${showShape(odd)} differ beside axis ${axis}; all other axes are equal`,
    )
  const length = inputs.reduce((sum, shape) => sum + axisLength('concat', shape, axis), 0)
  return first.map((dim, i) => (i === axis ? length : dim))
}

function partsOf(
  inputs: readonly Ref[],
  axis: number,
): readonly { axis: number; start: number; size: number }[] {
  let end = 0
  return inputs.map(ref => {
    const size = axisLength('concat', ref.shape, axis)
    end += size
    return { axis, start: end - size, size }
  })
}

const placed = (x: Ref, { axis, start }: { axis: number; start: number }, length: number): Ref =>
  pad(x, { axis, start, length })

/** The axis to join along: the first, where none is given. */
export interface JoinOptions {
  readonly axis?: number
}

/**
 * Values one after the other along an axis; all other axes are equal.
 * @throws GraphError `shape`, `axis`, `empty-list`.
 */
export function concat(values: readonly Ref[], { axis = 0 }: JoinOptions = {}): Ref {
  const [first] = values
  if (first === undefined)
    throw new GraphError('empty-list', 'concat', 'has nothing to join; give one value at least')
  return applyOp(concatSpec, values, { axis: axisOf('concat', first.shape, axis) })[0]!
}

/**
 * Values of one shape side by side along a new axis: n values [m] → [n, m], or [m, n] for axis 1 or −1.
 * @throws GraphError `shape` where shapes differ, `axis`, `empty-list`.
 */
export function stack(values: readonly Ref[], { axis = 0 }: JoinOptions = {}): Ref {
  const [first] = values
  if (first === undefined)
    throw new GraphError('empty-list', 'stack', 'has nothing to stack; give one value at least')
  const odd = values.find(value => !sameShape(value.shape, first.shape))
  if (odd !== undefined)
    throw new GraphError(
      'shape',
      'stack',
      `${showShape(first.shape)} and ${showShape(odd.shape)} differ; stacked values have one shape`,
    )
  const at = axisOf('stack', [...first.shape, 1], axis)
  const shape = [...first.shape.slice(0, at), 1, ...first.shape.slice(at)]
  return concat(
    values.map(value => reshape(value, { shape })),
    { axis: at },
  )
}

function startsOf(sizes: readonly Dim[]): readonly number[] {
  let end = 0
  return sizes.map(size => {
    end += size as number
    return end - (size as number)
  })
}
