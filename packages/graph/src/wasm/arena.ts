import type { Plan } from './plan.js'
import type { Buffer } from './view.js'

/** Where buffers lie for one set of axis lengths. */
export interface Arena {
  /** Byte address by buffer id. */
  readonly addresses: readonly number[]
  /** Bytes in all, from address 0. */
  readonly bytes: number
}

/** What lies before the buffers: constants of kernels, then a word per axis length and per buffer address. */
export interface Header {
  readonly bytes: number
  readonly lengths: ReadonlyMap<string, number>
  readonly addresses: ReadonlyMap<number, number>
}

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64

/** A word that is not 0 after a run that met a bad index. */
export const FAULT = 0

/** Where the constants of kernels begin. */
export const CONSTANTS = 64

/** Room at the start of memory: the fault word, and from 64 on the constants of kernels. */
export const CONSTANT_ROOM = 8192

/** Buffers whose address is read from the header: their size depends on a run-time length, or they change places. */
export function movingBuffers({ buffers, swaps }: Plan): ReadonlySet<Buffer> {
  return new Set([...buffers.filter(({ slots }) => typeof slots === 'string'), ...swaps.flat()])
}

/** The layout of the header of a plan. */
export function headerOf(plan: Plan): Header {
  let at = CONSTANT_ROOM
  const word = <K>(key: K): readonly [K, number] => {
    at += 4
    return [key, at - 4]
  }
  const lengths = new Map(plan.axes.map(word))
  const addresses = new Map([...movingBuffers(plan)].map(buffer => word(buffer.id)))
  return { bytes: align(at), lengths, addresses }
}

/** Lays buffers out one after the other: those of fixed size first, so that their addresses never change. */
export function layOut(
  { buffers }: Plan,
  header: Header,
  bytes: number,
  lengths: ReadonlyMap<string, number>,
): Arena {
  const addresses = new Array<number>(buffers.length)
  let at = header.bytes
  const place = (buffer: Buffer, slots: number): void => {
    addresses[buffer.id] = at
    at = align(at + buffer.size * slots * bytes)
  }
  for (const buffer of buffers) if (typeof buffer.slots === 'number') place(buffer, buffer.slots)
  for (const buffer of buffers)
    if (typeof buffer.slots === 'string') place(buffer, lengths.get(buffer.slots)! + 1)
  return { addresses, bytes: at + 64 }
}
