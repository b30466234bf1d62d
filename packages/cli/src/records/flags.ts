import { GraphError } from '@bptt/graph'

/** What a person at the terminal does about a record that cannot be read, by the code of the error. */
const hints: Readonly<Record<string, string>> = {
  'bad-header':
    '--columns names the columns where the first record is no header, --separator what stands between fields',
  'bad-number': 'NAME:a|b is a column of words',
  'unknown-category': 'NAME:a|b|c lists every word of a column',
}

/** What is wrong with one record only; broken quotes of CSV (`bad-line`) are not, since nobody knows where the record ends. */
const skippable: ReadonlySet<string> = new Set([
  'bad-number',
  'unknown-category',
  'bad-width',
  'missing-column',
])

/** The same records; an error of theirs says what to do in flags instead of settings of a library; in `--skip` too, where that is to be had. */
export async function* inFlags<T>(records: AsyncIterable<T>, skip: boolean): AsyncGenerator<T, void, void> {
  try {
    yield* records
  } catch (error) {
    throw error instanceof GraphError ? translated(error, skip) : error
  }
}

function translated(error: GraphError, skip: boolean): GraphError {
  const { code, where, detail, hint } = error
  const own = code === 'bad-header' && hint === undefined ? undefined : hints[code]
  const leaves = skip && skippable.has(code) ? '--skip leaves such records out' : undefined
  const said = [own, leaves].filter(part => part !== undefined)
  return said.length === 0 ? error : new GraphError(code, where, detail, said.join('; '))
}
