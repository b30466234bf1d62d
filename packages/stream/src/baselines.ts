import { GraphError } from '@bptt/graph'

/**
 * Bits per symbol that models without memory, or with one symbol of it, need for a text; a yardstick for a
 * learned model.
 */
export interface TextBaselines {
  /** log2 of the number of symbols: knows nothing. */
  readonly uniform: number
  /** Knows how often each symbol occurs in this very text. */
  readonly unigram: number
  /** Knows how often each symbol follows each other symbol in this very text. */
  readonly bigram: number
}

/**
 * Bits per symbol of three fixed predictors, on the symbols 2 … N of a text: those that have one before them.
 *
 * `uniform` = log2(symbols), `unigram` = H(x_t) and `bigram` = H(x_t | x_{t-1}), the entropies of the counts
 * in this text. So `unigram` and `bigram` are the best static models of their kind fitted on the text they
 * are judged on. An online learner has seen none of it: to reach `bigram` in its prequential loss it must
 * know more than pairs. On a short text with many symbols both are flattered, down to 0 when every symbol is
 * new.
 *
 * All three average over the same N - 1 symbols, hence uniform >= unigram >= bigram >= 0. Divide nats by ln 2
 * to compare.
 *
 * @param ids the text, each an integer in [0, symbols)
 * @param symbols size of the alphabet
 * @throws GraphError `bad-text` when there are fewer than two ids, or an id is outside [0, symbols)
 */
export function textBaselines(ids: ArrayLike<number>, symbols: number): TextBaselines {
  check(ids, symbols)
  const before = new Float64Array(symbols)
  const here = new Float64Array(symbols)
  const pairs = new Map<number, number>()
  for (let t = 1; t < ids.length; t++) {
    const [from, to] = [ids[t - 1] as number, ids[t] as number]
    before[from] = (before[from] as number) + 1
    here[to] = (here[to] as number) + 1
    pairs.set(from * symbols + to, (pairs.get(from * symbols + to) ?? 0) + 1)
  }
  const steps = ids.length - 1
  let [unigram, bigram] = [0, 0]
  for (const count of here) unigram += bits(count, steps)
  for (const [pair, count] of pairs) bigram += bits(count, before[Math.floor(pair / symbols)] as number)
  return { uniform: Math.log2(symbols), unigram: unigram / steps, bigram: bigram / steps }
}

/** What `count` events of chance `count / total` cost together. */
function bits(count: number, total: number): number {
  return count === 0 ? 0 : count * Math.log2(total / count)
}

function check(ids: ArrayLike<number>, symbols: number): void {
  if (!Number.isSafeInteger(symbols) || symbols < 1)
    refuse(`symbols is ${symbols}; it is the size of an alphabet`)
  if (ids.length < 2) refuse(`the text has ${ids.length} symbols; a prediction needs two or more`)
  for (let t = 0; t < ids.length; t++) {
    const id = ids[t] as number
    if (Number.isInteger(id) && id >= 0 && id < symbols) continue
    refuse(`id ${id} at index ${t} stands for no symbol; ids go from 0 to ${symbols - 1}`)
  }
}

function refuse(detail: string): never {
  throw new GraphError('bad-text', 'textBaselines', detail)
}
