import { GraphError } from './error.js'
import type { Run } from './graph.js'
import { expandedLayout, viewed } from './layout.js'
import { type Declared, type Op, op, type Reshaping } from './op.js'
import type { Ref } from './ref.js'
import { broadcastsTo, checkShape, type Shape, sameShape, showShape, sizeOf, stridesOf } from './shape.js'
import { filled, type Tensor } from './tensor.js'

/** A declaration of a linear map of one input: its forward is its own derivative, so only the transpose is given. */
export interface LinearDeclaration<A>
  extends Omit<Declared<readonly ['x'], A>, 'inputs' | 'saves' | 'integers'> {
  /** The shape rule: throws a GraphError where the input does not fit. */
  readonly shape: (input: Shape, attrs: A) => Shape
  /** The value, in float64; the input is not changed. */
  readonly forward: (input: Tensor, run: Run & { readonly attrs: A }) => Tensor
  /** The adjoint map: a cotangent of the output to the cotangent of the input, which has shape `input`. */
  readonly transpose: (cotangent: Ref, input: Shape, attrs: A) => Ref
  /** Floating-point operations of one application. */
  readonly flops?: (inputs: readonly (readonly number[])[], run: Run & { readonly attrs: A }) => number
}

/** Declares a linear map of one input; the adjoint pairing ⟨f(x), w⟩ = ⟨x, fᵀ(w)⟩ is its only derivative law. */
/* @__NO_SIDE_EFFECTS__ */
export function linearMap<A extends object = Record<never, never>>(
  declared: LinearDeclaration<A>,
): Op<readonly ['x'], NoInfer<A>> {
  const { shape, forward, transpose, ...rest } = declared
  const self: Op<readonly ['x'], A> = op<readonly ['x'], A>({
    flops: () => 0,
    ...rest,
    inputs: ['x'],
    saves: [],
    shape: ([x], attrs) => shape(x!, attrs),
    forward: ([x], run) => forward(x!, run),
    jvp: { x: (tangent, { attrs }) => (self as unknown as (x: Ref, attrs: A) => Ref)(tangent, attrs) },
    vjp: { x: (cotangent, { x, attrs }) => transpose(cotangent, x.shape, attrs) },
  })
  return self
}

/**
 * Sums x down to a shape that broadcasts to it: the transpose of `expand`.
 * `sumTo(x [2, 3], {shape: [3]})` adds the rows.
 */
export const sumTo: Reshaping = linearMap<{ readonly shape: Shape }>({
  name: 'sumTo',
  emission: { kind: 'reduce', by: 'sum' },
  accumulate: ([x], { shape }) => sumTo(x!, { shape }),
  shape: (x, { shape }) => fitting('sumTo', shape, x, shape),
  forward: (x, { shapes }) => {
    const out = filled(shapes[0]!, 0)
    if (endsWith(x.shape, out.shape)) addRows(x.data, out.data)
    else
      scatterBroadcast(x.shape, out.shape, (large, small) => {
        out.data[small]! += x.data[large]!
      })
    return out
  },
  transpose: (g, input) => expand(g, { shape: input }),
  fold: ([x], { shape }) => (sameShape(x!.shape, shape) ? x : undefined),
  flops: ([x]) => sizeOf(x!),
  cases: [
    { shapes: [[2, 3]], attrs: { shape: [] } },
    { shapes: [[2, 3]], attrs: { shape: [3] } },
    { shapes: [[2, 3]], attrs: { shape: [2, 1] } },
    { shapes: [[2, 1, 3]], attrs: { shape: [1, 1] } },
  ],
}) as Reshaping

/** True where `small`, beside axes of length 1 in front, is the end of `large`: it repeats row by row. */
function endsWith(large: readonly number[], small: readonly number[]): boolean {
  const end = small.slice(small.findIndex(length => length !== 1))
  return sizeOf(small) === 1 || end.every((length, i) => length === large[large.length - end.length + i])
}

function addRows(rows: Float64Array, total: Float64Array): void {
  for (let at = 0; at < rows.length; at += total.length)
    for (let k = 0; k < total.length; k++) total[k]! += rows[at + k]!
}

/** Repeats x up to a shape it broadcasts to: the transpose of `sumTo`. */
export const expand: Reshaping = linearMap<{ readonly shape: Shape }>({
  name: 'expand',
  emission: viewed((input, _attrs, shape) => expandedLayout(input, shape)),
  shape: (x, { shape }) => fitting('expand', x, checkShape(shape, 'expand'), shape),
  forward: (x, { shapes }) => {
    if (x.data.length === 1) return filled(shapes[0]!, x.data[0]!)
    const out = filled(shapes[0]!, 0)
    const step = x.data.length
    if (endsWith(out.shape, x.shape))
      for (let at = 0; at < out.data.length; at += step) out.data.set(x.data, at)
    else
      scatterBroadcast(out.shape, x.shape, (large, small) => {
        out.data[large] = x.data[small]!
      })
    return out
  },
  transpose: (g, input) => sumTo(g, { shape: input }),
  fold: ([x], { shape }) => (sameShape(x!.shape, shape) ? x : undefined),
  cases: [
    { shapes: [[]], attrs: { shape: [2, 3] } },
    { shapes: [[3]], attrs: { shape: [2, 3] } },
    { shapes: [[2, 1]], attrs: { shape: [4, 2, 3] } },
  ],
}) as Reshaping

/** A value of this shape that is zero everywhere, in the graph of `like`. */
export function zeros(like: Ref, shape: Shape): Ref {
  return expand(like.builder.constant(0), { shape })
}

function fitting(where: string, small: Shape, large: Shape, result: Shape): Shape {
  if (broadcastsTo(small, large)) return result
  throw new GraphError(
    'shape',
    where,
    `${showShape(small)} does not broadcast to ${showShape(large)}; axes align from the last, with equal lengths or 1`,
  )
}

/** Visits every element of `large` with the element of `small` that broadcasts to it, in row-major order. */
function scatterBroadcast(
  large: readonly number[],
  small: readonly number[],
  visit: (large: number, small: number) => void,
): void {
  const steps = broadcastSteps(small, large)
  const at = new Array<number>(large.length).fill(0)
  const size = sizeOf(large)
  let from = 0
  for (let i = 0; i < size; i++) {
    visit(i, from)
    for (let axis = large.length - 1; axis >= 0; axis--) {
      from += steps[axis]!
      if (++at[axis]! < large[axis]!) break
      from -= steps[axis]! * large[axis]!
      at[axis] = 0
    }
  }
}

/** Strides of `small` along the axes of `large`: 0 where an axis is repeated. */
export function broadcastSteps(small: readonly number[], large: readonly number[]): number[] {
  const strides = stridesOf(small)
  const shift = large.length - small.length
  return large.map((_, axis) => (axis < shift || small[axis - shift] === 1 ? 0 : strides[axis - shift]!))
}
