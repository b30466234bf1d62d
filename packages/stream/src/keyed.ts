import { GraphError, isTensor, leaves, type Tensor } from '@bptt/graph'
import { concatMap, concatWith, defer, filter, from, map, type OperatorFunction } from 'rxjs'
import { eventShapes } from './estimator.js'
import {
  type Evaluated,
  evaluations,
  type Kind,
  type Origin,
  type Predicted,
  predictions,
  type Question,
} from './evaluation.js'
import { checkGuard, guarded } from './guard.js'
import { initialState } from './initial.js'
import { answeringKeys } from './keyed/following.js'
import { checkKey, keyName, withKey } from './keyed/keys.js'
import { checkKeyed } from './keyed/restore.js'
import type { KeyedSnapshot, KeyedStream } from './keyed/state.js'
import { type Stream, type StreamStore, Streams } from './keyed/streams.js'
import { type Engine, type Learner, learner } from './learner.js'
import { type Lesson, teaching, told } from './learning.js'
import { type Changed, checkOpen, checkSchema, checkValues } from './restore.js'
import { checkSample, type EventShapes, type Sample } from './sample.js'
import { schemaOf } from './schema.js'
import { PARTS, type Schema, type Snapshot, type Values } from './state.js'
import { type Setup, setupOf } from './step.js'
import type { TrainerOptions } from './trainer.js'
import type { Report } from './update.js'
import type { Window } from './window.js'

/** What a keyed trainer is made of. */
export interface KeyedOptions extends Omit<TrainerOptions, 'lanes' | 'from' | 'notFinite' | 'rollbackEvery'> {
  /** `shared`, where not given: one model learns from all streams. `own`: every key has a model of its own, from the same start parameters. */
  readonly models?: 'shared' | 'own'
  /** Most streams in memory, a whole number ≥ 1; 10,000 where not given. Those that were used longest ago are put in the store. */
  readonly resident?: number
  /** A `Map` where not given. */
  readonly store?: StreamStore
  /** `stop`, where not given, or `skip`, as of a trainer. */
  readonly notFinite?: 'stop' | 'skip'
  /** Goes on from here instead. */
  readonly from?: KeyedSnapshot
}

/** An event of one of many streams. */
export type KeyedSample = Sample & { readonly key: string }

/** What one update did, and by which stream. `events` are those of all streams; with models of their own the other counts are the stream's. */
export type KeyedReport = Report & { readonly key: string }

/** Learns from many streams that come as one. */
export interface KeyedTrainer {
  /** The operator from events to reports. At the end all open windows are learned from, in the order of their keys' first events. */
  readonly train: () => OperatorFunction<KeyedSample, KeyedReport>
  /**
   * The operator that adds to every event what the model says of it, `output`, without learning: with the parameters as they are when the
   * event comes. The carry of a key is the operator's own, kept while it is subscribed to, and goes on from behind the last event that the
   * trainer had taken of the key when it was first asked. Targets need not be known.
   */
  readonly predict: <E extends Question & { readonly key: string }>() => OperatorFunction<E, E & Predicted>
  /** As `predict`, and adds the `loss` of the event: what metrics read. */
  readonly evaluate: <E extends KeyedSample>() => OperatorFunction<E, E & Evaluated>
  /** Drops a stream that has ended, with its open window. The key may come again: then it is a new one. */
  readonly forget: (key: string) => void
  /** The keys it knows, in the order of their first events. */
  readonly keys: () => readonly string[]
  /** Everything as it is now, a value: also the streams that lie in the store. */
  readonly snapshot: () => KeyedSnapshot
}

/**
 * A trainer of many streams, told apart by the `key` of their events: each has its own carry, open window, resets and coins, and is as
 * it would be alone, however they come mixed. One model learns from all of them, a window at a time, or every key has its own.
 *
 * At most `resident` streams are in memory. The others lie in a store, and go on as if they had never left it: results do not depend on
 * `resident`, bit for bit. Events and errors name the key. After an error the events of the window that failed are left out, and their
 * stream stands before them; all others stay as they are.
 *
 * @throws GraphError `bad-setting`; `bad-snapshot` where `from` is of another model, loss, optimiser or estimator, or broken; later, in the stream, `bad-sample`, `not-finite`,
 * `lost-stream`, and what the store throws.
 * @category Start here
 */
export function keyed(options: KeyedOptions): KeyedTrainer {
  const fleet = new Fleet(options)
  return {
    train: () => events =>
      events.pipe(
        map(event => fleet.take(event)),
        filter(({ reports, failure }) => reports.length > 0 || failure !== undefined),
        concatWith(defer(() => from(fleet.flush()))),
        concatMap(told),
      ),
    predict: () => fleet.answering(predictions(fleet.setup)),
    evaluate: () => fleet.answering(evaluations(fleet.setup)),
    forget: key => fleet.forget(key),
    keys: () => [...fleet.streams.keys],
    snapshot: () => fleet.snapshot(),
  }
}

const NOTHING: Lesson<KeyedReport> = { reports: [] }

/** The streams, and the one learner that they take turns at. */
class Fleet {
  readonly streams: Streams
  readonly #shapes: EventShapes
  readonly #learner: Learner
  readonly #teach: ReturnType<typeof teaching>
  readonly setup: Setup
  readonly #engine: Engine
  readonly #begin: (key: string) => KeyedStream
  /** Another number whenever parameters have changed. */
  #version = 0
  /** A trainer's state before its first event. */
  readonly #start: Omit<Snapshot, 'open'>
  #made: Schema | undefined
  /** The parts of a state that are a stream's own. */
  readonly #parts: readonly (keyof Values)[]
  readonly #models: 'shared' | 'own'
  /** The stream whose state is in the learner. */
  #seated: Stream | undefined
  /** Events taken, and learned from. */
  #t: number
  #events: number

  constructor(options: KeyedOptions) {
    checkOptions(options)
    const { seed = 0, models = 'shared', resident = 10_000, store = new Map(), from } = options
    const setup = setupOf({ ...options, lanes: 1 })
    const { open, ...start } = initialState(setup, seed)
    this.setup = setup
    this.#engine = options
    this.#start = start
    this.#models = models
    this.#parts = models === 'own' ? PARTS : ['carry', 'memory']
    this.#shapes = eventShapes(setup)
    this.#t = from?.t ?? 0
    this.#events = from?.events ?? 0
    this.#learner = learner(setup, options, { ...start, ...from?.shared })
    this.#teach = teaching(setup, options, { ...guarded(this.#learner, options), state: this.#learner.state })
    const begin = models === 'own' ? () => start : () => this.#fresh(setup, start)
    this.#begin = key => ({
      ...{ key, open, values: picked(begin(), this.#parts) },
      ...(models === 'own' && { counters: start.counters }),
    })
    this.streams = new Streams({
      ...{ resident, store, cuts: setup.estimator.cuts, begin: this.#begin },
      own: models === 'own',
      check: stream => this.#check(stream),
      settle: stream => this.#settle(stream),
    })
    if (from !== undefined) this.#restore(from, options.changed ?? [])
  }

  /** The state of a stream without events, beside the parameters as they are now. */
  #fresh({ method }: Setup, start: Values): Partial<Values> {
    const memory = isEmpty(start.memory) ? {} : method.start(this.#learner.values(['params']).params)
    return { carry: start.carry, memory }
  }

  #restore(snapshot: KeyedSnapshot, changed: readonly Changed[]): void {
    checkKeyed(snapshot, 'keyed')
    const { shared, streams, schema } = snapshot
    if ((shared === undefined) !== (this.#models === 'own'))
      throw new GraphError(
        'bad-snapshot',
        'keyed',
        `models is '${this.#models}', and the snapshot is of ${shared === undefined ? 'a model per key' : 'one model'}`,
      )
    checkSchema('keyed', this.#schema(), schema, changed)
    if (shared !== undefined)
      checkValues('keyed', picked(this.#start, ['params', 'slots']), picked(shared, ['params', 'slots']))
    for (const stream of streams) {
      this.#check(stream)
      this.streams.put(stream)
    }
  }

  /** @throws GraphError `bad-snapshot`, `bad-sample` where a stream does not fit the model. */
  #check({ key, values, open }: KeyedStream): void {
    checkValues(keyName(key), picked(this.#start, this.#parts), values)
    checkOpen(open, this.#shapes, `${keyName(key)} in the snapshot`)
  }

  take(event: KeyedSample): Lesson<KeyedReport> {
    const { key } = event
    const place = this.#t + 1
    checkKey(key, () => `event ${place}`)
    checkSample(event, this.#shapes, () => `event ${place} (${keyName(key)})`)
    const stream = this.streams.get(key)
    this.#t = place
    return this.#learn(stream, stream.cutter.push([event]))
  }

  /** Answers events beside the training. */
  answering<E, One extends Question, More>(kind: Kind<One, More>): OperatorFunction<E, E & More> {
    const ground = { site: this.setup, engine: this.#engine, listed: false }
    return answeringKeys(ground, key => this.#origin(key), kind)
  }

  #origin(key: string): Origin {
    const snapshot = (): ReturnType<Origin['snapshot']> => {
      const { values, open } = this.streams.peek(key) ?? this.#begin(key)
      const { params, carry = {} } = { ...this.#learner.values(['params']), ...values }
      return { params, carry, open }
    }
    return { snapshot, version: () => this.#version }
  }

  *flush(): Generator<Lesson<KeyedReport>> {
    for (const key of [...this.streams.keys]) {
      const stream = this.streams.get(key)
      yield this.#learn(stream, stream.cutter.flush())
    }
  }

  #learn(stream: Stream, windows: readonly Window[]): Lesson<KeyedReport> {
    if (windows.length === 0) return NOTHING
    this.#seat(stream)
    this.#version++
    const { key, coins } = stream
    const { reports, failure } = this.#teach(
      stream.cutter,
      windows.map(({ lanes: [only] }) => ({ lanes: [{ ...only!, stream: coins }] })),
    )
    const keyed = reports.map(report => {
      if (report.notFinite === undefined) this.#events += report.length
      return { ...report, events: this.#events, key }
    })
    return { reports: keyed, ...(failure && { failure: { error: withKey(failure.error, key) } }) }
  }

  readonly #schema = (): Schema => (this.#made ??= schemaOf(this.setup))

  /** Brings a stream's state into the learner. */
  #seat(stream: Stream): void {
    if (this.#seated === stream) return
    if (this.#seated !== undefined) this.#settle(this.#seated)
    const { values, counters } = stream
    this.#learner.restore({ ...values, ...(counters && { counters }) })
    this.#seated = stream
  }

  /** Brings what a stream knows of itself up to date. */
  #settle(stream: Stream): void {
    if (this.#seated !== stream) return
    stream.values = this.#learner.values(this.#parts)
    if (this.#models === 'own') stream.counters = this.#learner.counters()
    this.#seated = undefined
  }

  forget(key: string): void {
    if (this.#seated?.key === key) this.#seated = undefined
    this.streams.forget(key)
  }

  snapshot(): KeyedSnapshot {
    const streams: readonly KeyedStream[] = this.streams.states()
    const shared =
      this.#models === 'own'
        ? {}
        : { shared: { ...this.#learner.values(['params', 'slots']), counters: this.#learner.counters() } }
    return { t: this.#t, events: this.#events, ...shared, streams, schema: this.#schema() }
  }
}

const isEmpty = (tree: Values['memory']): boolean => leaves<Tensor>(tree, isTensor, 'memory').length === 0

function picked(values: Partial<Values>, parts: readonly (keyof Values)[]): Partial<Values> {
  return Object.fromEntries(parts.map(part => [part, values[part] ?? {}]))
}

function checkOptions({ models = 'shared', resident = 10_000, notFinite = 'stop' }: KeyedOptions): void {
  checkGuard({ notFinite })
  const refuse = (detail: string): never => {
    throw new GraphError('bad-setting', 'keyed', detail)
  }
  if (!['shared', 'own'].includes(models)) refuse(`models is '${models}'; it is 'shared' or 'own'`)
  if (!(Number.isInteger(resident) && resident >= 1))
    refuse(`resident is ${resident}; it is a whole number of streams ≥ 1`)
}
