import type { Metric } from './metric.js'

/** A metric that holds its state, for where nothing else does. */
export interface Tracker<Seen, State, Value> {
  /** Takes in one observation. */
  readonly update: (seen: Seen) => void
  /** The figure so far. */
  readonly value: () => Value
  /** Takes in what another one saw after this one. */
  readonly merge: (after: State) => void
  /** Forgets all it has seen. */
  readonly reset: () => void
  /** Plain data, to keep in JSON and go on from. */
  readonly state: () => State
}

/** Follows a metric, from a state where one is given. */
export function tracker<Seen, State, Value>(
  metric: Metric<Seen, State, Value>,
  from: State = metric.init(),
): Tracker<Seen, State, Value> {
  let state = from
  return {
    update: seen => {
      state = metric.update(state, seen)
    },
    value: () => metric.value(state),
    merge: after => {
      state = metric.merge(state, after)
    },
    reset: () => {
      state = metric.init()
    },
    state: () => state,
  }
}
