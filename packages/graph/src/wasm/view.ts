import type { Layout } from '../emission.js'
import { expandedLayout, rowMajor } from '../layout.js'
import type { Dim } from '../shape.js'

/** A loop of the plan: one scan. Its index runs over the steps. */
export interface Loop {
  readonly id: number
  readonly length: Dim
  readonly reverse: boolean
}

/** A stretch of the program's memory. */
export interface Buffer {
  readonly id: number
  readonly name: string
  /** Elements of one slot. */
  readonly size: number
  /** Slots: a number, or an axis, for one slot a step and one more (a carry has one value more than steps). */
  readonly slots: Dim
}

/** A run-time quantity times a stride, in elements: the index of a loop, or the length of an axis. */
export interface Move {
  readonly by: Loop | string
  readonly stride: number
}

/** Where a value lies: a layout in a buffer, moving with the loops around it. */
export interface View extends Layout {
  readonly buffer: Buffer
  readonly moves: readonly Move[]
}

/** The number of elements of one slot of a value: all axes but a named first one. */
export function slotSize(shape: readonly Dim[]): number {
  return shape.reduce<number>((size, dim) => (typeof dim === 'number' ? size * dim : size), 1)
}

/** A whole buffer as a value of this shape. */
export function whole(buffer: Buffer, shape: readonly Dim[]): View {
  return { buffer, shape, strides: rowMajor(shape), offset: 0, moves: [] }
}

/** The slice of a sequence that a loop is at: the first axis follows the loop's index. */
export function sliceOf(view: View, loop: Loop): View {
  const stride = view.strides[0]!
  return {
    ...view,
    shape: view.shape.slice(1),
    strides: view.strides.slice(1),
    moves: [...view.moves, { by: loop, stride }],
  }
}

/** The view repeated up to a shape it broadcasts to: repeated axes have stride 0. */
export function broadcastView(view: View, shape: readonly Dim[]): View {
  return { ...view, ...expandedLayout(view, shape) }
}

/** True where the elements lie in row-major order without gaps. */
export function isPacked({ shape, strides }: Layout): boolean {
  const packed = rowMajor(shape)
  return shape.every((dim, i) => dim === 1 || strides[i] === packed[i])
}

/** Elements of a view whose lengths are all known; NaN for others. */
export function sizeOfView({ shape }: Layout): number {
  return shape.reduce<number>((size, dim) => (typeof dim === 'number' ? size * dim : Number.NaN), 1)
}

/** True where two views are the same memory in the same order. */
export function sameView(a: View, b: View): boolean {
  return (
    a.buffer === b.buffer &&
    a.offset === b.offset &&
    a.shape.length === b.shape.length &&
    a.shape.every((dim, i) => dim === b.shape[i] && (dim === 1 || a.strides[i] === b.strides[i])) &&
    a.moves.length === b.moves.length &&
    a.moves.every((move, i) => move.by === b.moves[i]!.by && move.stride === b.moves[i]!.stride)
  )
}

/** One axis of a loop nest: its length, and the stride of every operand. */
export interface Axis {
  readonly length: Dim
  readonly factor: number
  readonly strides: readonly number[]
}

/**
 * The axes of operands that share a shape, outermost first, with neighbours merged where every operand lies so that
 * they can be walked as one. A length is `factor`, times that of the axis where it is named.
 */
export function collapse(
  shape: readonly Dim[],
  operands: readonly (readonly number[])[],
  mayMerge: (outer: number, inner: number) => boolean,
): readonly Axis[] {
  const axes: Axis[] = []
  let last = -1
  shape.forEach((dim, i) => {
    if (dim === 1) return
    const strides = operands.map(operand => operand[i]!)
    const factor = typeof dim === 'number' ? dim : 1
    const outer = axes[axes.length - 1]
    const joins =
      outer !== undefined &&
      typeof dim === 'number' &&
      mayMerge(last, i) &&
      outer.strides.every((stride, k) => stride === strides[k]! * dim)
    if (joins) axes[axes.length - 1] = { length: outer.length, factor: outer.factor * factor, strides }
    else axes.push({ length: dim, factor, strides })
    last = i
  })
  return axes
}
