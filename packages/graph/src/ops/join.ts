import type { Attrs } from '../attrs.js'
import { applyOp } from '../builder.js'
import { GraphError } from '../error.js'
import type { Ref } from '../ref.js'
import { type Shape, showShape } from '../shape.js'
import type { OpSpec } from '../spec.js'
import { filled } from '../tensor.js'
import { axisLength, copyAlong, pad, reshape, slice } from './shape.js'

const axisOf = (attrs: Attrs): number => (attrs as { readonly axis: number }).axis

const concatSpec: OpSpec = {
  name: 'concat',
  inputs: ['x'],
  variadic: true,
  saves: [],
  analytic: true,
  differentiable: () => true,
  shapes: (inputs, attrs) => [joinedShape(inputs, axisOf(attrs))],
  forward: (inputs, { attrs, shapes }) => {
    const out = filled(shapes[0]!, 0)
    let start = 0
    for (const x of inputs) {
      copyAlong(x, out, axisOf(attrs), 0, start, x.shape[axisOf(attrs)]!)
      start += x.shape[axisOf(attrs)]!
    }
    return [out]
  },
  linearize: (inputs, attrs, wants) => ({
    outputs: inputs[0]!.builder.apply(concatSpec, inputs, attrs),
    pullback: ([g]) =>
      partsOf(inputs, axisOf(attrs)).map((part, i) => (g && wants[i] ? slice(g, part) : null)),
  }),
  push: (inputs, attrs, tangents) => {
    const length = partsOf(inputs, axisOf(attrs)).reduce((sum, part) => sum + part.size, 0)
    return {
      outputs: inputs[0]!.builder.apply(concatSpec, inputs, attrs),
      tangents: [
        partsOf(inputs, axisOf(attrs)).flatMap((part, i) =>
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
  const others = (shape: Shape): string => showShape(shape.filter((_, i) => i !== axis))
  const odd = inputs.find(shape => others(shape) !== others(first))
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

/**
 * Values one after the other along an axis; all other axes are equal.
 * @throws GraphError `shape`, `axis`, `empty-list`.
 */
export function concat(values: readonly Ref[], { axis = 0 }: { readonly axis?: number } = {}): Ref {
  if (values.length === 0) throw new GraphError('empty-list', 'concat', 'has nothing to join')
  return applyOp(concatSpec, values, { axis })[0]!
}

/** Values of one shape side by side along a new first axis: n values [m] → [n, m]. */
export function stack(values: readonly Ref[]): Ref {
  return concat(values.map(value => reshape(value, { shape: [1, ...value.shape] })))
}
