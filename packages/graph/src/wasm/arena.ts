import { inPlace } from './inplace.js'
import { type Lifetime, lifetimes } from './lifetime.js'
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
  /** By buffer id: the word that holds its address, counted in words; 0 where its address is fixed. */
  readonly words: Int32Array
}

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64

/** A word that is not 0 after a run that met a bad index. */
export const FAULT = 0

/** Where the constants of kernels begin. */
export const CONSTANTS = 64

/** Bytes that constants usually find room in. */
export const CONSTANT_ROOM = 8192

/** Buffers whose address is read from the header: their size depends on a run-time length, or they change places. */
function movingBuffers({ buffers, swaps }: Plan): ReadonlySet<Buffer> {
  return new Set([...buffers.filter(({ slots }) => typeof slots === 'string'), ...swaps.flat()])
}

/** The layout of the header of a plan: the fault word, `room` bytes of constants, then the words. */
export function headerOf(plan: Plan, room: number): Header {
  let at = CONSTANTS + room
  const word = <K>(key: K): readonly [K, number] => {
    at += 4
    return [key, at - 4]
  }
  const lengths = new Map(plan.axes.map(word))
  const addresses = new Map([...movingBuffers(plan)].map(buffer => word(buffer.id)))
  const words = Int32Array.from(plan.buffers, ({ id }) => (addresses.get(id) ?? 0) / 4)
  return { bytes: align(at), lengths, addresses, words }
}

/** Offsets of buffers in the parts of the arena: one of fixed size, and one per run-time length. */
export interface Places {
  /** Per part (`''` is the fixed one): elements of a slot that it takes in all. */
  readonly sizes: ReadonlyMap<string, number>
  /** By buffer id: elements from the part's start, per slot. */
  readonly offsets: readonly number[]
}

/** Elements that every buffer's size is rounded up to: 64 bytes of float32, 128 of float64. */
const GRAIN = 16

const grains = (elements: number): number => Math.ceil(elements / GRAIN) * GRAIN

/**
 * Gives buffers whose lifetimes do not meet the same place: largest first, each at the lowest offset that is free
 * while it lives. Buffers with one slot per step share an arena per axis, since they all grow alike. What is written in
 * place lies where its operand lies.
 */
export function placeBuffers(plan: Plan): Places {
  const below = inPlace(plan)
  const lives = joined(lifetimes(plan), below)
  const parts = new Map<string, Placed[]>()
  const offsets = new Array<number>(plan.buffers.length)
  const sizes = new Map<string, number>()
  const elements = plan.buffers.map(elementsOf)
  const bySize = plan.buffers
    .filter(({ id }) => !below.has(id))
    .sort((a, b) => elements[b.id]! - elements[a.id]!)
  for (const { id, slots } of bySize) {
    const part = typeof slots === 'string' ? slots : ''
    const others = parts.get(part) ?? []
    const life = lives.get(id) ?? ALWAYS
    const offset = lowestOffset(others, life, elements[id]!)
    const end = offset + elements[id]!
    insert(others, { offset, end, life })
    parts.set(part, others)
    offsets[id] = offset
    sizes.set(part, Math.max(sizes.get(part) ?? 0, end))
  }
  for (const [id, ground] of below) offsets[id] = offsets[ground]!
  return { sizes, offsets }
}

/** Lifetimes where a buffer lives as long as all that is written over it. */
function joined(
  lives: ReadonlyMap<number, Lifetime>,
  below: ReadonlyMap<number, number>,
): ReadonlyMap<number, Lifetime> {
  const made = new Map(lives)
  for (const [id, ground] of below) {
    const [one, other] = [made.get(ground)!, lives.get(id)!]
    made.set(ground, { first: Math.min(one.first, other.first), last: Math.max(one.last, other.last) })
  }
  return made
}

const ALWAYS: Lifetime = { first: 0, last: Number.POSITIVE_INFINITY }

interface Placed {
  readonly offset: number
  readonly end: number
  readonly life: Lifetime
}

/** Elements of a buffer of fixed size; of one slot where it grows with an axis. */
const elementsOf = ({ size, slots }: Buffer): number =>
  grains(typeof slots === 'number' ? size * slots : size)

/** Keeps a list of places in the order of their offsets. */
function insert(others: Placed[], placed: Placed): void {
  const at = others.findIndex(({ offset }) => offset > placed.offset)
  others.splice(at < 0 ? others.length : at, 0, placed)
}

/** The lowest offset at which nothing lies that lives at the same time. */
function lowestOffset(others: readonly Placed[], life: Lifetime, size: number): number {
  let offset = 0
  for (const other of others) {
    if (other.life.first > life.last || other.life.last < life.first) continue
    if (other.offset >= offset + size) break
    offset = Math.max(offset, other.end)
  }
  return offset
}

/** Addresses for these lengths: the part of fixed size comes first, so that its addresses never change. */
export function layOut(
  plan: Plan,
  header: Header,
  places: Places,
  bytes: number,
  lengths: ReadonlyMap<string, number>,
): Arena {
  const starts = new Map<string, number>()
  let at = header.bytes
  for (const part of ['', ...plan.axes]) {
    starts.set(part, at)
    const slots = part === '' ? 1 : lengths.get(part)! + 1
    at = align(at + (places.sizes.get(part) ?? 0) * slots * bytes)
  }
  const addresses = plan.buffers.map(({ id, slots }) => {
    const [part, count] = typeof slots === 'string' ? [slots, lengths.get(slots)! + 1] : ['', 1]
    return starts.get(part)! + places.offsets[id]! * count * bytes
  })
  return { addresses, bytes: at + 64 }
}
