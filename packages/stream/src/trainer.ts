import { concatMap, concatWith, defer, filter, map, type Observable, type OperatorFunction, of } from 'rxjs'
import { buffered } from './buffered.js'
import { eventShapes } from './estimator.js'
import {
  type Asked,
  type Evaluated,
  evaluating,
  type Ground,
  type Origin,
  type Predicted,
  predicting,
  type With,
} from './evaluation.js'
import { checkGuard, type GuardOptions, guarded } from './guard.js'
import { initialState } from './initial.js'
import { type Engine, learner } from './learner.js'
import { teaching, told } from './learning.js'
import { checkPace, type PaceOptions, paced } from './paced.js'
import { type Changed, checkSchema, checkSnapshot } from './restore.js'
import { checkLanes, checkRow, rowOf } from './rows.js'
import type { Sample } from './sample.js'
import { schemaOf } from './schema.js'
import type { Schema, Snapshot } from './state.js'
import { type StepOptions, setupOf } from './step.js'
import { type Report, type UpdateRule, updateRule } from './update.js'
import { Cutter, type Window } from './window.js'

/**
 * What a trainer is made of.
 * @category Start here
 */
export interface TrainerOptions extends StepOptions, Engine, GuardOptions {
  /** Draws the start parameters; a whole number ≥ 0. */
  readonly seed?: number
  /** Goes on from here instead. */
  readonly from?: Snapshot
  /** Parts that are meant to be others than those that `from` was made with: another learning rate, another schedule. */
  readonly changed?: readonly Changed[]
}

/**
 * Learns from a stream, one window at a time. Its events are samples; with `lanes`, a list of one sample per lane.
 * @category Start here
 */
export interface Trainer<Event = Sample> {
  /** One update by the reference engine: pure, the state it gets is not changed. */
  readonly step: UpdateRule
  /**
   * The operator from events to reports, one per update. At the end of the stream the open window is learned from. It learns as an event
   * comes; with `yieldEvery`, in turns of so many milliseconds, between which the event loop does its other work. What comes meanwhile
   * waits, however much it is: `buffered` before it sets a bound.
   */
  readonly train: (pace?: PaceOptions) => OperatorFunction<Event, Report>
  /**
   * Learns from what can be waited for: a file, an async iterator, an array. The next event is read when the one before has been learned
   * from or is in the open window, so nothing is read ahead; the event loop gets its turn every `yieldEvery` ms, 8 where not given.
   */
  readonly trainOn: (source: Iterable<Event> | AsyncIterable<Event>, pace?: PaceOptions) => Observable<Report>
  /**
   * The operator that adds to every event what the model says of it, `output`, without learning: with the parameters as they are when
   * the event comes, also while the trainer goes on learning. Its carry is its own and goes on from behind the last event that the
   * trainer has taken, or, with its parameters, from a snapshot. Targets need not be known.
   */
  readonly predict: <E extends Asked<Event>>(from?: Snapshot) => OperatorFunction<E, With<E, Predicted>>
  /** As `predict`, and adds the `loss` of the event: what metrics read. A stream of its own begins with `reset: true`. */
  readonly evaluate: <E extends Event>(from?: Snapshot) => OperatorFunction<E, With<E, Evaluated>>
  /** The trainer's state as it is now, a value. */
  readonly snapshot: () => Snapshot
}

/**
 * A trainer: online gradient descent on a stream, test-then-train.
 *
 * Each window's losses are computed before the update they lead to. Parameters change at every cut, so across windows the gradient
 * is that of the usual online approximation. A trainer has one state; subscribe to one `train()` at a time. After an error it stands
 * before the first event it has not learned from; a bad event is refused as it arrives, and the open window stays. An update that would not be
 * finite is never made; `notFinite` says what happens then.
 *
 * With `lanes` it learns from so many sub-streams at once: an event is a list of one sample per lane, as `zip` of rxjs makes it. Their losses are added up, their carries are
 * their own, as are their resets and the coins of their schedules. An update is made as soon as every lane has ended a segment.
 *
 * @throws GraphError `bad-lanes`, `bad-setting`; `bad-snapshot` where `from` is of another model, loss, optimiser or estimator, or broken; later, in the stream, `bad-sample` and `not-finite`.
 * @category Start here
 */
export function trainer(options: TrainerOptions & { readonly lanes: number }): Trainer<readonly Sample[]>
export function trainer(options: TrainerOptions): Trainer
export function trainer(options: TrainerOptions): Trainer<never> {
  const { lanes, seed = 0 } = options
  checkLanes('trainer', lanes)
  checkGuard(options)
  const setup = setupOf(options)
  const start = initialState(setup, seed)
  const shapes = eventShapes(setup)
  let schema: Schema | undefined
  const ownSchema = (): Schema => (schema ??= schemaOf(setup))
  if (options.from !== undefined) {
    checkSnapshot(start, options.from, shapes)
    checkSchema('trainer', ownSchema(), options.from.schema, options.changed ?? [])
  }
  const { params, slots, carry, memory, counters, open, kept } = options.from ?? start
  const own = guarded(learner(setup, options, { params, slots, carry, memory, counters }), options, kept)
  const teach = teaching(setup, options, own)
  const cutter = new Cutter(setup.estimator.cuts, open)
  let rule: UpdateRule | undefined
  let version = 0
  const take = (event: unknown): readonly Window[] => {
    const row = rowOf<Sample>(event, lanes, cutter.events + 1)
    checkRow(row, shapes, cutter.events + 1)
    return cutter.push(row)
  }
  const learn = (windows: readonly Window[]): Observable<Report> => {
    version += windows.length
    return told(teach(cutter, windows))
  }
  const train = (events: Observable<unknown>): Observable<Report> =>
    events.pipe(
      map(take),
      concatWith(defer(() => of(cutter.flush()))),
      filter(windows => windows.length > 0), // most events complete none, and pass no operator that costs
      concatMap(learn),
    )
  const snapshot = (): Snapshot => {
    const kept = own.kept()
    return { ...own.state(), open: cutter.open, schema: ownSchema(), ...(kept.length > 0 && { kept }) }
  }
  const origin = (from: Snapshot | undefined): Origin => {
    if (from === undefined) return { snapshot, version: () => version }
    checkSnapshot(start, from, shapes)
    return { snapshot: () => from, version: () => 0 }
  }
  const ground: Ground = { site: setup, engine: options, listed: lanes !== undefined }
  return {
    step: (state, window) => {
      rule ??= updateRule(setup)
      return rule(state, window)
    },
    train: pace => inTurns(pace, train),
    trainOn: (source, { yieldEvery = 8 } = {}) => {
      checkPace({ yieldEvery })
      return train(paced(source, yieldEvery))
    },
    predict: from => predicting(ground, origin(from)),
    evaluate: from => evaluating(ground, origin(from)),
    snapshot,
  }
}

/** Training in turns, where they are asked for; else it costs nothing. */
function inTurns<E>(
  { yieldEvery }: PaceOptions = {},
  train: OperatorFunction<E, Report>,
): OperatorFunction<E, Report> {
  if (yieldEvery === undefined) return train
  checkPace({ yieldEvery })
  const turns = buffered<object>({ size: Number.MAX_SAFE_INTEGER, policy: 'block', yieldEvery })
  return events => train(turns(events as Observable<object>) as Observable<E>)
}
