import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import typescript from 'typescript'

/** One TypeScript file: its path from the top of the repository with `/` in it, and its syntax tree. */
export interface Source {
  readonly path: string
  readonly tree: typescript.SourceFile
}

/** A package: its folder's name and what its package.json says. */
export interface Package {
  readonly name: string
  readonly manifest: { readonly exports: Readonly<Record<string, { readonly default: string } | string>> }
}

/** The top folder of the repository. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** Parses text as the file at `path`. */
export function source(path: string, text: string): Source {
  return { path, tree: typescript.createSourceFile(path, text, typescript.ScriptTarget.ES2023, true) }
}

/** The packages of this repository, in the order of their names. */
export function packages(): Package[] {
  return readdirSync(join(root, 'packages'))
    .sort()
    .map(name => ({
      name,
      manifest: JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')),
    }))
}

/** Every source file of every package. */
export function sources(): Source[] {
  return packages().flatMap(({ name }) => sourcesIn(`packages/${name}/src`))
}

/** Every source file of the examples. */
export function examples(): Source[] {
  return sourcesIn('docs/examples')
}

function sourcesIn(folder: string): Source[] {
  return typescriptFiles(folder).map(path => source(path, readFileSync(join(root, path), 'utf8')))
}

/** The name of the package that a path lies in. */
export function packageOf(path: string): string {
  return path.split('/')[1]!
}

/** `path:line` of a place in a file. */
export function place({ path, tree }: Source, position: number): string {
  return `${path}:${tree.getLineAndCharacterOfPosition(position).line + 1}`
}

/** How many lines a file has. */
export function lineCount({ tree }: Source): number {
  return tree.text.trimEnd().split('\n').length
}

function typescriptFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap(entry => {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) return typescriptFiles(path)
      return path.endsWith('.ts') ? [path] : []
    })
    .sort()
}
