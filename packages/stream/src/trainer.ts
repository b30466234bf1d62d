import { GraphError, isTensor, type Loss, leaves, showShape, type Tensor } from '@bptt/graph'
import type { Cell, Schedule } from '@bptt/unroll'
import {
  concat,
  concatMap,
  endWith,
  from,
  map,
  type Observable,
  type OperatorFunction,
  throwError,
} from 'rxjs'
import { type Engine, learner } from './learner.js'
import type { Optimizer } from './optimiser.js'
import { checkValue, type Sample } from './sample.js'
import { initialState, type Snapshot } from './state.js'
import type { StepOptions } from './step.js'
import { type Report, targetShape, type UpdateRule, updateRule } from './update.js'
import { Cutter, START, type Window } from './window.js'

/** What a trainer is made of. */
export interface TrainerOptions extends Engine {
  readonly model: Cell
  readonly loss: Loss
  /** How credit passes back through time; the stream is cut into windows where it cuts. */
  readonly estimator: Schedule
  readonly optimizer: Optimizer
  /** Draws the start parameters; a whole number ≥ 0. */
  readonly seed?: number
  /** Goes on from here instead. */
  readonly from?: Snapshot
}

/** Learns from a stream, one window at a time. */
export interface Trainer {
  /** One update by the reference engine: pure, the state it gets is not changed. */
  readonly step: UpdateRule
  /** The operator from events to reports, one per update. At the end of the stream the open window is learned from. */
  readonly train: () => OperatorFunction<Sample, Report>
  /** The trainer's state as it is now, a value. */
  readonly snapshot: () => Snapshot
}

/**
 * A trainer: online gradient descent on a stream, test-then-train.
 *
 * Each window's losses are computed before the update they lead to. Parameters change at every cut, so across windows the gradient
 * is that of the usual online approximation. A trainer has one state; subscribe to one `train()` at a time. After an error it stands
 * before the first event it has not learned from; a bad event is refused as it arrives, and the open window stays.
 *
 * @throws GraphError `bad-snapshot` where `from` is of another model; later, in the stream, `bad-sample` and `not-finite`.
 */
export function trainer(options: TrainerOptions): Trainer {
  const { model, optimizer, estimator, seed = 0 } = options
  const start = initialState(model, optimizer, seed)
  if (options.from !== undefined) checkSnapshot(start, options.from)
  const { params, slots, carry, counters, open } = options.from ?? start
  const own = learner(options, { params, slots, carry, counters })
  let cutter = new Cutter(estimator, open)
  const take = (sample: Sample): readonly Window[] => {
    checkSample(options, sample, () => `event ${cutter.events + 1}`)
    return cutter.push(sample)
  }
  const learn = (windows: readonly Window[]): Observable<Report> => {
    const reports: Report[] = []
    try {
      // all are learned from before the first is reported: unsubscribing in between loses no event
      for (const window of windows) reports.push(own.learn(window))
    } catch (error) {
      const fresh = windows.some(window => window.fresh)
      cutter = new Cutter(estimator, { ...START, fresh, t: own.state().counters.events })
      return concat(
        reports,
        throwError(() => error),
      )
    }
    return from(reports)
  }
  return {
    step: updateRule(options),
    train: () => samples =>
      samples.pipe(
        map(sample => () => take(sample)),
        endWith(() => cutter.flush()),
        concatMap(cut => learn(cut())),
      ),
    snapshot: () => ({ ...own.state(), open: cutter.open }),
  }
}

/** Refuses an event as it arrives, before it enters a window. */
function checkSample(options: StepOptions, { input, target }: Sample, where: () => string): void {
  checkValue(input, options.model.input, 'input', where)
  checkValue(target, targetShape(options), 'target', where)
}

function checkSnapshot(own: Snapshot, given: Snapshot): void {
  for (const part of ['params', 'slots', 'carry'] as const) {
    const known = new Map(
      leaves<Tensor>(own[part], isTensor, part).map(([name, value]) => [name, showShape(value.shape)]),
    )
    const found = new Map(
      leaves<Tensor>(given[part], isTensor, part).map(([name, value]) => [name, showShape(value.shape)]),
    )
    for (const name of new Set([...known.keys(), ...found.keys()]))
      if (known.get(name) !== found.get(name))
        throw new GraphError(
          'bad-snapshot',
          'trainer',
          `${part} '${name}' is ${found.get(name) ?? 'missing'} in the snapshot and ${known.get(name) ?? 'unknown'} here; a snapshot fits the model and optimiser it was made with`,
        )
  }
}
