import { add, isTensor, leaves, mul, type Ref, type Tensor, type Tree } from '@bptt/graph'
import { coin, elman, lstm, withEmbedding, withReadout } from '@bptt/unroll'
import { from, type Observable, type OperatorFunction } from 'rxjs'
import { expect } from 'vitest'
import type { Optimizer, Report, Sample } from '../src/index.js'
import { zip } from '../src/optimiser.js'

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
export function collect<E = Sample>(
  samples: Observable<E> | readonly E[],
  train: OperatorFunction<E, Report>,
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

/** Leaves parameters as they are, and adds up the gradients it gets in its slots. */
export const accumulate: Optimizer = {
  text: 'accumulate',
  slots: params => ({ sum: params }),
  update(gradients, { slots }) {
    const { sum } = slots as { sum: Tree<Ref> }
    return {
      updates: zip([gradients], g => mul(g, 0)),
      slots: { sum: zip([sum, gradients], (total, g) => add(total, g)) },
    }
  },
}

/** Every number of a tree, by dotted name. */
export const numbersOf = (tree: unknown): ReadonlyMap<string, readonly number[]> =>
  new Map(leaves<Tensor>(tree as Tree<Tensor>, isTensor, 'test').map(([name, { data }]) => [name, [...data]]))

/** Expects trees of tensors to have the same names and, to `digits` relative to 1 or the larger, the same numbers. */
export function expectClose(found: unknown, wanted: unknown, within = 1e-11): void {
  const [a, b] = [numbersOf(found), numbersOf(wanted)]
  expect([...a.keys()]).toEqual([...b.keys()])
  for (const [name, values] of a)
    values.forEach((x, i) => {
      const y = b.get(name)![i]!
      const gap = Math.abs(x - y) / Math.max(1, Math.abs(x), Math.abs(y))
      if (!(gap <= within)) throw new Error(`${name}[${i}] is ${x}, wanted ${y}`)
    })
}

/** Events of a source that fails after them: the window stays open. */
export function stopped<T>(rows: readonly T[]): readonly T[] {
  function* source(): Generator<T> {
    yield* rows
    throw new Error('stop')
  }
  return source() as unknown as readonly T[]
}

/** A value of plain data and tensors as it comes back from JSON text, bit for bit. */
export const throughJson = <T>(value: T): T => JSON.parse(JSON.stringify(value, pack), unpack)

const pack = (_key: string, value: unknown): unknown =>
  value instanceof Float64Array ? { floats: [...value] } : value
const unpack = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'floats' in value
    ? Float64Array.from(value.floats as number[])
    : value
