import { GraphError, type Tensor, type Tree } from '@bptt/graph'
import { defer, map, type OperatorFunction } from 'rxjs'
import { eventShapes, type Site } from './estimator.js'
import { type Forward, forward, type Row, type Said } from './forward.js'
import { columns } from './grid.js'
import type { Engine } from './learner.js'
import { checkRow, rowOf } from './rows.js'
import { checkReset, checkValue, eventName, type Sample } from './sample.js'
import type { Snapshot } from './state.js'
import { isBadIndex } from './update.js'
import type { Open } from './window.js'

/** What a prediction is asked with: the target need not be known. */
export type Question = Pick<Sample, 'input' | 'reset'>

/** What a model says of an event. */
export interface Predicted {
  /** Of the length of the model's output. */
  readonly output: Float64Array
}

/** What a model says of an event whose target is known. */
export interface Evaluated extends Predicted {
  /** Of this event, nats; not multiplied by its weight. */
  readonly loss: number
  readonly weight: number
  /** 1: what metrics read as the number of events. */
  readonly length: number
}

/** Events, or lists of them, with something added to each. */
export type With<Event, More> = Event extends readonly (infer One)[] ? readonly (One & More)[] : Event & More

/** What a trainer of such events is asked with. */
export type Asked<Event> = Event extends readonly unknown[] ? readonly Question[] : Question

/** A state that is run from. */
export interface Origin {
  readonly snapshot: () => Pick<Snapshot, 'params' | 'carry' | 'open'>
  /** Another number whenever parameters may have changed. */
  readonly version: () => number
}

/** Where predictions and evaluations are made. */
export interface Ground {
  readonly site: Site
  readonly engine: Engine
  /** True where events are lists of one sample per lane. */
  readonly listed: boolean
}

/** The operator that adds to every event what the model says of it. */
export function predicting<E>(ground: Ground, origin: Origin): OperatorFunction<E, With<E, Predicted>> {
  return answering<E, Question, Predicted>(ground, origin, predictions(ground.site))
}

/** The operator that adds to every event what the model says of it, and its loss. */
export function evaluating<E>(ground: Ground, origin: Origin): OperatorFunction<E, With<E, Evaluated>> {
  return answering<E, Sample, Evaluated>(ground, origin, evaluations(ground.site))
}

/** What a model says of an event whose target need not be known. */
export const predictions = ({ model, lanes }: Site): Kind<Question, Predicted> => ({
  judges: false,
  check: (row, place) => {
    row.forEach(({ input, reset }, lane) => {
      const where = (): string => eventName(place, lane, lanes)
      checkValue(input, model.input, 'input', where)
      checkReset(reset, where)
    })
  },
  answer: output => ({ output }),
})

/** What a model says of an event, and its loss. */
export function evaluations(site: Site): Kind<Sample, Evaluated> {
  const shapes = eventShapes(site)
  return {
    judges: true,
    check: (row, place) => checkRow(row, shapes, place),
    answer: (output, { weight = 1 }, loss) => ({ output, loss: loss!, weight, length: 1 }),
  }
}

/** A kind of answer to an event. */
export interface Kind<One, More> {
  /** True where it reads the loss. */
  readonly judges: boolean
  readonly check: (row: readonly One[], place: number) => void
  readonly answer: (output: Float64Array, to: One, loss: number | undefined) => More
}

function answering<E, One extends Question, More>(
  ground: Ground,
  origin: Origin,
  kind: Kind<One, More>,
): OperatorFunction<E, With<E, More>> {
  const { site, listed } = ground
  return events =>
    defer(() => {
      const follower = new Follower(origin, runner(ground, origin, kind.judges))
      return events.pipe(
        map(event => {
          const row = rowOf<One>(event, listed ? site.lanes : undefined, follower.place + 1)
          const answers = answersTo(row, follower, site, kind)
          return (listed ? answers : answers[0]) as With<E, More>
        }),
      )
    })
}

/** The events of a row, each with its answer. */
export function answersTo<One extends Question, More>(
  row: readonly One[],
  follower: Follower,
  site: Site,
  { check, answer }: Kind<One, More>,
): readonly (One & More)[] {
  const place = follower.place + 1
  check(row, place)
  const said = follower.take(row)
  return row.map((one, lane) => ({
    ...one,
    ...answer(outputOf(said, lane, site, place), one, said.losses?.data[lane]),
  }))
}

/** A model that runs, from where its origin stands, and how rows are laid out for it. */
export function runner({ site, engine }: Ground, origin: Origin, judges: boolean): Runner {
  const { model, loss, lanes } = site
  const { params, carry } = origin.snapshot()
  const own = forward({ model, lanes, ...(judges && { loss }) }, engine, { params, carry })
  return { forward: own, values: rowsOf(site, judges) }
}

/** What followers run on; several may take turns at one. */
export interface Runner {
  readonly forward: Forward
  readonly values: (row: readonly (Question | undefined)[]) => Row
}

/** What one lane's model says. @throws GraphError `not-finite`. */
function outputOf({ ys, losses }: Said, lane: number, { lanes }: Site, place: number): Float64Array {
  const size = ys.data.length / lanes
  const output = Float64Array.from(ys.data.subarray(lane * size, (lane + 1) * size))
  const loss = losses?.data[lane] ?? 0
  const odd = output.find(value => !Number.isFinite(value))
  if (odd === undefined && Number.isFinite(loss)) return output
  throw new GraphError(
    'not-finite',
    eventName(place, lane, lanes),
    odd === undefined ? `its loss is ${loss}` : `the model's output holds ${odd}`,
    'events far outside of what the model was trained on, or parameters too large',
  )
}

/** A model that follows a stream from a state on, with the newest parameters. */
export class Follower {
  readonly #origin: Origin
  readonly #forward: Forward
  readonly #values: Runner['values']
  /** Its carry while another has its turn. */
  #carry: Tree<Tensor> | undefined
  /** Lanes whose next event starts anew, whether it says so or not. */
  #due: readonly boolean[]
  #version: number
  /** Events (rows) taken so far. */
  place: number

  /** It has its turn. */
  constructor(origin: Origin, { forward, values }: Runner) {
    const { params, carry, open } = origin.snapshot()
    this.#origin = origin
    this.#version = origin.version()
    this.#forward = forward
    this.#values = values
    forward.load({ params, carry })
    this.#due = open.lanes.map(({ due }) => due)
    this.place = open.t
    this.#catchUp(open.lanes)
  }

  /** The carry is that behind the last event learned from: takes those that wait to be learned from. */
  #catchUp(lanes: readonly Open[]): void {
    const most = Math.max(...lanes.map(({ samples }) => samples.length))
    for (let i = 0; i < most; i++) this.#forward.run(this.#values(lanes.map(({ samples }) => samples[i])))
  }

  /** Lets another have its turn. */
  leave(): void {
    this.#carry = this.#forward.carry()
  }

  /** Has its turn again. */
  goOn(): void {
    this.#version = this.#origin.version()
    this.#forward.load({ params: this.#origin.snapshot().params, carry: this.#carry! })
  }

  take(row: readonly Question[]): Said {
    const version = this.#origin.version()
    if (version !== this.#version) this.#forward.load({ params: this.#origin.snapshot().params })
    this.#version = version
    const due = this.#due
    const now = due.includes(true) ? row.map((one, lane) => (due[lane] ? { ...one, reset: true } : one)) : row
    this.place++
    const said = this.#run(now)
    this.#due = []
    return said
  }

  #run(row: readonly Question[]): Said {
    try {
      return this.#forward.run(this.#values(row))
    } catch (error) {
      if (!isBadIndex(error)) throw error
      throw new GraphError('bad-sample', `event ${this.place}`, error.detail)
    }
  }
}

/** Lays rows out for the graph; a lane without an event is masked. */
function rowsOf(site: Site, judges: boolean): (row: readonly (Question | undefined)[]) => Row {
  const read = columns(site, { steps: 1 })
  return row => {
    const lanes = row.map(one => ({
      first: 1,
      samples: one === undefined ? [] : [one as Sample],
      credit: [1],
    }))
    return {
      ...{ xs: read.xs({ lanes }), reset: read.reset({ lanes }) },
      ...(judges && { targets: read.targets({ lanes }) }),
      ...(site.lanes > 1 && { mask: read.mask({ lanes }) }),
    }
  }
}
