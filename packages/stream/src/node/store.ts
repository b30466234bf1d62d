import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { GraphError } from '@bptt/graph'
import type { StreamStore } from '../keyed/streams.js'
import { codeOf, reason } from './reason.js'
import { temporaryIn } from './temporary.js'

/**
 * A store for the streams of a keyed trainer that are not in memory: a file for each in a folder, which is made where there is none. Scratch
 * space of one trainer: snapshots hold all streams, so nothing in it need outlive the process, and nothing is flushed to the disk.
 * @throws GraphError `cannot-write`, `cannot-read`; what was stored stays whole.
 */
export function fileStore(folder: string): StreamStore {
  /** Keys are any strings: names are their SHA-256. */
  const fileOf = (key: string): string => join(folder, createHash('sha256').update(key).digest('hex'))
  told('cannot-write', folder, () => mkdirSync(folder, { recursive: true }))
  return {
    get: key => {
      const file = fileOf(key)
      return told('cannot-read', file, () => bytesIn(file))
    },
    set: (key, bytes) => {
      const [file, temporary] = [fileOf(key), temporaryIn(folder)]
      told('cannot-write', file, () => {
        try {
          writeFileSync(temporary, bytes)
          renameSync(temporary, file)
        } catch (error) {
          rmSync(temporary, { force: true })
          throw error
        }
      })
    },
    delete: key => {
      const file = fileOf(key)
      told('cannot-write', file, () => rmSync(file, { force: true }))
    },
  }
}

function bytesIn(file: string): Uint8Array | undefined {
  try {
    const { buffer, byteOffset, byteLength } = readFileSync(file)
    return new Uint8Array(buffer, byteOffset, byteLength)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

function told<T>(code: 'cannot-read' | 'cannot-write', path: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    const what = code === 'cannot-read' ? 'read' : 'written'
    throw new GraphError(
      code,
      path,
      `cannot be ${what}: ${reason(error)}; streams out of memory are kept there`,
    )
  }
}
