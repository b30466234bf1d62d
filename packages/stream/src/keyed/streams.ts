import { GraphError } from '@bptt/graph'
import type { Counters, Values } from '../state.js'
import { type Cuts, Cutter } from '../window.js'
import { bytesOf, streamOf } from './bytes.js'
import { coinStream } from './coins.js'
import { keyName } from './keys.js'
import type { KeyedStream } from './state.js'

/**
 * Where the states of streams lie that are not in memory. A `Map` is one; `fileStore` of `@bptt/stream/node` another. It need not be durable:
 * snapshots hold all streams.
 */
export interface StreamStore {
  /** What was stored last under a key; undefined where there is nothing. */
  readonly get: (key: string) => Uint8Array | undefined
  /** Stores bytes in the place of what was there. */
  readonly set: (key: string, bytes: Uint8Array) => unknown
  /** Forgets a key, known or not. */
  readonly delete: (key: string) => unknown
}

/** A stream in memory. */
export interface Stream {
  readonly key: string
  /** The number by which its coins are drawn. */
  readonly coins: number
  readonly cutter: Cutter
  values: Partial<Values>
  counters: Counters | undefined
}

/** How streams are kept. */
export interface StreamsOptions {
  /** Most streams in memory. */
  readonly resident: number
  readonly store: StreamStore
  readonly cuts: Cuts
  /** True where every stream has a model of its own. */
  readonly own: boolean
  /** A stream before its first event. */
  readonly begin: (key: string) => KeyedStream
  /** @throws GraphError where a stream that comes from the store does not fit. */
  readonly check: (stream: KeyedStream) => void
  /** Called before the state of a stream is read. */
  readonly settle: (stream: Stream) => void
}

/** The streams of a keyed trainer: those used last in memory, the others in the store. */
export class Streams {
  readonly #options: StreamsOptions
  /** All keys, in the order of their first events. */
  readonly #known = new Set<string>()
  /** The one used longest ago comes first. */
  readonly #resident = new Map<string, Stream>()

  constructor(options: StreamsOptions) {
    this.#options = options
  }

  /** @throws GraphError `lost-stream`, `bad-safetensors`, `bad-snapshot`, or what the store throws; then all streams are as they were. */
  get(key: string): Stream {
    const here = this.#resident.get(key)
    if (here === undefined)
      return this.put(this.#known.has(key) ? this.#fetch(key) : this.#options.begin(key))
    this.#resident.delete(key)
    this.#resident.set(key, here)
    return here
  }

  /** Takes a stream in. */
  put({ key, values, counters, open }: KeyedStream): Stream {
    while (this.#resident.size >= this.#options.resident) this.#spill()
    const { cuts } = this.#options
    const coins = coinStream(key)
    const own: Cuts = { ...cuts, weight: (edge, notes) => cuts.weight({ ...edge, stream: coins }, notes) }
    const made = { key, coins, values, counters, cutter: new Cutter(own, open) }
    this.#known.add(key)
    this.#resident.set(key, made)
    return made
  }

  /** Puts the stream that was used longest ago in the store. */
  #spill(): void {
    const [[key, stream]] = this.#resident as unknown as [[string, Stream]]
    this.#options.store.set(key, bytesOf(this.#stateOf(stream)))
    this.#resident.delete(key)
  }

  #fetch(key: string): KeyedStream {
    const { store, own, check } = this.#options
    const bytes = store.get(key)
    if (bytes === undefined)
      throw new GraphError(
        'lost-stream',
        keyName(key),
        'its state is not in the store; what a keyed trainer stores stays until it is forgotten',
      )
    const stream = streamOf(bytes, key, own)
    check(stream)
    return stream
  }

  #stateOf(stream: Stream): KeyedStream {
    this.#options.settle(stream)
    const { key, values, counters, cutter } = stream
    return { key, values, open: cutter.open, ...(counters && { counters }) }
  }

  forget(key: string): void {
    if (!this.#known.delete(key)) return
    if (!this.#resident.delete(key)) this.#options.store.delete(key)
  }

  get keys(): ReadonlySet<string> {
    return this.#known
  }

  /** The states of all streams. None changes its place. */
  states(): readonly KeyedStream[] {
    return Array.from(this.#known, key => this.peek(key)!)
  }

  /** The state of a stream, where it is known. It does not change its place. */
  peek(key: string): KeyedStream | undefined {
    if (!this.#known.has(key)) return undefined
    const here = this.#resident.get(key)
    return here === undefined ? this.#fetch(key) : this.#stateOf(here)
  }
}
