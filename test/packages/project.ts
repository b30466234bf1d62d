import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../style/source.js'
import { type Packed, textOf } from './pack.js'

/**
 * An empty project in `folder` with the packed packages installed as a package manager would, without asking a
 * network: each is unpacked, and beside it is what its package.json depends on, and no more. `own` is what the
 * project itself depends on.
 */
export function project(folder: string, packages: readonly Packed[], own: readonly string[]): string {
  rmSync(folder, { recursive: true, force: true })
  write(join(folder, 'package.json'), '{ "name": "stranger", "private": true, "type": "module" }\n')
  for (const one of packages) {
    const place = join(folder, 'node_modules', one.manifest.name)
    for (const file of one.files) write(join(place, file), textOf(one, file))
    const from = join(root, 'packages', one.manifest.name.replace('@bptt/', ''))
    for (const name of thirdParties(one)) link(from, place, name)
  }
  for (const name of own) link(root, folder, name)
  return folder
}

/** Puts one of the stranger's files into the project, and answers its path. */
export function consumer(folder: string, name: string): string {
  const path = join(folder, name)
  write(path, readFileSync(join(root, 'test', 'packages', 'consumer', name), 'utf8'))
  return path
}

export function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

function thirdParties({ manifest }: Packed): string[] {
  return Object.keys(manifest.dependencies ?? {}).filter(name => !name.startsWith('@bptt/'))
}

/** The dependency `name` of the folder `from`, as one of the folder `to`. */
function link(from: string, to: string, name: string): void {
  const place = join(to, 'node_modules', name)
  mkdirSync(dirname(place), { recursive: true })
  symlinkSync(join(from, 'node_modules', name), place, 'junction')
}
