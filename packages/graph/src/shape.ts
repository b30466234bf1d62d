import { GraphError } from './error.js'

/** A length, or the name of an axis whose length is bound when the graph runs. */
export type Dim = number | string

/** The lengths of a value's axes, outermost first: `[]` is a scalar, `['T', 32]` is T rows of 32. */
export type Shape = readonly Dim[]

/** The lengths of the named axes of one run. */
export type Bindings = ReadonlyMap<string, number>

/** `[T, 32]`: a shape as it is printed in graphs and messages. */
export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`
}

/** True where both shapes have the same axes; a named axis equals only itself. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i])
}

/** The number of elements of a bound shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1
  for (const dim of shape) size *= dim
  return size
}

/**
 * The shape two values broadcast to, aligned at the last axis: equal lengths, or a length 1 that is repeated.
 * Undefined where they do not fit.
 */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  if (sameShape(a, b)) return a
  const rank = Math.max(a.length, b.length)
  const out: Dim[] = []
  for (let i = 0; i < rank; i++) {
    const left = a[a.length - rank + i] ?? 1
    const right = b[b.length - rank + i] ?? 1
    if (left !== right && left !== 1 && right !== 1) return undefined
    out.push(left === 1 ? right : left)
  }
  return out
}

/** True where `small` can be repeated up to `large`. */
export function broadcastsTo(small: Shape, large: Shape): boolean {
  const out = broadcast(small, large)
  return out !== undefined && sameShape(out, large)
}

/**
 * The shape with every named axis replaced by its length.
 * @throws GraphError `unbound-axis` where an axis has no length.
 */
export function bindShape(shape: Shape, bindings: Bindings, where: string): readonly number[] {
  return shape.map(dim => {
    if (typeof dim === 'number') return dim
    const length = bindings.get(dim)
    if (length !== undefined) return length
    const known = [...bindings.keys()].join(', ') || 'none'
    throw new GraphError(
      'unbound-axis',
      where,
      `axis '${dim}' has no length; the inputs bind ${known}`,
      'use the axis in the shape of an input',
    )
  })
}

/**
 * Checks a shape that a user wrote.
 * @throws GraphError `bad-shape` where a length is not a whole number ≥ 0, a name is empty, or the size overflows.
 */
export function checkShape(shape: Shape, where: string): Shape {
  let size = 1
  for (const dim of shape) {
    if (typeof dim === 'string' ? dim === '' : !Number.isInteger(dim) || dim < 0)
      throw new GraphError(
        'bad-shape',
        where,
        `has the length ${typeof dim === 'string' ? `'${dim}'` : String(dim)}; a length is a whole number ≥ 0 or a name`,
      )
    if (typeof dim === 'number') size *= Math.max(1, dim)
  }
  if (size > Number.MAX_SAFE_INTEGER)
    throw new GraphError(
      'bad-shape',
      where,
      `${showShape(shape)} has more elements than can be counted`,
      'a value has at most 2⁵³ − 1 elements; take a smaller length, or name the axis',
    )
  return shape
}

/** Row-major strides of a bound shape, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length)
  let stride = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride
    stride *= shape[i]!
  }
  return strides
}
