import { constants } from 'node:fs'
import { copyFile, type FileHandle, link, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { GraphError } from '@bptt/graph'
import { codeOf, reason } from './reason.js'
import { sweep, temporaryIn } from './temporary.js'

/** What happens to the bytes that are replaced. */
export interface WriteOptions {
  /** Where the old bytes are kept, in the same folder; they are not kept where it is not given. */
  readonly previous?: string
}

/**
 * Writes a file so that, whatever happens, its path holds either all of the old bytes or all of `bytes`.
 *
 * A temporary file in the same folder is written, flushed to the disk and renamed over the old one, which stays as `previous` where
 * that is given; then the folder is flushed. A link is followed, and an existing file's permissions are kept.
 *
 * @throws GraphError `cannot-write` with the reason in plain words; no temporary file stays, and the old file
 *   is as it was (unless only what follows the renaming failed: then the new bytes are in place)
 */
export async function writeAtomic(
  path: string,
  bytes: Uint8Array,
  { previous }: WriteOptions = {},
): Promise<void> {
  try {
    const target = await realpath(path).catch(() => path)
    const folder = dirname(target)
    await sweep(folder)
    await replace(target, bytes, previous)
    await flushFolder(folder)
  } catch (error) {
    throw await cannotWrite(path, error)
  }
}

/** At every moment the target is whole, and so is what is kept: the new file is in place before the kept one is replaced. */
async function replace(target: string, bytes: Uint8Array, previous: string | undefined): Promise<void> {
  const [temporary, old] = [temporaryIn(dirname(target)), temporaryIn(dirname(target))]
  const mode = await modeOf(target)
  const kept = mode === undefined ? undefined : previous
  try {
    await writeFlushed(await open(temporary, 'wx', mode), bytes, mode)
    if (kept !== undefined) await duplicate(target, old)
    await rename(temporary, target)
    if (kept !== undefined) await rename(old, kept)
  } finally {
    await Promise.all([temporary, old].map(name => rm(name, { force: true }).catch(() => undefined)))
  }
}

/** A second name for a file's bytes; a copy, where the file system has no links. */
async function duplicate(file: string, name: string): Promise<void> {
  await link(file, name).catch(async () => {
    await copyFile(file, name, constants.COPYFILE_EXCL)
    await flush(name)
  })
}

async function flush(path: string): Promise<void> {
  const handle = await open(path)
  await handle.sync().finally(() => handle.close())
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
    await flush(folder)
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
