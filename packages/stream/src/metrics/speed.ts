import { asyncScheduler, map, type OperatorFunction, type SchedulerLike, timeInterval } from 'rxjs'
import { type Average, averageOf } from './average.js'
import { type Metric, valued } from './metric.js'

/** What comes some time after what came before it. */
export interface Timed {
  /** Seconds since the one before, or since the subscription. */
  readonly elapsed: number
}

/** Adds to each report the time it took, for `eventsPerSecond`: metrics read no clock. */
export function timed<Seen extends object>(
  scheduler: SchedulerLike = asyncScheduler,
): OperatorFunction<Seen, Seen & Timed> {
  return reports =>
    reports.pipe(
      timeInterval(scheduler),
      map(({ value, interval }) => ({ ...value, elapsed: Math.max(0, interval) / 1000 })),
    )
}

/** Events learned from per second of the wall clock. */
export function eventsPerSecond<State>(
  average: Average<State>,
): Metric<Timed & { readonly length: number }, State> {
  const secondsPerEvent = averageOf(
    average,
    ({ elapsed, length }: Timed & { readonly length: number }) => (length === 0 ? 0 : elapsed / length),
    ({ length }) => length,
  )
  return valued(secondsPerEvent, seconds => 1 / seconds)
}
