import { GraphError } from '@bptt/graph'

/**
 * A running number over a stream of observations: pure functions on a state of plain finite numbers.
 *
 * A state is a value: JSON keeps it, bit for bit, as long as the observations are finite. Folding
 * observations one by one from `init()` and folding two halves apart and merging them give the same value, up
 * to rounding.
 */
export interface Metric<State> {
  /** The state before any observation; its value is NaN. */
  init(): State
  /** The state after `x`, or after `weight` observations that average `x` (weight >= 0, default 1). */
  update(state: State, x: number, weight?: number): State
  /** The number itself, in the unit of the observations. */
  value(state: State): number
  /** The state of `first`'s observations followed by `second`'s. */
  merge(first: State, second: State): State
}

/**
 * State of `mean`: weight seen so far, the sum of weighted observations, and the rounding the sum has lost.
 */
export interface MeanState {
  readonly weight: number
  readonly sum: number
  readonly lost: number
}

/** Σ w x / Σ w, by Neumaier's compensated sum: the error does not grow with the number of observations. */
export function mean(): Metric<MeanState> {
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

/** One addition with its rounding error kept (Neumaier, 1974). */
function add({ sum, lost }: MeanState, x: number): { readonly sum: number; readonly lost: number } {
  const total = sum + x
  const rounding = Math.abs(sum) >= Math.abs(x) ? sum - total + x : x - total + sum
  return { sum: total, lost: lost + rounding }
}

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
 */
export function ewma(halfLife: number): Metric<EwmaState> {
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

function checkWeight(where: string, weight: number): void {
  if (weight >= 0 && weight < Number.POSITIVE_INFINITY) return
  throw new GraphError('bad-metric', where, `weight is ${weight}; it must be a number of events, 0 or more`)
}
