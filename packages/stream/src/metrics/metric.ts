/**
 * A figure over a stream: pure functions on a state of plain data.
 *
 * A state is a value: JSON keeps it, bit for bit, as long as what was seen is finite. Folding one by one from `init()` and folding two
 * halves apart and merging them give the same value, up to rounding. `scan(metric.update, metric.init())` folds a stream of rxjs.
 */
export interface Metric<Seen, State, Value = number> {
  /** The state before anything was seen. */
  init(): State
  /** The state after `seen`; the one it gets is not changed. */
  update(state: State, seen: Seen): State
  /** The figure itself; NaN where nothing was seen. */
  value(state: State): Value
  /** The state of what `first` saw followed by what `second` saw. */
  merge(first: State, second: State): State
}

/** The same metric with another form of its value. */
export function valued<Seen, State, From, To>(
  metric: Metric<Seen, State, From>,
  form: (value: From) => To,
): Metric<Seen, State, To> {
  return { ...metric, value: state => form(metric.value(state)) }
}
