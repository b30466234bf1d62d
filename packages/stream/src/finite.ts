import { GraphError, isTensor, item, leaves, type NonFinite, type Tensor } from '@bptt/graph'
import type { Method } from './estimator.js'
import { stepsOf } from './grid.js'
import { eventName } from './sample.js'
import type { Values } from './state.js'
import type { StepOutputs } from './step.js'
import type { Segment, Window } from './window.js'

/** A number that was not finite: the update it came up in was not made. */
export interface NotFinite {
  /** All of it in words. */
  readonly text: string
  /** Places of the first and the last event of the window, from 1. */
  readonly from: number
  readonly to: number
  /** The printed line of the first node whose value is not finite; missing where it is not found again. */
  readonly node?: string
  /** The step it came up at, in the window or among the saved steps, from 1; missing where it is of no step. */
  readonly t?: number
  /** The place of that step's event; missing where it is of no step, or of no single lane. */
  readonly event?: number
  /** The lane of that event, from 0, where there are several. */
  readonly lane?: number
}

/** The error of an update that would not be finite. */
export class NotFiniteError extends GraphError {
  readonly found: NotFinite

  constructor(found: NotFinite) {
    super(
      'not-finite',
      placesOf(found),
      `${found.text}; the update was not made, the state is that before these events`,
      'a smaller learning rate, or clipByGlobalNorm before the step',
    )
    this.found = found
  }
}

/** The scalars of a step. */
export interface Measures {
  readonly loss: number
  readonly gradientNorm: number
  readonly peak: number
  readonly reports: Readonly<Record<string, number>>
}

/** The scalars among a step's outputs. */
export function measuresOf({ loss, gradientNorm, peak, reports = {} }: StepOutputs): Measures {
  const named = Object.entries(reports).map(([name, value]) => [name, item(value)] as const)
  const figures = { loss: item(loss), gradientNorm: item(gradientNorm), peak: item(peak) }
  return { ...figures, reports: Object.fromEntries(named) }
}

/** What a step made, before it is taken for good. */
export interface Made {
  readonly measures: Measures
  /** The next state. */
  readonly next: () => Values
  /** Looks for the first node that is not finite, in the window or a part of it. Asked for last: it runs it again. */
  readonly find: (part: Window) => NonFinite | undefined
}

/** @throws NotFiniteError where the loss, the gradient or the next state is not finite. */
export function checkMade(made: Made, window: Window, method: Method): void {
  const { loss, gradientNorm: norm, peak } = made.measures
  if (Number.isFinite(loss) && Number.isFinite(norm) && Number.isFinite(peak)) return
  const forward = !Number.isFinite(loss)
  const what = forward
    ? `the loss is ${loss}`
    : Number.isFinite(norm)
      ? culprit(made.next())
      : `the gradient's norm is ${norm}`
  const found = located(window, made.find, method.loops?.[forward ? 'forward' : 'back'])
  throw new NotFiniteError(described(what, found, window))
}

/** Where a number that is not finite was found. */
interface Located extends Pick<NotFinite, 't' | 'event' | 'lane'> {
  readonly found: NonFinite
}

/** @param loop steps of the loop that it is found in, the last one at the window's last event; those of the window where not given. */
function located(window: Window, find: Made['find'], loop: number | undefined): Located | undefined {
  const lanes = window.lanes.length
  const steps = (found: NonFinite, part: Window): number | undefined =>
    stepOf(found, loop ?? stepsOf(part), lanes)
  const whole = find(window)
  if (whole === undefined) return undefined
  const t = steps(whole, window)
  if (t === undefined) return { found: whole }
  const part = narrowed(window, find)
  const [[lane, only], ...others] = holding(part) as [readonly [number, Segment]]
  const found = part === window ? whole : find(part)
  const own = found && steps(found, part)
  if (others.length > 0 || own === undefined) return { found: whole, t }
  const event = only.first + only.samples.length - 1 - (loop ?? stepsOf(part)) + own
  return { found: found!, t: own, event, ...(lanes > 1 && { lane }) }
}

/** The window with one lane, the first that alone is not finite, where one is; lanes are halved until it is found. */
function narrowed(window: Window, find: Made['find']): Window {
  const held = holding(window)
  if (held.length <= 1) return window
  const middle = held.length >> 1
  const halves = [held.slice(0, middle), held.slice(middle)].map(kept => {
    const lanes = window.lanes.map((lane, i) =>
      kept.some(([of]) => of === i) ? lane : { ...lane, samples: [], credit: [] },
    )
    return { lanes }
  })
  const half = halves.find(part => find(part) !== undefined)
  return half === undefined ? window : narrowed(half, find)
}

/** The lanes that have events, with their numbers. */
const holding = ({ lanes }: Window): readonly (readonly [number, Segment])[] =>
  [...lanes.entries()].filter(([, { samples }]) => samples.length > 0)

function described(what: string, located: Located | undefined, window: Window): NotFinite {
  const held = holding(window).map(([, segment]) => segment)
  const from = Math.min(...held.map(({ first }) => first))
  const to = Math.max(...held.map(({ first, samples }) => first + samples.length - 1))
  if (located === undefined) return { text: what, from, to }
  const { found, ...place } = located
  const { t, event, lane = 0 } = place
  const name = event === undefined ? '' : ` (${eventName(event, lane, window.lanes.length)})`
  const when = t === undefined ? '' : ` at t = ${t}${name}`
  const [, value] = found.text.split(found.line)
  const text = `${what}, first${when} in ${found.line}, which${value}`
  return { text, from, to, node: found.line, ...place }
}

/** The step of a loop, or the row of a value that has one for every event: [T, …], or [rows, lanes, …] made of the window. */
function stepOf({ steps, line, at }: NonFinite, rows: number, lanes: number): number | undefined {
  const [, length, width] = /: \[(\w+)(?:, (\d+))?/.exec(line) ?? []
  const isRows = length === String(rows) && width === String(lanes) && line.includes('window.')
  return steps[0] ?? (length === 'T' || isRows ? at[0]! + 1 : undefined)
}

/** The first value that would not be finite. */
function culprit(state: Values): string {
  const found = leaves<Tensor>({ ...state }, isTensor, 'state').find(
    ([, { data }]) => !data.every(Number.isFinite),
  )
  return found === undefined
    ? 'the state'
    : `${found[0]} would hold ${found[1].data.find(value => !Number.isFinite(value))}`
}

/** The events of a window, as messages name them. */
const placesOf = ({ from, to }: NotFinite): string => (from === to ? `event ${from}` : `events ${from}–${to}`)
