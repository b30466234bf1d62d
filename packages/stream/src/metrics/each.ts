import type { Metric } from './metric.js'

/**
 * A metric of single things as one of what holds many of them: `each(accuracy(mean()), report => report.predictions)`.
 */
export function each<Seen, One, State, Value>(
  metric: Metric<One, State, Value>,
  list: (seen: Seen) => Iterable<One>,
): Metric<Seen, State, Value> {
  return {
    ...metric,
    update(state, seen) {
      for (const one of list(seen)) state = metric.update(state, one)
      return state
    },
  }
}
