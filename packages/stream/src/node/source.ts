import { open } from 'node:fs/promises'
import { GraphError } from '@bptt/graph'
import { reason } from './reason.js'

/** Bytes read at a time. */
const CHUNK = 65_536

/** A file or standard input as a source. */
export interface FileSource extends AsyncIterable<Uint8Array> {
  /** How messages call it. */
  readonly name: string
}

/**
 * The bytes of a file, or of standard input when `path` is `-`: 64 KiB at a time, read when they are asked for, so files of any size take constant memory. Every
 * iteration over a file begins at its beginning; the file is closed at the end, or when the reader stops.
 * @throws GraphError `cannot-read` while it is read.
 */
export function fileSource(path: string, stdin: AsyncIterable<Uint8Array> = process.stdin): FileSource {
  const name = path === '-' ? 'standard input' : path
  return { name, [Symbol.asyncIterator]: () => named(name, path === '-' ? stdin : fileChunks(path)) }
}

async function* fileChunks(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const file = await open(path)
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK), 0, CHUNK)
      if (bytesRead === 0) return
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

async function* named(
  name: string,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* chunks
  } catch (error) {
    throw new GraphError('cannot-read', name, `cannot be read: ${reason(error)}`)
  }
}
