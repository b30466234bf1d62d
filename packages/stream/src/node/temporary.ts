import { randomBytes } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

const pattern = /^\.bptt-[0-9a-f]{16}\.tmp$/

/** A new name for a temporary file in a folder. */
export function temporaryIn(folder: string): string {
  return join(folder, `.bptt-${randomBytes(8).toString('hex')}.tmp`)
}

/** How long nobody has written to a temporary file before it counts as left behind: no write takes that long. */
const HOUR_MS = 3_600_000

const swept = new Set<string>()

/** Removes what killed processes left in a folder: temporary files that are an hour old. Once per folder and process. */
export async function sweep(folder: string): Promise<void> {
  if (swept.has(folder)) return
  swept.add(folder)
  const names = await readdir(folder).catch(() => [])
  await Promise.all(
    names
      .filter(name => pattern.test(name))
      .map(name => removeOld(join(folder, name)).catch(() => undefined)),
  )
}

async function removeOld(path: string): Promise<void> {
  const { mtimeMs } = await stat(path)
  if (Date.now() - mtimeMs > HOUR_MS) await rm(path, { force: true })
}
