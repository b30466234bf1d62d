import { decodeKeyed, encodeKeyed } from '../keyed/file.js'
import type { KeyedSnapshot } from '../keyed/state.js'
import { readBytes, writeAtomic } from './files.js'
import { orPrevious, previousOf } from './previous.js'

/**
 * Writes the snapshot of a keyed trainer, with all of its streams, as a safetensors file, as `save` writes that of a trainer: whole or not at
 * all, and the one before is kept.
 * @throws GraphError `cannot-write`; then both files are as they were.
 */
export async function saveKeyed(
  path: string,
  snapshot: KeyedSnapshot,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeAtomic(path, encodeKeyed(snapshot, metadata), { previous: previousOf(path) })
}

/** The snapshot of a keyed trainer from a file. */
export interface LoadedKeyed {
  readonly snapshot: KeyedSnapshot
  readonly metadata: Readonly<Record<string, string>>
  /** The file it was read from: the previous one where the last one is lost. */
  readonly file: string
  /** Why it is the previous one, as a sentence to show. */
  readonly warning?: string
}

/**
 * Reads the snapshot of a keyed trainer back, or the one before, as `load` does.
 * @throws GraphError `cannot-read`, `bad-safetensors`; `bad-snapshot` where the file holds something else.
 */
export function loadKeyed(path: string): Promise<LoadedKeyed> {
  return orPrevious(path, async file => ({ ...decodeKeyed(await readBytes(file), file), file }))
}
