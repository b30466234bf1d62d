import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { load } from '@bptt/stream/node'
import { Failure, systemCode } from './failure.js'
import { metadataKey } from './model.js'

/**
 * Checks, before any work is done, that a model can be saved at `path`, and that nothing but a model is replaced there.
 * @throws Failure where it cannot.
 */
export function checkSavePath(path: string): Promise<void> {
  return checkTarget(path, 'a model', holdsModel)
}

/**
 * Checks that a file can be written at `path`, and that what is there already is of its kind.
 * @throws Failure where it cannot, or where it is not.
 */
export async function checkTarget(
  path: string,
  kind: string,
  holds: (path: string) => Promise<boolean>,
): Promise<void> {
  await checkFolder(path)
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) return
  if (found.isDirectory()) throw new Failure(`cannot save in ${path}: it is a folder; name a file in it`)
  if (!found.isFile() || !(await holds(path).catch(() => false)))
    throw new Failure(
      `cannot save in ${path}: there is a file that is not ${kind} of bptt; choose another name or move it away`,
    )
}

async function checkFolder(path: string): Promise<void> {
  const folder = dirname(path)
  const found = await stat(folder).catch(() => undefined)
  if (!found?.isDirectory()) throw new Failure(`cannot save in ${path}: there is no folder ${folder}`)
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw new Failure(
      `cannot save in ${path}: the folder ${folder} cannot be written (${systemCode(error) ?? 'denied'})`,
    )
  })
}

async function holdsModel(path: string): Promise<boolean> {
  return metadataKey in (await load(path)).metadata
}
