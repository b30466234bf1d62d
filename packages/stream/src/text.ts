import { GraphError } from '@bptt/graph'

/** The symbols of a character model in the order of their ids: symbol `i` has id `i`. */
export interface Alphabet {
  readonly symbols: readonly string[]
}

/**
 * The distinct code points of `text`, in the order of their code points.
 *
 * @throws GraphError `bad-text` when there are fewer than two: nothing could be predicted
 */
export function alphabetOf(text: string): Alphabet {
  const symbols = [...new Set(text)].sort((a, b) => point(a) - point(b))
  if (symbols.length >= 2) return { symbols }
  const found =
    symbols.length === 0 ? 'the text is empty' : `the text holds only ${show(symbols[0] as string)}`
  throw new GraphError('bad-text', 'alphabetOf', `${found}; an alphabet needs two symbols or more`)
}

/**
 * The ids of the symbols of `text`, one per code point, each in [0, symbols).
 *
 * @throws GraphError `bad-text` at the first symbol the alphabet lacks, with its index in `text`
 */
export function encodeText(alphabet: Alphabet, text: string): Uint32Array {
  const idOf = new Map(alphabet.symbols.map((symbol, id) => [symbol, id]))
  const ids = new Uint32Array(text.length)
  let [count, at] = [0, 0]
  for (const symbol of text) {
    const id = idOf.get(symbol)
    if (id === undefined) throw unknown(symbol, at, alphabet)
    ids[count++] = id
    at += symbol.length
  }
  return ids.slice(0, count)
}

function unknown(symbol: string, at: number, { symbols }: Alphabet): GraphError {
  const detail = `${show(symbol)} at index ${at} is not among the ${symbols.length} symbols of the alphabet`
  const hint = 'take the alphabet of all texts the model will read'
  return new GraphError('bad-text', 'encodeText', `${detail}; every symbol needs an id`, hint)
}

/**
 * The text that `ids` stand for: `decodeText(a, encodeText(a, text)) = text`.
 *
 * @throws GraphError `bad-text` at the first id that is not an integer in [0, symbols)
 */
export function decodeText(alphabet: Alphabet, ids: ArrayLike<number>): string {
  return Array.from(ids, (id, i) => {
    const symbol = alphabet.symbols[id]
    if (symbol !== undefined) return symbol
    const rule = `ids go from 0 to ${alphabet.symbols.length - 1}`
    throw new GraphError('bad-text', 'decodeText', `id ${id} at index ${i} stands for no symbol; ${rule}`)
  }).join('')
}

function point(symbol: string): number {
  return symbol.codePointAt(0) as number
}

function show(symbol: string): string {
  const number = point(symbol).toString(16).toUpperCase().padStart(4, '0')
  return `${JSON.stringify(symbol)} (U+${number})`
}
