import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { place, root, type Source } from './source.js'

/** A citation in a comment: `[werbos1990]`, `[chen2023, alg. 2]`, `[hochreiter-schmidhuber1997, gers2000]`. */
export interface Citation {
  readonly key: string
  readonly at: string
}

const bracket = /\[([a-z-]+\d{4}(?:, [^\]\n]+)?)\]/g
const key = /[a-z-]+\d{4}/g

/** The papers that the sources cite, each place of each. */
export function cited(sources: readonly Source[]): Citation[] {
  return sources.flatMap(source =>
    [...source.tree.text.matchAll(bracket)].flatMap(match =>
      match[1]!.match(key)!.map(found => ({ key: found, at: place(source, match.index) })),
    ),
  )
}

/** The keys of `docs/references.md`, in its order. */
export function listed(text = readFileSync(join(root, 'docs', 'references.md'), 'utf8')): string[] {
  return [...text.matchAll(/^- \*\*\[([^\]]+)\]\*\* /gm)].map(([, key]) => key!)
}
