import {
  adam,
  averageOf,
  bptt,
  chain,
  clipByGlobalNorm,
  ewma,
  nextStep,
  type Report,
  squaredError,
  tracker,
  trainer,
} from '@bptt/stream'
import { gru, withReadout } from '@bptt/unroll'
import { filter, map, type OperatorFunction, tap } from 'rxjs'

/** An event whose value was not to be expected. */
export interface Alarm {
  /** The place of the value in the stream, from 1. */
  readonly at: number
  /** How many times the usual error of a prediction it was off. */
  readonly score: number
}

/** Settings of a detector. */
export interface DetectorOptions {
  /** Values to learn from before the first alarm. */
  readonly warmUp: number
  /** Least score of an alarm. */
  readonly threshold: number
}

/**
 * Alarms for a series of one sensor: a GRU predicts each value from those before it and learns from it afterwards, online. The score is the prediction's
 * squared error, met before the update, over its running mean; alarms do not count into that mean.
 */
export function detector({ warmUp, threshold }: DetectorOptions): OperatorFunction<readonly number[], Alarm> {
  const online = trainer({
    model: withReadout(gru({ inputs: 1, hidden: 12 }), { outputs: 1 }),
    loss: squaredError,
    estimator: bptt({ h: 20 }), // an update, and so a report, for every event
    optimizer: chain(clipByGlobalNorm(1), adam(3e-3)),
    flavour: 'portable',
    seed: 2,
  })
  const usual = tracker(averageOf(ewma(300), ({ loss }: Report) => loss))
  return values =>
    values.pipe(
      nextStep(),
      online.train(),
      map(report => ({
        report,
        at: report.events + 1,
        score: report.events < 2 ? 0 : report.loss / usual.value(),
      })),
      tap(({ report, score, at }) => {
        if (at <= warmUp || score < threshold) usual.update(report)
      }),
      filter(({ at, score }) => at > warmUp && score >= threshold),
      map(({ at, score }) => ({ at, score })),
    )
}
