import { isCommand, type Page } from './page.js'

/** A command of a page, and the line it stands on. */
export interface Command {
  readonly page: string
  readonly line: number
  /** As the page shows it, without its comment. */
  readonly text: string
}

/** Commands that are not run where they stand, and why. */
export const elsewhere: Readonly<Record<string, string>> = {
  'npm test': 'this is one of its tests',
}

/** The commands of a page, one a line; a line that ends in `\\` goes on. */
export function commands({ path, blocks }: Page): Command[] {
  return blocks
    .filter(({ language }) => isCommand(language))
    .flatMap(({ line, text }) => {
      const lines = text.split('\n')
      const starts = lines.flatMap((_, i) => (lines[i - 1]?.endsWith('\\') ? [] : [i]))
      return starts.map((from, i) => ({
        page: path,
        line: line + from,
        text: plain(lines.slice(from, starts[i + 1])),
      }))
    })
    .filter(({ text }) => text !== '')
}

/** What a page shows as the output of its commands. */
export function commandOutputs({ blocks }: Page): string[] {
  return blocks
    .filter(({ language }, i) => language === 'output' && isCommand(blocks[i - 1]?.language ?? ''))
    .map(({ text }) => text)
}

/** What is run for a command: the built program, whatever it is called by, for a second in the place of `--seconds N`. */
export function runnable(text: string): string {
  return text
    .replace(/^npm start$/, 'bptt start --seconds 1')
    .replace(/^npm run --silent example -- /, 'bptt-example ')
    .replace(/\b(npm run --silent bptt --|npx bptt)(?= |$)/g, 'bptt')
    .replace(/--seconds[ =]\d+/g, '--seconds 1')
}

/** Joined and without its comments. */
function plain(lines: readonly string[]): string {
  return lines
    .map(line => line.replace(/(^|\s)#.*$/, '').replace(/\\$/, ''))
    .join(' ')
    .trim()
}
