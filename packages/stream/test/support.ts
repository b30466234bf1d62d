import { isTensor, leaves, type Tensor, type Tree } from '@bptt/graph'
import { coin, elman, lstm, withEmbedding, withReadout } from '@bptt/unroll'
import { from, type Observable, type OperatorFunction } from 'rxjs'
import type { Report, Sample } from '../src/index.js'

/** Numbers in (−1, 1) that depend on the seed alone. */
export const noise = (seed: number, length: number): number[] =>
  Array.from({ length }, (_, i) => 2 * coin(seed, 77, i) - 1)

/** Events of two numbers with one to predict; every `period`-th begins a new sequence. */
export function events(length: number, { seed = 1, period = Number.POSITIVE_INFINITY } = {}): Sample[] {
  return Array.from({ length }, (_, i) => {
    const [a, b, c] = noise(seed * 1000 + i, 3)
    return { input: [a!, b!], target: [c!], ...(i % period === period - 1 && { reset: true }) }
  })
}

/** Reads two numbers, says one. */
export const net = withReadout(lstm({ inputs: 2, hidden: 3 }), { outputs: 1 })

/** Reads symbols, says logits for them. */
export const speller = (symbols: number): typeof net =>
  withReadout(withEmbedding(elman({ inputs: 3, hidden: 4 }), { symbols }), { outputs: symbols })

/** Every number of a tree as the bits it has, by dotted name. */
export function bits(tree: unknown): Record<string, readonly bigint[]> {
  return Object.fromEntries(
    leaves<Tensor>(tree as Tree<Tensor>, isTensor, 'test').map(([name, { data }]) => [
      name,
      [...new BigInt64Array(data.slice().buffer)],
    ]),
  )
}

/** What a stream emits, and the error it ends with, where it does. */
export function collect(
  samples: Observable<Sample> | readonly Sample[],
  train: OperatorFunction<Sample, Report>,
): { readonly reports: Report[]; readonly error: unknown } {
  const reports: Report[] = []
  let error: unknown
  from(samples)
    .pipe(train)
    .subscribe({
      next: report => reports.push(report),
      error: thrown => {
        error = thrown
      },
    })
  return { reports, error }
}
