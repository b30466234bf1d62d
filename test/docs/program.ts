import typescript from 'typescript'
import { fileOf, isCommand, type Page } from './page.js'

/**
 * What the TypeScript blocks of a page make: line n of `text` is line n of the page.
 *
 * The blocks of a page are one program, in order: a block may use what an earlier one declares, and may repeat its
 * imports. A block fenced ```` ```ts fresh ```` begins another program.
 */
export interface Program {
  readonly page: string
  /** Line of the page where the program begins. */
  readonly line: number
  readonly text: string
  /** What it prints, as the page shows it in ```` ```output ```` below its blocks. */
  readonly outputs: readonly string[]
}

/** The programs of a page. A block fenced ```` ```ts file=NAME ```` is a file, and a program of its own. */
export function programs({ path, blocks }: Page): Program[] {
  const made: Making[] = []
  let current: Making | undefined
  let last: Making | undefined
  for (const { language, words, line, text } of blocks) {
    if (isCommand(language)) last = undefined
    if (language === 'output') last?.outputs.push(text)
    if (language !== 'ts') continue
    const alone = fileOf(words) !== undefined
    if (alone || current === undefined || words.includes('fresh')) {
      last = { page: path, line, parts: [], outputs: [] }
      made.push(last)
      if (!alone) current = last
    } else last = current
    last.parts.push({ line, text })
  }
  return made.map(({ parts, ...rest }) => ({ ...rest, text: joined(parts) }))
}

interface Making {
  readonly page: string
  readonly line: number
  readonly parts: { readonly line: number; readonly text: string }[]
  readonly outputs: string[]
}

/** What is missing in `printed` of the texts a page shows, which stand in it in their order. */
export function missing(outputs: readonly string[], printed: string): string[] {
  let from = 0
  return outputs.filter(text => {
    const at = printed.indexOf(text, from)
    if (at >= 0) from = at + text.length
    return at < 0
  })
}
/** The parts, each at its line, and every imported name once. */
function joined(parts: readonly { line: number; text: string }[]): string {
  const known = new Set<string>()
  const lines: string[] = []
  for (const { line, text } of parts) {
    while (lines.length < line - 1) lines.push('')
    lines.push(...withoutRepeats(text, known).split('\n'))
  }
  return `${lines.join('\n')}\nexport {}\n`
}

/** The block without the imported names that are known already; its lines stay where they are. */
function withoutRepeats(text: string, known: Set<string>): string {
  const tree = typescript.createSourceFile('block.ts', text, typescript.ScriptTarget.ES2023, true)
  const repeated: typescript.Node[] = tree.statements
    .filter(typescript.isImportDeclaration)
    .flatMap((one): readonly typescript.Node[] => {
      const from = one.moduleSpecifier.getText()
      const names = one.importClause?.namedBindings
      const repeats = (node: typescript.Node): boolean => {
        const key = `${node.getText()} from ${from}`
        return known.has(key) || !known.add(key)
      }
      if (names === undefined || !typescript.isNamedImports(names)) return repeats(one) ? [one] : []
      const again = names.elements.filter(repeats)
      return again.length === names.elements.length ? [one] : again
    })
  return repeated.reduceRight((rest, node) => {
    const comma = typescript.isImportSpecifier(node) && rest[node.end] === ',' ? 1 : 0
    const blank = rest.slice(node.getStart(), node.end + comma).replace(/[^\n]/g, ' ')
    return rest.slice(0, node.getStart()) + blank + rest.slice(node.end + comma)
  }, text)
}
