import { coin } from '@bptt/unroll'
import type { Sample } from '../../sample.js'
import { checkWhole, type Sequence, sequence, tabulated } from './sequence.js'

/** Sizes of the copy task. */
export interface CopyOptions {
  /** Different symbols; 8 where not given. */
  readonly symbols?: number
  /** Symbols to remember; 10 where not given. */
  readonly length?: number
  /** Steps between the last symbol and the first answer, ≥ 1. */
  readonly delay: number
  readonly seed?: number
}

/**
 * The copy task, one sequence after the other: `length` symbols, a blank `delay − 1` times, a mark, then blanks while the symbols are to be said again. Input: one-hot
 * [symbols + 2] (… blank, mark); target: a class in [0, symbols], blank until the answer [hochreiter-schmidhuber1997, arjovsky2016]. Saying blanks, then guessing,
 * costs length · ln(symbols) nats a sequence of 2 · length + delay steps.
 * @throws GraphError `bad-setting`.
 */
export function copyTask({ symbols = 8, length = 10, delay, seed = 0 }: CopyOptions): Sequence<Sample> {
  checkWhole('copyTask', 'symbols', symbols, 1)
  checkWhole('copyTask', 'length', length, 1)
  checkWhole('copyTask', 'delay', delay, 1)
  const [period, blank, mark] = [2 * length + delay, symbols, symbols + 1]
  const symbolAt = (which: number, place: number): number => Math.floor(coin(seed, place, which) * symbols)
  return tabulated('copyTask', t => {
    const [which, place] = [Math.floor(t / period), t % period]
    const said = place < length ? symbolAt(which, place) : place === length + delay - 1 ? mark : blank
    const answer = place - length - delay
    return {
      input: oneHot(said, symbols + 2),
      target: answer < 0 ? blank : symbolAt(which, answer),
      reset: place === 0,
    }
  })
}

/** Sizes of the adding problem. */
export interface AddingOptions {
  /** Steps of a sequence, ≥ 2. */
  readonly length: number
  readonly seed?: number
}

/**
 * The adding problem, one sequence after the other: inputs [number in [0, 1), mark]; one number of each half is marked, and the target of
 * the last step is the sum of the two. Other steps have weight 0. Answering 1 always costs 1/6 [hochreiter-schmidhuber1997].
 * @throws GraphError `bad-setting`.
 */
export function addingTask({ length, seed = 0 }: AddingOptions): Sequence<Sample> {
  checkWhole('addingTask', 'length', length, 2)
  const half = Math.floor(length / 2)
  const numberAt = (which: number, place: number): number => coin(seed, place + 2, which)
  return tabulated('addingTask', t => {
    const [which, place] = [Math.floor(t / length), t % length]
    const first = Math.floor(coin(seed, 0, which) * half)
    const second = half + Math.floor(coin(seed, 1, which) * (length - half))
    const last = place === length - 1
    return {
      input: [numberAt(which, place), place === first || place === second ? 1 : 0],
      target: [last ? numberAt(which, first) + numberAt(which, second) : 0],
      weight: last ? 1 : 0,
      reset: place === 0,
    }
  })
}

/** Sizes of the language aⁿbⁿ. */
export interface CountingOptions {
  /** n is uniform from `least` (1 where not given) … */
  readonly least?: number
  /** … to `most` (32 where not given). */
  readonly most?: number
  readonly seed?: number
}

/**
 * The words of aⁿbⁿ, one after the other, to be predicted symbol by symbol: input one-hot [3] (a, b, end), target the class of the next symbol. Only the
 * length of the run of a, the first b excepted, is left to chance [gers-schmidhuber2001].
 * @throws GraphError `bad-setting`.
 */
export function countingTask({ least = 1, most = 32, seed = 0 }: CountingOptions = {}): Sequence<Sample> {
  checkWhole('countingTask', 'least', least, 1)
  checkWhole('countingTask', 'most', most, least)
  return sequence('countingTask', function* (start) {
    let end = 0
    for (let word = 0; ; word++) {
      const n = least + Math.floor(coin(seed, 0, word) * (most - least + 1))
      const begin = end
      end += 2 * n + 1
      for (let t = Math.max(start, begin); t < end; t++)
        yield { input: oneHot(symbolOf(t - begin, n), 3), target: symbolOf((t - begin + 1) % (2 * n + 1), n) }
    }
  })
}

/** a, b or the end, by place in a word. */
const symbolOf = (place: number, n: number): number => (place < n ? 0 : place < 2 * n ? 1 : 2)

const oneHot = (id: number, size: number): readonly number[] =>
  Array.from({ length: size }, (_, k) => (k === id ? 1 : 0))
