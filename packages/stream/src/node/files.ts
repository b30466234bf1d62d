import { randomBytes } from 'node:crypto'
import { type FileHandle, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GraphError } from '@bptt/graph'
import { codeOf, reason } from './reason.js'

/**
 * Writes a file so that, whatever happens, its path holds either all of the old bytes or all of `bytes`.
 *
 * A temporary file in the same folder is written, flushed to the disk and renamed over the old one; then the
 * folder is flushed. A link is followed, and an existing file's permissions are kept.
 *
 * @throws GraphError `cannot-write` with the reason in plain words; no temporary file stays, and the old file
 *   is as it was (unless only flushing the folder failed: then the new bytes are in place)
 */
export async function writeAtomic(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const target = await realpath(path).catch(() => path)
    await replace(target, bytes)
    await flushFolder(dirname(target))
  } catch (error) {
    throw await cannotWrite(path, error)
  }
}

async function replace(target: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(target), `.bptt-${randomBytes(8).toString('hex')}.tmp`)
  const mode = await modeOf(target)
  try {
    await writeFlushed(await open(temporary, 'wx', mode), bytes, mode)
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw error
  }
}

/** Permission bits of the file to replace, if there is one; a device or a pipe must not be renamed away. */
async function modeOf(target: string): Promise<number | undefined> {
  const old = await stat(target).catch(() => undefined)
  if (!old || old.isFile()) return old && old.mode & 0o777
  throw new Error(old.isDirectory() ? 'it is a folder' : 'it is not an ordinary file')
}

async function writeFlushed(file: FileHandle, bytes: Uint8Array, mode: number | undefined): Promise<void> {
  try {
    if (mode !== undefined) await file.chmod(mode)
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Makes the rename itself durable; some systems cannot flush a folder, and say so with one of these codes.
 */
async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder)
    await handle.sync().finally(() => handle.close())
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EPERM', 'EACCES', 'EISDIR'].includes(codeOf(error))) throw error
  }
}

async function cannotWrite(path: string, error: unknown): Promise<GraphError> {
  const folder = dirname(path)
  const lacks = codeOf(error) === 'ENOENT' && !(await stat(folder).catch(() => undefined))
  const why = lacks ? `there is no folder ${folder}` : reason(error)
  const hint = lacks ? 'create the folder first' : undefined
  return new GraphError(
    'cannot-write',
    path,
    `cannot be written: ${why}; a file is replaced whole or not at all`,
    hint,
  )
}

/**
 * All bytes of a file.
 *
 * @throws GraphError `cannot-read` with the reason in plain words
 */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const { buffer, byteOffset, byteLength } = await readFile(path)
    return new Uint8Array(buffer, byteOffset, byteLength)
  } catch (error) {
    throw new GraphError('cannot-read', path, `cannot be read: ${reason(error)}`)
  }
}
