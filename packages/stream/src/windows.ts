import type { Schedule } from '@bptt/unroll'
import { concatWith, defer, mergeMap, type OperatorFunction } from 'rxjs'
import type { Estimator } from './estimator.js'
import { estimatorOf } from './estimators/segments.js'
import { checkLanes, rowOf } from './rows.js'
import type { Sample } from './sample.js'
import { Cutter, type Cutting, startCutting, type Window } from './window.js'

/** How a stream is cut into windows. */
export interface WindowsOptions {
  /** Parallel sub-streams: an event is a list of one sample per lane. */
  readonly lanes?: number
  /** Goes on from here, as a snapshot's `open` says. */
  readonly from?: Cutting
}

/**
 * Cuts events into the windows that a trainer with this estimator learns from, one after the other: `trainer.step` takes them. What
 * is open at the end of the stream is the last window. Every subscription cuts anew. Nothing is learned, so an estimator that adapts
 * cuts as it does at first.
 *
 * @example
 * events.pipe(windows(every(10)), scan(([state], window) => online.step(state, window), [online.snapshot()]))
 * @throws GraphError `bad-lanes`; later, in the stream, `bad-sample` where an event is no list of one sample per lane.
 * @category Start here
 */
export function windows(
  estimator: Schedule | Estimator,
  options: WindowsOptions & { readonly lanes: number },
): OperatorFunction<readonly Sample[], Window>
export function windows(
  estimator: Schedule | Estimator,
  options?: WindowsOptions,
): OperatorFunction<Sample, Window>
export function windows(
  estimator: Schedule | Estimator,
  { lanes, from }: WindowsOptions = {},
): OperatorFunction<never, Window> {
  checkLanes('windows', lanes)
  const { cuts } = estimatorOf(estimator)
  return events =>
    defer(() => {
      const cutter = new Cutter(cuts, from ?? startCutting(cuts, lanes))
      return events.pipe(
        mergeMap(event => cutter.push(rowOf<Sample>(event, lanes, cutter.events + 1))),
        concatWith(defer(() => cutter.flush())),
      )
    })
}
