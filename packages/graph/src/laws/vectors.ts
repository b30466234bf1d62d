import { sizeOf } from '../shape.js'
import { filled, type Tensor } from '../tensor.js'

/** Several tensors read as one long vector. */
export type Vector = readonly Tensor[]

/** Σ aᵢ bᵢ over all elements. */
export function inner(a: Vector, b: Vector): number {
  let sum = 0
  a.forEach((part, k) => {
    for (let i = 0; i < part.data.length; i++) sum += part.data[i]! * b[k]!.data[i]!
  })
  return sum
}

/** Σ |aᵢ bᵢ|: the size that rounding errors of `inner` are measured against. */
export function innerSize(a: Vector, b: Vector): number {
  let sum = 0
  a.forEach((part, k) => {
    for (let i = 0; i < part.data.length; i++) sum += Math.abs(part.data[i]! * b[k]!.data[i]!)
  })
  return sum
}

/** The largest |aᵢ|; NaN where one is NaN. */
export function largest(a: Vector): number {
  let top = 0
  for (const part of a) for (const value of part.data) top = Math.max(top, Math.abs(value))
  return top
}

/** a + h b. */
export function along(a: Vector, h: number, b: Vector): Vector {
  return a.map((part, k) => ({
    shape: part.shape,
    data: part.data.map((value, i) => value + h * b[k]!.data[i]!),
  }))
}

/** h a. */
export function times(h: number, a: Vector): Vector {
  return a.map(part => ({ shape: part.shape, data: part.data.map(value => h * value) }))
}

/** Zeros in the shapes of a. */
export function zerosLike(a: Vector): Vector {
  return a.map(part => filled(part.shape, 0))
}

/** The vector that is 1 at one element of one tensor and 0 elsewhere. */
export function unit(a: Vector, part: number, at: number): Vector {
  const made = zerosLike(a)
  made[part]!.data[at] = 1
  return made
}

/** True where both hold the same bits (every NaN equals every NaN). */
export function sameBits(a: Vector, b: Vector): boolean {
  return (
    a.length === b.length &&
    a.every(
      (part, k) =>
        part.shape.join() === b[k]!.shape.join() &&
        part.data.every((value, i) => Object.is(value, b[k]!.data[i])),
    )
  )
}

/** Where two vectors differ most, relative to their size. */
export interface Gap {
  readonly part: number
  readonly at: number
  readonly left: number
  readonly right: number
  /** |left − right| / (floor + largest magnitude); infinite where only one is NaN. */
  readonly error: number
}

/** The largest difference between two vectors, relative to the larger of `floor` and the vectors' own size. */
export function gapOf(a: Vector, b: Vector, floor = 1): Gap {
  const scale = Math.max(floor, finite(largest(a)), finite(largest(b)))
  let worst: Gap = { part: 0, at: 0, left: 0, right: 0, error: 0 }
  a.forEach((part, k) => {
    for (let i = 0; i < part.data.length; i++) {
      const [left, right] = [part.data[i]!, b[k]!.data[i]!]
      const error = Object.is(left, right) || left === right ? 0 : defined(Math.abs(left - right) / scale)
      if (error > worst.error) worst = { part: k, at: i, left, right, error }
    }
  })
  return worst
}

const finite = (value: number): number => (Number.isFinite(value) ? value : 1)
const defined = (value: number): number => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value)

/** The position of a flat index: 5 in [2, 3] is [1, 2]. */
export function positionOf(shape: readonly number[], at: number): readonly number[] {
  let size = sizeOf(shape)
  return shape.map(length => {
    size /= length
    const position = Math.floor(at / size)
    at -= position * size
    return position
  })
}
