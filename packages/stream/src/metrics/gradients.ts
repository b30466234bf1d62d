import { type Average, averageOf } from './average.js'
import type { Metric } from './metric.js'

/** A report that says whether its window was passed over. */
interface Made {
  readonly notFinite?: unknown
}

/** The average, over updates, of the global norm of the gradient before clipping. */
export function gradientNorm<State>(
  average: Average<State>,
): Metric<{ readonly gradientNorm: number } & Made, State> {
  return averageOf(average, seen => seen.gradientNorm, made)
}

/** The share of updates whose gradient was clipped, in [0, 1]. */
export function clipRate<State>(
  average: Average<State>,
): Metric<{ readonly clipped: boolean } & Made, State> {
  return averageOf(average, seen => (seen.clipped ? 1 : 0), made)
}

/** Weight of a report: none where no update was made. */
const made = ({ notFinite }: Made): number => (notFinite === undefined ? 1 : 0)
