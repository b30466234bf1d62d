import { GraphError } from '@bptt/graph'
import { map, type OperatorFunction } from 'rxjs'
import type { Sample } from '../sample.js'

/** Count, means and sums of squared deviations of vectors, column by column. Plain data, JSON keeps it. */
export interface Moments {
  readonly count: number
  readonly mean: readonly number[]
  readonly squares: readonly number[]
}

/** The moments of no vector of this width. */
export function noMoments(width: number): Moments {
  return { count: 0, mean: new Array<number>(width).fill(0), squares: new Array<number>(width).fill(0) }
}

/** The moments with one vector more [welford1962]. */
export function observe({ count, mean, squares }: Moments, x: ArrayLike<number>): Moments {
  const n = count + 1
  const after = mean.map((m, i) => m + (x[i]! - m) / n)
  return {
    count: n,
    mean: after,
    squares: squares.map((s, i) => s + (x[i]! - mean[i]!) * (x[i]! - after[i]!)),
  }
}

/** The moments of the vectors of both [chan1979]. */
export function mergeMoments(a: Moments, b: Moments): Moments {
  const count = a.count + b.count
  if (a.count === 0 || b.count === 0) return a.count === 0 ? b : a
  const apart = a.mean.map((m, i) => b.mean[i]! - m)
  return {
    count,
    mean: a.mean.map((m, i) => m + (apart[i]! * b.count) / count),
    squares: a.squares.map((s, i) => s + b.squares[i]! + (apart[i]! ** 2 * a.count * b.count) / count),
  }
}

/** Population variance by column; 0 where fewer than two vectors were seen. */
export function variances({ count, squares }: Moments): readonly number[] {
  return squares.map(s => (count < 2 ? 0 : s / count))
}

/** How to standardise. */
export interface StandardizeOptions {
  /** Numbers of a vector. */
  readonly width: number
  /** Added to the variance, ≥ 0; 1e-8 where not given. */
  readonly epsilon?: number
  /** Goes on from here. */
  readonly from?: Moments
}

/** Brings vectors to mean 0 and variance 1 as they come. Its state is a value. */
export interface Standardizer {
  /** Vectors to standardised ones. */
  readonly values: () => OperatorFunction<ArrayLike<number>, readonly number[]>
  /** Events with their inputs standardised. */
  readonly inputs: <S extends Sample>() => OperatorFunction<S, S>
  /** One vector more: its standardised value. */
  readonly next: (x: ArrayLike<number>) => readonly number[]
  /** Back to the unit of the data: x for its standardised value z. */
  readonly invert: (z: ArrayLike<number>) => readonly number[]
  /** What it has seen. */
  readonly moments: () => Moments
}

/**
 * Online normalisation: (x − mean) / √(variance + epsilon), with the moments of all vectors so far, x included; nothing of the future is used. One state: all
 * streams that run through it are one.
 * @throws GraphError `bad-setting`, `bad-snapshot`; in the stream `bad-sample` for a vector of another width or with a number that is not finite; it does not count.
 */
export function standardizer({
  width,
  epsilon = 1e-8,
  from = noMoments(width),
}: StandardizeOptions): Standardizer {
  checkStandardizer(width, epsilon, from)
  let state = from
  const next = (x: ArrayLike<number>): readonly number[] => {
    checkVector(x, width, state.count + 1)
    state = observe(state, x)
    const variance = variances(state)
    return state.mean.map((m, i) => (x[i]! - m) / Math.sqrt(variance[i]! + epsilon))
  }
  return {
    next,
    values: () => map(next),
    inputs: () => map(sample => ({ ...sample, input: next(vectorOf(sample.input)) })),
    invert: z => {
      const variance = variances(state)
      return state.mean.map((m, i) => m + z[i]! * Math.sqrt(variance[i]! + epsilon))
    },
    moments: () => state,
  }
}

const vectorOf = (value: Sample['input']): ArrayLike<number> => (typeof value === 'number' ? [value] : value)

function checkStandardizer(width: number, epsilon: number, from: Moments): void {
  if (!Number.isSafeInteger(width) || width < 1)
    throw new GraphError('bad-setting', 'standardizer', `width is ${width}; it is a whole number ≥ 1`)
  if (!(epsilon >= 0 && epsilon < Number.POSITIVE_INFINITY))
    throw new GraphError('bad-setting', 'standardizer', `epsilon is ${epsilon}; it is a finite number ≥ 0`)
  if (from.mean.length !== width || from.squares.length !== width)
    throw new GraphError(
      'bad-snapshot',
      'standardizer',
      `from is of vectors of ${from.mean.length}; the width is ${width}`,
    )
}

function checkVector(x: ArrayLike<number>, width: number, count: number): void {
  const odd = x.length === width ? Array.from(x).find(value => !Number.isFinite(value)) : undefined
  if (x.length === width && odd === undefined) return
  const what = x.length === width ? `holds ${odd}` : `is a vector of ${x.length}`
  throw new GraphError('bad-sample', `vector ${count}`, `${what}; vectors are ${width} finite numbers`)
}
