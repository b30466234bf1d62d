import { GraphError } from './error.js'
import { showShape, sizeOf } from './shape.js'

/** Dense float64 values of a bound shape, row-major (last axis fastest). Treat `data` as read-only. */
export interface Tensor {
  readonly shape: readonly number[]
  readonly data: Float64Array
}

/** Numbers as a user writes them: a number, nested lists of equal lengths, or a typed array. */
export type Nested =
  | number
  | readonly Nested[]
  | Float64Array
  | Float32Array
  | Int32Array
  | Uint32Array
  | Uint8Array

/** True for a value of type Tensor. */
export function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'data' in value && value.data instanceof Float64Array
}

/**
 * A tensor from a number, nested lists or a typed array; with `shape`, its elements in that shape.
 * @throws GraphError `bad-tensor` where lists are ragged, an entry is no number, or the sizes differ.
 */
export function tensor(values: Nested | Tensor, shape?: readonly number[]): Tensor {
  const made = isTensor(values) ? values : fromNested(values)
  if (shape === undefined) return made
  if (sizeOf(shape) !== made.data.length)
    throw new GraphError(
      'bad-tensor',
      'tensor',
      `${made.data.length} numbers do not fill ${showShape(shape)}`,
    )
  return { shape, data: made.data }
}

/** The most axes of a tensor that is made of lists. */
const DEEPEST = 64

const isList = (level: Nested | null | undefined): level is Exclude<Nested, number> =>
  typeof level === 'object' && level !== null

function fromNested(values: Nested): Tensor {
  const shape: number[] = []
  for (let level: Nested | undefined = values; isList(level); level = level[0])
    if (shape.push(level.length) > DEEPEST)
      throw new GraphError(
        'bad-tensor',
        'tensor',
        `lists stand more than ${DEEPEST} deep in each other; a tensor has at most ${DEEPEST} axes`,
      )
  const data = new Float64Array(sizeOf(shape))
  fill(values, shape, 0, data, 0)
  return { shape, data }
}

/** Copies `level` into `data` from `at`; returns the position after it. */
function fill(level: Nested, shape: readonly number[], axis: number, data: Float64Array, at: number): number {
  if (typeof level === 'number' && axis === shape.length) {
    data[at] = level
    return at + 1
  }
  if (!isList(level) || level.length !== shape[axis])
    throw new GraphError(
      'bad-tensor',
      'tensor',
      `an entry of ${showShape(shape)} is ${isList(level) ? `a list of ${level.length}` : String(level)}; lists on one level have equal lengths and end in numbers`,
    )
  let next = at
  for (const item of level) next = fill(item, shape, axis + 1, data, next)
  return next
}

/**
 * A tensor with one value in every place.
 * @throws GraphError `too-large` where memory does not hold it.
 */
export function filled(shape: readonly number[], value: number): Tensor {
  const data = allocated(shape)
  return { shape, data: value === 0 ? data : data.fill(value) }
}

function allocated(shape: readonly number[]): Float64Array {
  try {
    return new Float64Array(sizeOf(shape))
  } catch (error) {
    throw error instanceof RangeError
      ? new GraphError(
          'too-large',
          'tensor',
          `${showShape(shape)} has ${sizeOf(shape)} elements, more than memory holds`,
          'take smaller lengths, or work on parts of the axis',
        )
      : error
  }
}

/**
 * The number in a tensor of one element.
 * @throws GraphError `not-scalar` where it has more or none.
 */
export function item(value: Tensor): number {
  if (value.data.length === 1) return value.data[0]!
  throw new GraphError(
    'not-scalar',
    'item',
    `${showShape(value.shape)} has ${value.data.length} elements; item reads the one of a scalar`,
  )
}

/** A tensor as nested lists; a number for a scalar. */
export function nested(value: Tensor): Nested {
  const build = (axis: number, at: number): Nested => {
    if (axis === value.shape.length) return value.data[at]!
    const stride = sizeOf(value.shape.slice(axis + 1))
    return Array.from({ length: value.shape[axis]! }, (_, i) => build(axis + 1, at + i * stride))
  }
  return build(0, 0)
}
