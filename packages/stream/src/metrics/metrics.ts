import type { Metric } from './metric.js'

/** Metrics by name. */
export type MetricRecord = Readonly<Record<string, Metric<never, unknown, unknown>>>

/** What all of these metrics read, in one. */
export type SeenBy<M extends MetricRecord> = (
  M[keyof M] extends infer Each
    ? Each extends Metric<infer Seen, infer _S, infer _V>
      ? (seen: Seen) => void
      : never
    : never
) extends (seen: infer All) => void
  ? All
  : never

/** Their states, by name. */
export type StatesOf<M extends MetricRecord> = { readonly [K in keyof M]: ReturnType<M[K]['init']> }

/** Their values, by name. */
export type ValuesOf<M extends MetricRecord> = { readonly [K in keyof M]: ReturnType<M[K]['value']> }

/**
 * Several metrics as one: reports in, a record of figures out.
 *
 * A state that lacks a name, as one saved before that metric was asked for, goes on with it as new.
 *
 * @example
 * const seen = metrics({ loss: prequentialLoss(mean()), lately: bitsPerCharacter(ewma(1000)), clipped: clipRate(mean()) })
 * reports.pipe(scan(seen.update, seen.init()), map(seen.value)) // { loss, lately, clipped } after every report
 * @category Start here
 */
export function metrics<M extends MetricRecord>(record: M): Metric<SeenBy<M>, StatesOf<M>, ValuesOf<M>> {
  const all = Object.entries(record) as [string, Metric<unknown, unknown, unknown>][]
  const by = <R>(make: (metric: Metric<unknown, unknown, unknown>, name: string) => unknown): R =>
    Object.fromEntries(all.map(([name, metric]) => [name, make(metric, name)])) as R
  const known = (states: StatesOf<M>, name: string, metric: Metric<unknown, unknown, unknown>): unknown =>
    Object.hasOwn(states, name) ? states[name] : metric.init()
  return {
    init: () => by(metric => metric.init()),
    update: (states, seen) => by((metric, name) => metric.update(known(states, name, metric), seen)),
    value: states => by((metric, name) => metric.value(known(states, name, metric))),
    merge: (first, second) =>
      by((metric, name) => metric.merge(known(first, name, metric), known(second, name, metric))),
  }
}
