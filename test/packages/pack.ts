import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createPackageFromTarballData, type Package } from '@arethetypeswrong/core'
import { log, pnpm } from '../../.house/pnpm.mjs'

/** What `package.json` of a published package says, as far as the tests read it. */
interface Manifest {
  readonly name: string
  readonly version: string
  readonly description?: string
  readonly license?: string
  readonly keywords?: readonly string[]
  readonly sideEffects: false | readonly string[]
  readonly engines?: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string } | string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** A package as it would be published. */
export interface Packed {
  readonly manifest: Manifest
  /** The tarball, and what is in it. */
  readonly tarball: ArrayBuffer
  readonly contents: Package
  /** Paths inside the package, sorted. */
  readonly files: readonly string[]
}

/** Packs every package into a new `folder`, with the pnpm that would publish it. */
export async function packAll(folder: string): Promise<Packed[]> {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const code = await pnpm(['-r', '--filter', './packages/*', 'pack', '--pack-destination', folder])
  if (code !== 0) throw new Error(`pnpm pack ended with ${code}:\n${readFileSync(log, 'utf8')}`)
  return readdirSync(folder)
    .filter(name => name.endsWith('.tgz'))
    .sort()
    .map(name => packed(join(folder, name)))
}

function packed(path: string): Packed {
  const bytes = new Uint8Array(readFileSync(path))
  const contents = createPackageFromTarballData(bytes)
  const top = `/node_modules/${contents.packageName}/`
  return {
    manifest: JSON.parse(contents.readFile(`${top}package.json`)) as Manifest,
    tarball: bytes.buffer,
    contents,
    files: contents
      .listFiles()
      .map(file => file.slice(top.length))
      .sort(),
  }
}

/** The text of a file of a package. */
export function textOf({ contents }: Packed, file: string): string {
  return contents.readFile(`/node_modules/${contents.packageName}/${file}`)
}

/** The files of a package in words: those that tsc writes, and the sources, by their endings; others by name. */
export function kindsOf({ files }: Packed): string[] {
  return [
    ...new Set(files.map(file => file.replace(/^(dist|src)\/.*?((\.d)?\.ts|\.js)(\.map)?$/, '$1/**/*$2$4'))),
  ].sort()
}

/** Files of `dist` without their source, and sources without what is built from them. */
export function unpaired({ files }: Packed): string[] {
  const built = files.filter(file => file.startsWith('dist/'))
  const sources = files.filter(file => file.startsWith('src/'))
  const expected = sources
    .filter(file => !file.endsWith('.d.ts'))
    .map(file => file.replace(/^src/, 'dist').replace(/\.ts$/, ''))
    .flatMap(stem => ['.js', '.js.map', '.d.ts', '.d.ts.map'].map(ending => stem + ending))
  const [want, have] = [new Set(expected), new Set(built)]
  return [...built.filter(file => !want.has(file)), ...expected.filter(file => !have.has(file))]
}
