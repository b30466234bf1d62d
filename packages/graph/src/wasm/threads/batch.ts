import { type Bindings, type Shape, sizeOf } from '../../shape.js'
import type { Elements } from '../machine.js'

/** Rows are dealt out by so many where there are enough: product kernels work on four at a time. */
const GRAIN = 4

/** Where each thread's rows of a batch begin, and where the last one's end: as even as whole grains allow. */
export function boundaries(batch: number, threads: number): readonly number[] {
  const grain = batch >= GRAIN * threads ? GRAIN : 1
  return Array.from({ length: threads + 1 }, (_, k) =>
    k === threads ? batch : grain * Math.round((k * batch) / (threads * grain)),
  )
}

/** Where a thread's rows lie in a value of the whole batch: `outer` blocks of `rows` runs of `inner` elements. */
export interface Rows {
  readonly outer: number
  readonly rows: number
  readonly inner: number
  /** Rows of the whole batch, and the thread's first. */
  readonly batch: number
  readonly first: number
}

/** The rows of a value of this shape whose `axis` is split. */
export function rowsOf(shape: Shape, axis: string, bindings: Bindings, first: number, rows: number): Rows {
  const at = shape.indexOf(axis)
  const length = (dims: Shape): number =>
    sizeOf(dims.map(dim => (typeof dim === 'number' ? dim : bindings.get(dim)!)))
  const [outer, inner] = [length(shape.slice(0, at)), length(shape.slice(at + 1))]
  return { outer, inner, rows, first, batch: bindings.get(axis)! }
}

/** Copies a thread's rows out of the whole batch. */
export function scatter(whole: Elements, part: Elements, { outer, rows, inner, batch, first }: Rows): void {
  const run = rows * inner
  for (let i = 0, from = first * inner, to = 0; i < outer; i++, from += batch * inner, to += run)
    for (let k = 0; k < run; k++) part[to + k] = whole[from + k]!
}

/** Copies a thread's rows into the whole batch. */
export function collect(part: Elements, whole: Elements, { outer, rows, inner, batch, first }: Rows): void {
  const run = rows * inner
  for (let i = 0, to = first * inner, from = 0; i < outer; i++, to += batch * inner, from += run)
    for (let k = 0; k < run; k++) whole[to + k] = part[from + k]!
}
