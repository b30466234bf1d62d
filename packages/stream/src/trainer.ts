import { GraphError, isTensor, leaves, showShape, type Tensor } from '@bptt/graph'
import {
  concat,
  concatMap,
  concatWith,
  defer,
  filter,
  from,
  map,
  type Observable,
  type OperatorFunction,
  of,
  throwError,
} from 'rxjs'
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
import { type Engine, learner } from './learner.js'
import { checkLanes, checkRow, rowOf } from './rows.js'
import type { Sample } from './sample.js'
import { initialState, PARTS, type Snapshot } from './state.js'
import { type StepOptions, setupOf } from './step.js'
import { type Report, type UpdateRule, updateRule } from './update.js'
import { Cutter, type Window } from './window.js'

/** What a trainer is made of. */
export interface TrainerOptions extends StepOptions, Engine {
  /** Draws the start parameters; a whole number ≥ 0. */
  readonly seed?: number
  /** Goes on from here instead. */
  readonly from?: Snapshot
}

/** Learns from a stream, one window at a time. Its events are samples; with `lanes`, a list of one sample per lane. */
export interface Trainer<Event = Sample> {
  /** One update by the reference engine: pure, the state it gets is not changed. */
  readonly step: UpdateRule
  /** The operator from events to reports, one per update. At the end of the stream the open window is learned from. */
  readonly train: () => OperatorFunction<Event, Report>
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
 * before the first event it has not learned from; a bad event is refused as it arrives, and the open window stays.
 *
 * With `lanes` it learns from so many sub-streams at once: an event is a list of one sample per lane, as `zip` of rxjs makes it. Their losses are added up, their carries are
 * their own, as are their resets and the coins of their schedules. An update is made as soon as every lane has ended a segment.
 *
 * @throws GraphError `bad-lanes`; `bad-snapshot` where `from` is of another model; later, in the stream, `bad-sample` and `not-finite`.
 */
export function trainer(options: TrainerOptions & { readonly lanes: number }): Trainer<readonly Sample[]>
export function trainer(options: TrainerOptions): Trainer
export function trainer(options: TrainerOptions): Trainer<never> {
  const { lanes, seed = 0 } = options
  checkLanes('trainer', lanes)
  const setup = setupOf(options)
  const start = initialState(setup, seed)
  if (options.from !== undefined) checkSnapshot(start, options.from)
  const { open, ...state } = options.from ?? start
  const own = learner(setup, options, state)
  const cutter = new Cutter(setup.estimator.cuts, open)
  const shapes = eventShapes(setup)
  let rule: UpdateRule | undefined
  let version = 0
  const take = (event: unknown): readonly Window[] => {
    const row = rowOf<Sample>(event, lanes, cutter.events + 1)
    checkRow(row, shapes, cutter.events + 1)
    return cutter.push(row)
  }
  const learn = (windows: readonly Window[]): Observable<Report> => {
    const reports: Report[] = []
    version += windows.length
    try {
      // all are learned from before the first is reported: unsubscribing in between loses no event
      for (const window of windows) reports.push(own.learn(window))
    } catch (error) {
      cutter.giveBack(windows.slice(reports.length))
      return concat(
        reports,
        throwError(() => error),
      )
    }
    return from(reports)
  }
  const snapshot = (): Snapshot => ({ ...own.state(), open: cutter.open })
  const origin = (from: Snapshot | undefined): Origin => {
    if (from === undefined) return { snapshot, version: () => version }
    checkSnapshot(start, from)
    return { snapshot: () => from, version: () => 0 }
  }
  const ground: Ground = { site: setup, engine: options, listed: lanes !== undefined }
  return {
    step: (state, window) => {
      rule ??= updateRule(setup)
      return rule(state, window)
    },
    train: () => events =>
      events.pipe(
        map(take),
        concatWith(defer(() => of(cutter.flush()))),
        filter(windows => windows.length > 0), // most events complete none, and pass no operator that costs
        concatMap(learn),
      ),
    predict: from => predicting(ground, origin(from)),
    evaluate: from => evaluating(ground, origin(from)),
    snapshot,
  }
}

function checkSnapshot(own: Snapshot, given: Snapshot): void {
  for (const part of PARTS) {
    const [known, found] = [own, given].map(
      state =>
        new Map(
          leaves<Tensor>(state[part] ?? {}, isTensor, part).map(([name, { shape }]) => [
            name,
            showShape(shape),
          ]),
        ),
    ) as [Map<string, string>, Map<string, string>]
    for (const name of new Set([...known.keys(), ...found.keys()]))
      if (known.get(name) !== found.get(name))
        throw new GraphError(
          'bad-snapshot',
          'trainer',
          `${part} '${name}' is ${found.get(name) ?? 'missing'} in the snapshot and ${known.get(name) ?? 'unknown'} here; a snapshot fits the model and optimiser it was made with`,
        )
  }
}
