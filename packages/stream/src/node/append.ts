import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { GraphError } from '@bptt/graph'
import { reason } from './reason.js'

/** A file that only grows, by whole records. Writing is synchronous: what was appended is with the system when `append` returns. */
export interface AppendFile {
  /** Bytes in the file when it was opened. */
  readonly size: number
  /** The last of them; undefined for an empty file. */
  readonly last: number | undefined
  /** @throws GraphError `cannot-write`; no part of the record stays. */
  readonly append: (record: Uint8Array) => void
  readonly close: () => void
}

/**
 * Opens a file to append to, making it where there is none.
 * @throws GraphError `cannot-write`.
 */
export function appendFile(path: string): AppendFile {
  const file = told(path, () => openSync(path, 'a+'))
  const { size } = fstatSync(file)
  const last = new Uint8Array(1)
  if (size > 0) readSync(file, last, 0, 1, size - 1)
  return {
    size,
    last: size > 0 ? last[0] : undefined,
    append: record => told(path, () => appendWhole(file, record)),
    close: () => closeSync(file),
  }
}

/** One write; what a full disk cuts off is taken back. */
function appendWhole(file: number, record: Uint8Array): void {
  const written = writeSync(file, record)
  if (written === record.length) return
  ftruncateSync(file, fstatSync(file).size - written)
  throw new Error('the disk is full')
}

function told<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw new GraphError(
      'cannot-write',
      path,
      `cannot be written: ${reason(error)}; records are appended whole or not at all`,
    )
  }
}
