import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../style/source.js'

/** A fenced block of a page: ```` ```language words ````. */
interface Block {
  readonly language: string
  /** What follows the language on the fence. */
  readonly words: readonly string[]
  /** Line of the page that the first line of `text` is, from 1. */
  readonly line: number
  readonly text: string
}

/** A Markdown file: its path from the top of the repository, its fenced blocks and its links to files, in order. */
export interface Page {
  readonly path: string
  readonly blocks: readonly Block[]
  readonly links: readonly string[]
}

/** The pages for readers: the READMEs, the guides, what contributors read. */
export function pages(): Page[] {
  const paths = [
    'README.md',
    'CONTRIBUTING.md',
    ...readdirSync(join(root, 'packages'))
      .sort()
      .map(name => `packages/${name}/README.md`),
    ...markdown('docs'),
  ]
  return paths.map(path => page(path, readFileSync(join(root, path), 'utf8')))
}

/** The blocks of a page's text. A block ends at a fence as long as its own, so blocks may show fences. */
export function page(path: string, text: string): Page {
  const blocks: Block[] = []
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const [, fence, info] = /^ {0,3}(`{3,})([^`]*)$/.exec(lines[at]!) ?? []
    if (fence === undefined) continue
    const length = lines.slice(at + 1).findIndex(line => line.trim() === fence)
    if (length < 0) throw new Error(`${path}:${at + 1} opens a block that does not end`)
    const [language = '', ...words] = info!.trim().split(/\s+/)
    blocks.push({ language, words, line: at + 2, text: lines.slice(at + 1, at + 1 + length).join('\n') })
    at += length + 1
  }
  return { path, blocks, links: linksOf(text) }
}

/** Paths of links to files, without what is shown in code. */
function linksOf(text: string): string[] {
  const prose = text.replace(/^(`{3,})[^`]*\n[\s\S]*?^\1$/gm, '').replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!.replace(/#.*$/, ''))
    .filter(target => target !== '' && !/^[a-z]+:/.test(target))
}

/** True for the language of commands. */
export const isCommand = (language: string): boolean => ['sh', 'bash', 'shell'].includes(language)

/** The name after `file=` on a fence. */
export const fileOf = (words: readonly string[]): string | undefined =>
  words.find(word => word.startsWith('file='))?.slice('file='.length)

function markdown(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap(entry => {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) return path === 'docs/reference' ? [] : markdown(path)
      return path.endsWith('.md') ? [path] : []
    })
}
