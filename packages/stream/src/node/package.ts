import { type Dirent, existsSync, readFileSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { GraphError } from '@bptt/graph'
import { byCodePoint } from '../order.js'
import { readText } from './text.js'

/**
 * The source text of an installed package: a corpus that is on the machine already.
 *
 * Joins every file below the package's `src` folder (below the package itself when it has none,
 * `node_modules` left out) whose name ends in `extension`, in the order of their paths by code point, so the
 * same release gives the same text everywhere. Declaration files (`.d.ts`) are left out.
 *
 * @param from a file or folder, as a path or `file:` URL, from which `packageName` can be imported
 * @throws GraphError `no-package` when the package is not found or has no such file
 */
export async function packageText(
  packageName: string,
  from: string | URL,
  extension: string = '.ts',
): Promise<string> {
  const root = await packageFolder(packageName, from)
  const source = join(root, 'src')
  const files = await listFiles(existsSync(source) ? source : root, extension)
  if (files.length === 0) {
    throw new GraphError(
      'no-package',
      packageName,
      `no file of the package ends in ${extension}; looked in ${root}`,
    )
  }
  const named = files.map(path => ({ path, key: relative(root, path).split(sep).join('/') }))
  named.sort((a, b) => byCodePoint(a.key, b.key))
  const texts: string[] = []
  for (const { path } of named) texts.push(await readText(path))
  return texts.join('')
}

/** The folder of a package: where its `package.json` resolves to, or else above the file that it exports. */
async function packageFolder(packageName: string, from: string | URL): Promise<string> {
  const start = await startingFile(from)
  const { resolve: find } = createRequire(start)
  const attempts = [
    () => dirname(find(`${packageName}/package.json`)),
    () => folderAbove(find(packageName), packageName),
    () =>
      find
        .paths(packageName)
        ?.map(modules => join(modules, packageName))
        .find(hasManifest),
  ]
  const folder = isPackageName(packageName) ? firstFound(attempts) : undefined
  if (folder) return folder
  const detail = `there is no such package to import from ${start}; it must be installed`
  throw new GraphError('no-package', packageName, detail, `npm install ${packageName}`)
}

function isPackageName(name: string): boolean {
  return /^(@[\w.~-]+\/)?[\w~-][\w.~-]*$/.test(name)
}

/** Node resolves from a file; a folder stands for a file inside it. */
async function startingFile(from: string | URL): Promise<string> {
  const path = from instanceof URL || from.startsWith('file:') ? fileURLToPath(from) : resolve(from)
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() ? join(path, 'package.json') : path
}

/** The first attempt that gives a folder; a package may forbid resolving its manifest, its entry, or both. */
function firstFound(attempts: readonly (() => string | undefined)[]): string | undefined {
  for (const attempt of attempts) {
    const folder = orNothing(attempt)
    if (folder) return folder
  }
  return undefined
}

function orNothing<T>(attempt: () => T): T | undefined {
  try {
    return attempt()
  } catch {
    return undefined
  }
}

function folderAbove(entry: string, packageName: string): string | undefined {
  let folder = dirname(entry)
  while (dirname(folder) !== folder) {
    if (hasManifest(folder) && nameOf(folder) === packageName) return folder
    folder = dirname(folder)
  }
  return undefined
}

function hasManifest(folder: string): boolean {
  return existsSync(join(folder, 'package.json'))
}

function nameOf(folder: string): unknown {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'name' in manifest ? manifest.name : undefined
}

async function listFiles(folder: string, extension: string): Promise<string[]> {
  const found: string[] = []
  const folders = [folder]
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    for (const entry of await readdir(at, { withFileTypes: true })) {
      if (entry.isDirectory() && entry.name !== 'node_modules') folders.push(join(at, entry.name))
      else if (isSource(entry, extension)) found.push(join(at, entry.name))
    }
  }
  return found
}

function isSource(entry: Dirent, extension: string): boolean {
  return entry.isFile() && entry.name.endsWith(extension) && !entry.name.endsWith(`.d${extension}`)
}
