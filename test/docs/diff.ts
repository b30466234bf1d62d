import type { Page } from './page.js'

/** A change of one file: pieces of its text, each with what takes its place. A new file has one piece, of no text. */
export interface Change {
  readonly path: string
  readonly pieces: readonly Piece[]
}

interface Piece {
  readonly before: string
  readonly after: string
}

/** The changes in the `diff` blocks of a page: `+++ path` names a file, and `@@` begins a piece of it. */
export function changes({ blocks }: Page): Change[] {
  return blocks
    .filter(({ language }) => language === 'diff')
    .flatMap(({ text }) => text.split(/^\+{3} /m).slice(1))
    .map(part => {
      const [path, ...pieces] = part.split(/\n@@/)
      return { path: path!.trim(), pieces: pieces.map(pieceOf) }
    })
}

function pieceOf(text: string): Piece {
  const lines = text.split('\n').slice(1)
  while (lines.at(-1) === '') lines.pop()
  const side = (other: string): string =>
    lines
      .filter(line => !line.startsWith(other))
      .map(line => line.slice(1))
      .join('\n')
  return { before: side('+'), after: side('-') }
}

/** The file's text after a change; `undefined` stands for a file that is not there. */
export function changed({ path, pieces }: Change, text: string | undefined): string {
  if (text === undefined) {
    const [piece] = pieces
    if (pieces.length === 1 && piece!.before === '') return `${piece!.after}\n`
    throw new Error(`${path} is changed, and is not there`)
  }
  return pieces.reduce((now, { before, after }) => {
    const parts = now.split(before)
    if (before !== '' && parts.length === 2) return parts.join(after)
    throw new Error(`${path} has ${parts.length - 1} times:\n${before}`)
  }, text)
}

/** The paths that the `npm test` commands of a page name. */
export function tested({ blocks }: Page): string[] {
  return blocks
    .flatMap(({ text }) => text.split('\n'))
    .filter(line => line.startsWith('npm test -- '))
    .flatMap(line => line.split(' ').slice(3))
    .filter(word => !word.startsWith('-'))
}
