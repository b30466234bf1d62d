import { GraphError } from '@bptt/graph'
import { decodeUtf8, invalidUtf8At } from '../utf8.js'

/** A piece of a source: UTF-8 bytes or text, cut anywhere. */
export type Chunk = Uint8Array | string

/** What has a reader of chunks, as the body of a `fetch` has. */
export interface Readable {
  /** Its reader, asked for once. */
  getReader(): {
    /** The next chunk. */
    read(): Promise<{ readonly done: boolean; readonly value?: Chunk | undefined }>
    /** Lets the stream go. */
    cancel(): Promise<unknown>
  }
}

/** Text or bytes to read: whole, or in chunks (a file, standard input, a Node stream, the body of a `fetch`, any iterable). */
export type Source = Chunk | Iterable<Chunk> | AsyncIterable<Chunk> | Readable

/** How a source is called in messages. */
export interface Named {
  /** Such as the file's name; a source of `@bptt/stream/node` knows its own. */
  readonly name?: string
}

/** The name of a source: the given one, its own, or what it is. */
export function nameOf(source: Source, { name }: Named, otherwise: string): string {
  const own = typeof source === 'object' && 'name' in source ? source.name : undefined
  return name ?? (typeof own === 'string' ? own : otherwise)
}

/** The chunks of a source, one pulled at a time; what is open is closed when the reader stops. */
export async function* chunksOf(source: Source): AsyncGenerator<Chunk, void, undefined> {
  if (typeof source === 'string' || source instanceof Uint8Array) yield source
  else if ('getReader' in source) yield* readAll(source)
  else yield* source
}

async function* readAll(source: Readable): AsyncGenerator<Chunk, void, undefined> {
  const reader = source.getReader()
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read())
      if (part.value) yield part.value
  } finally {
    await reader.cancel()
  }
}

/**
 * The text of a source in pieces, without a byte order mark. Where the chunks are cut makes no difference to the text.
 * @throws GraphError `bad-text` at the first byte that is not UTF-8.
 */
export async function* textsOf(source: Source, name: string): AsyncGenerator<string, void, undefined> {
  const decoder = new Decoder(name)
  for await (const chunk of chunksOf(source)) {
    const text = decoder.push(chunk)
    if (text !== '') yield text
    decoder.check()
  }
  decoder.end()
}

const MARK = '\ufeff'

/** UTF-8 to text, chunk by chunk: a character cut in two waits for its other half. */
class Decoder {
  readonly #name: string
  /** At most three bytes of a character that is not complete. */
  #rest: Uint8Array = new Uint8Array(0)
  /** Bytes before the rest. */
  #bytes = 0
  #begun = false
  #invalid = false

  constructor(name: string) {
    this.#name = name
  }

  push(chunk: Chunk): string {
    const text = typeof chunk === 'string' ? this.#between(chunk) : this.#decode(chunk)
    const marked = !this.#begun && text.startsWith(MARK)
    this.#begun ||= text !== ''
    return marked ? text.slice(1) : text
  }

  /** Refuses what follows the text so far: that text is whole, wherever the chunks are cut. */
  check(): void {
    if (!this.#invalid) return
    const hint = 'is it a binary file, or text in another encoding?'
    const what = `byte ${this.#bytes} is not UTF-8; a text is read as UTF-8`
    throw new GraphError('bad-text', this.#name, what, hint)
  }

  /** Refuses half a character at the end. */
  end(): void {
    this.#invalid ||= this.#rest.length > 0
    this.check()
  }

  #between(text: string): string {
    this.end()
    return text
  }

  #decode(chunk: Uint8Array): string {
    const bytes = this.#rest.length === 0 ? chunk : joined(this.#rest, chunk)
    const at = invalidUtf8At(bytes)
    this.#invalid = at >= 0 && bytes.length - at > 3
    const end = at < 0 ? bytes.length : at
    this.#rest = bytes.slice(end)
    this.#bytes += end
    return decodeUtf8(bytes.subarray(0, end))
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length)
  all.set(first)
  all.set(second, first.length)
  return all
}
