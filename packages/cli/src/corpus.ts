import { alphabetOf, encodeText, type TextBaselines, textBaselines } from '@bptt/stream'
import { packageText, readText } from '@bptt/stream/node'
import { Failure } from './failure.js'
import { quoted } from './format.js'

/** A text to learn: its symbols, and each of its characters as the id of one. */
export interface Corpus {
  /** What the text is, for the reader. */
  readonly name: string
  /** The symbol of each id. */
  readonly alphabet: readonly string[]
  readonly ids: Uint32Array
  /** Bits per character of the simplest predictors, counted on the whole text. */
  readonly baselines: TextBaselines
}

/**
 * A text as a corpus.
 * @throws Failure where it has fewer than two different symbols.
 */
export function corpusOf(name: string, text: string): Corpus {
  refuseTrivial(name, text)
  const alphabet = alphabetOf(text)
  const ids = encodeText(alphabet, text)
  return { name, alphabet: alphabet.symbols, ids, baselines: textBaselines(ids, alphabet.symbols.length) }
}

/** The corpus of a UTF-8 file, or of standard input where `path` is `-`. Throws GraphError where there is none. */
export async function readCorpus(path: string): Promise<Corpus> {
  const name = path === '-' ? 'standard input' : path
  return corpusOf(name, await readText(path))
}

/** The corpus of the TypeScript sources inside an installed package. Throws GraphError where it is not installed. */
export async function packageCorpus(name: string): Promise<Corpus> {
  return corpusOf(`the sources of ${name}`, await packageText(name, import.meta.url))
}

function refuseTrivial(name: string, text: string): void {
  const [first, ...others] = new Set(text)
  if (first === undefined)
    throw new Failure(`${name} is empty; a text to learn has at least two different symbols`)
  if (others.length === 0)
    throw new Failure(
      `${name} has no symbol but ${quoted(first)}; a text to learn has at least two different ones`,
    )
}
