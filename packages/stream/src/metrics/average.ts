import { GraphError } from '@bptt/graph'
import type { Metric } from './metric.js'

/** A running average of numbers: what metrics are made of. Pure functions on a state of plain finite numbers. */
export interface Average<State> {
  /** The state before any observation; its value is NaN. */
  init(): State
  /** The state after `x`, or after `weight` observations that average `x` (weight >= 0, default 1). */
  update(state: State, x: number, weight?: number): State
  /** The average itself, in the unit of the observations. */
  value(state: State): number
  /** The state of `first`'s observations followed by `second`'s. */
  merge(first: State, second: State): State
}

/**
 * A metric of one's own: the average of a number read off what is seen.
 * @param weigh how many observations it stands for; 1 where not given.
 * @example averageOf(ewma(100), (report: Report) => report.gradientNorm)
 */
export function averageOf<Seen, State>(
  average: Average<State>,
  read: (seen: Seen) => number,
  weigh: (seen: Seen) => number = () => 1,
): Metric<Seen, State> {
  const { init, value, merge } = average
  return { init, value, merge, update: (state, seen) => average.update(state, read(seen), weigh(seen)) }
}

/** @throws GraphError `bad-metric` where a weight is not a number ≥ 0. */
export function checkWeight(where: string, weight: number): void {
  if (weight >= 0 && weight < Number.POSITIVE_INFINITY) return
  throw new GraphError('bad-metric', where, `weight is ${weight}; it must be a number of events, 0 or more`)
}
