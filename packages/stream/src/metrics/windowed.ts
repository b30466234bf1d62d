import { GraphError } from '@bptt/graph'
import { type Average, checkWeight } from './average.js'

/** State of `windowed`: the observations in the window, oldest first, and their weights. */
export interface WindowedState {
  readonly xs: readonly number[]
  readonly weights: readonly number[]
}

/**
 * The average of the last `events` events, and of those only; an observation of many events that reaches out of the window counts with
 * the part that is in it. Memory and time of an update are those of the observations in the window.
 *
 * @throws GraphError `bad-metric` when `events` is not a positive finite number
 */
export function windowed(events: number): Average<WindowedState> {
  if (!(events > 0 && events < Number.POSITIVE_INFINITY))
    throw new GraphError(
      'bad-metric',
      'windowed',
      `events is ${events}; it must be a positive number of events`,
    )
  const merge = (first: WindowedState, second: WindowedState): WindowedState =>
    last(events, [...first.xs, ...second.xs], [...first.weights, ...second.weights])
  return {
    init: () => ({ xs: [], weights: [] }),
    update(state, x, weight = 1) {
      checkWeight('windowed', weight)
      return weight === 0 ? state : merge(state, { xs: [x + 0], weights: [weight] }) // JSON has no −0
    },
    value({ xs, weights }) {
      const total = weights.reduce((sum, w) => sum + w, 0)
      return xs.reduce((sum, x, i) => sum + (x * weights[i]!) / total, 0) / (total > 0 ? 1 : Number.NaN)
    },
    merge,
  }
}

/** The last observations, of this weight together. */
function last(events: number, xs: readonly number[], weights: readonly number[]): WindowedState {
  let [first, left] = [xs.length, events]
  while (first > 0 && left > 0) left -= weights[--first]!
  const kept = weights.slice(first)
  if (left < 0) kept[0] = kept[0]! + left
  return { xs: xs.slice(first), weights: kept }
}
