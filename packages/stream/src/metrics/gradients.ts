import { type Average, averageOf } from './average.js'
import type { Metric } from './metric.js'

/** The average, over updates, of the global norm of the gradient before clipping. */
export function gradientNorm<State>(
  average: Average<State>,
): Metric<{ readonly gradientNorm: number }, State> {
  return averageOf(average, seen => seen.gradientNorm)
}

/** The share of updates whose gradient was clipped, in [0, 1]. */
export function clipRate<State>(average: Average<State>): Metric<{ readonly clipped: boolean }, State> {
  return averageOf(average, seen => (seen.clipped ? 1 : 0))
}
