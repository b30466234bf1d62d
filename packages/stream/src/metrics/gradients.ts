import { type Average, averageOf } from './average.js'
import type { Metric } from './metric.js'

/** What a report says of the gradient of an update. */
export interface SeenNorm {
  readonly gradientNorm: number
  /** Where no update was made. */
  readonly notFinite?: unknown
}

/** What a report says of clipping. */
export interface SeenClip {
  readonly clipped: boolean
  /** Where no update was made. */
  readonly notFinite?: unknown
}

/** The average, over updates, of the global norm of the gradient before clipping. */
export function gradientNorm<State>(average: Average<State>): Metric<SeenNorm, State> {
  return averageOf(average, (seen: SeenNorm) => seen.gradientNorm, made)
}

/** The share of updates whose gradient was clipped, in [0, 1]. */
export function clipRate<State>(average: Average<State>): Metric<SeenClip, State> {
  return averageOf(average, (seen: SeenClip) => (seen.clipped ? 1 : 0), made)
}

/** Weight of a report: none where no update was made. */
const made = (seen: { readonly notFinite?: unknown }): number => (seen.notFinite === undefined ? 1 : 0)
