import { GraphError, type Shape, showShape, sizeOf } from '@bptt/graph'
import { shown } from './checks.js'

/**
 * One event of a stream: what the model reads and what it should have said.
 * @category Start here
 */
export interface Sample {
  readonly input: number | ArrayLike<number>
  readonly target: number | ArrayLike<number>
  /** True at the first event of a new sequence: the carry is reset before it, and no credit passes. */
  readonly reset?: boolean
  /** Multiplies the loss of this event; finite and ≥ 0, 1 where not given. With 0 the state moves and nothing is learned from its loss. */
  readonly weight?: number
  /** The stream it belongs to, where there are many; a trainer of one stream does not read it. */
  readonly key?: string
  /** Events that were dropped just before it, as `buffered` says; reports add them up. */
  readonly dropped?: number
}

/** What an input or target may be. */
export type Value = Sample['input']

/** The shapes that events of a model have. */
export interface EventShapes {
  readonly input: Shape
  readonly target: Shape
}

/** @throws GraphError `bad-sample` where an event does not fit; `where` names it. */
export function checkSample(sample: Sample, shapes: EventShapes, where: () => string): void {
  checkValue(sample.input, shapes.input, 'input', where)
  checkValue(sample.target, shapes.target, 'target', where)
  checkReset(sample.reset, where)
  const { weight, dropped } = sample
  if (dropped !== undefined && !(Number.isSafeInteger(dropped) && dropped >= 0))
    throw new GraphError('bad-sample', where(), `its dropped is ${String(dropped)}; it is a number of events`)
  if (weight !== undefined && !(weight >= 0 && weight < Number.POSITIVE_INFINITY))
    throw new GraphError(
      'bad-sample',
      where(),
      `its weight is ${String(weight)}; weights are finite numbers ≥ 0`,
      'weight 0 moves the state and learns nothing from the loss',
    )
}

/** @throws GraphError `bad-sample` where it is neither true nor false: the text 'false' would count as true. */
export function checkReset(reset: boolean | undefined, where: () => string): void {
  if (reset === undefined || reset === true || reset === false) return
  throw new GraphError(
    'bad-sample',
    where(),
    `its reset is ${shown(reset)}; it is true at the first event of a new sequence, else false or left out`,
  )
}

/** An event, or the first of a list of samples, that says how many were dropped before it. */
export function withDropped<T extends object>(event: T, dropped: number): T {
  if (dropped === 0) return event
  if (!Array.isArray(event)) return { ...event, dropped }
  const [first, ...rest] = event as readonly Sample[]
  return [{ ...first, dropped }, ...rest] as T & readonly Sample[]
}

/** @throws GraphError `bad-sample` where a value does not fill the shape with finite numbers. */
export function checkValue(value: Value, shape: Shape, what: string, where: () => string): void {
  const scalar = typeof value === 'number'
  if (scalar !== (shape.length === 0) || (!scalar && value?.length !== sizeOf(shape as readonly number[])))
    throw new GraphError(
      'bad-sample',
      where(),
      `its ${what} is ${describe(value)}; the model's are ${showShape(shape)}`,
    )
  if (scalar) {
    if (!Number.isFinite(value)) throw notFinite(where(), what, value)
    return
  }
  for (let k = 0; k < value.length; k++)
    if (!Number.isFinite(value[k])) throw notFinite(where(), what, value[k])
}

function describe(value: Value | null | undefined): string {
  if (typeof value === 'number') return 'a number'
  return typeof value === 'object' && value !== null ? `a list of ${value.length}` : String(value)
}

function notFinite(where: string, what: string, value: number | undefined): GraphError {
  return new GraphError(
    'bad-sample',
    where,
    `its ${what} holds ${String(value)}; events are finite numbers`,
    'filter such events out before the trainer',
  )
}

/** A copy in plain data, as JSON keeps it: whatever the source does with its buffers later, the event stays (−0 is 0). */
export function plain({ input, target, reset, weight, dropped }: Sample): Sample {
  const made = { input: copied(input), target: copied(target) }
  const marked = reset ? { ...made, reset } : made
  const weighed = weight === undefined ? marked : { ...marked, weight }
  return dropped ? { ...weighed, dropped } : weighed
}

function copied(value: Value): Value {
  if (typeof value === 'number') return value + 0
  const copy = new Array<number>(value.length)
  for (let k = 0; k < copy.length; k++) copy[k] = value[k]! + 0
  return copy
}

/** How messages name an event: by its place in the stream, and its lane where there are several. */
export const eventName = (place: number, lane: number, lanes: number): string =>
  lanes === 1 ? `event ${place}` : `event ${place} of lane ${lane}`
