import { type Average, checkWeight } from './average.js'

/** State of `mean`: weight seen so far, the sum of weighted observations, and the rounding the sum has lost. */
export interface MeanState {
  readonly weight: number
  readonly sum: number
  readonly lost: number
}

/**
 * Σ w x / Σ w, by Neumaier's compensated sum: the error does not grow with the number of observations.
 * @category Start here
 */
export function mean(): Average<MeanState> {
  return {
    init: () => ({ weight: 0, sum: 0, lost: 0 }),
    update(state, x, weight = 1) {
      checkWeight('mean', weight)
      return { ...add(state, x * weight), weight: state.weight + weight }
    },
    value: ({ weight, sum, lost }) => (Number.isFinite(sum) ? sum + lost : sum) / weight,
    merge(first, second) {
      const { sum, lost } = add(first, second.sum)
      return { weight: first.weight + second.weight, sum, lost: lost + second.lost }
    },
  }
}

/** One addition with its rounding error kept [neumaier1974]. */
function add({ sum, lost }: MeanState, x: number): { readonly sum: number; readonly lost: number } {
  const total = sum + x
  const rounding = Math.abs(sum) >= Math.abs(x) ? sum - total + x : x - total + sum
  return { sum: total, lost: lost + rounding }
}
