import { GraphError } from '@bptt/graph'
import { type Average, checkWeight } from './average.js'

/** State of `ewma`: events seen so far, and the sum of observations weighted by age. */
export interface EwmaState {
  readonly events: number
  readonly sum: number
}

/**
 * An average that forgets: an observation `halfLife` events old counts half as much as one of now.
 *
 * Divided by the weight actually seen, 1 - 2^(-events / halfLife), so it is right from the first event on.
 *
 * @throws GraphError `bad-metric` when `halfLife` is not a positive finite number of events
 * @category Start here
 */
export function ewma(halfLife: number): Average<EwmaState> {
  if (!(halfLife > 0 && halfLife < Number.POSITIVE_INFINITY)) {
    throw new GraphError(
      'bad-metric',
      'ewma',
      `halfLife is ${halfLife}; it must be a positive number of events`,
    )
  }
  const rate = Math.LN2 / halfLife
  const seen = (events: number) => -Math.expm1(-rate * events)
  const merge = (first: EwmaState, second: EwmaState): EwmaState => ({
    events: first.events + second.events,
    sum: first.sum * Math.exp(-rate * second.events) + second.sum,
  })
  return {
    init: () => ({ events: 0, sum: 0 }),
    update(state, x, weight = 1) {
      checkWeight('ewma', weight)
      return merge(state, { events: weight, sum: x * seen(weight) })
    },
    value: ({ events, sum }) => sum / seen(events),
    merge,
  }
}
