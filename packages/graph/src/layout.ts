import type { Emission, Layout } from './emission.js'
import type { Dim } from './shape.js'

/** Views: ops that only look at memory in another way. */
type View = Extract<Emission, { kind: 'view' }>

/** An op that is a view, from its layout rule. */
export function viewed<A>(
  rule: (input: Layout, attrs: A, shape: readonly Dim[]) => Layout | undefined,
): View {
  return { kind: 'view', view: (input, attrs, shape) => rule(input, attrs as A, shape) }
}

/** Repeated axes get stride 0. */
export function expandedLayout(input: Layout, shape: readonly Dim[]): Layout {
  return { ...input, shape, strides: stridesOver(input, shape) }
}

/** The strides of a layout repeated up to a shape it broadcasts to: 0 along repeated axes. */
export function stridesOver(input: Layout, shape: readonly Dim[]): readonly number[] {
  if (input.shape === shape) return input.strides
  const shift = shape.length - input.shape.length
  return shape.map((dim, i) => (i < shift || input.shape[i - shift] !== dim ? 0 : input.strides[i - shift]!))
}

/** Another shape over the same order of elements, where the strides allow it. */
export function reshapedLayout(input: Layout, shape: readonly Dim[]): Layout | undefined {
  const real = (dims: readonly Dim[]): readonly Dim[] => dims.filter(dim => dim !== 1)
  const kept = input.strides.filter((_, i) => input.shape[i] !== 1)
  if (String(real(input.shape)) === String(real(shape))) {
    let next = 0
    return { ...input, shape, strides: shape.map(dim => (dim === 1 ? 0 : kept[next++]!)) }
  }
  const packed = rowMajor(input.shape)
  if (!input.shape.every((dim, i) => dim === 1 || input.strides[i] === packed[i])) return undefined
  return { ...input, shape, strides: rowMajor(shape) }
}

/** Row-major strides of a shape whose first axis only may be named. */
export function rowMajor(shape: readonly Dim[]): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride
    if (i > 0) stride *= shape[i] as number
  }
  return strides
}
