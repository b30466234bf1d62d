import { GraphError, isTensor, item, leaves, type NonFinite, type Tensor } from '@bptt/graph'
import type { Method } from './estimator.js'
import { stepsOf } from './grid.js'
import type { Values } from './state.js'
import type { StepOutputs } from './step.js'
import type { Window } from './window.js'

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
  /** The place of that step's event; missing where it is of no step, and with several lanes. */
  readonly event?: number
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
  /** Looks for the first node that is not finite. */
  readonly find: () => NonFinite | undefined
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
  throw new NotFiniteError(described(what, made.find(), window, method.loops?.[forward ? 'forward' : 'back']))
}

/** @param rows steps of the loop that it was found in, the last one at the window's last event; those of the window where not given. */
function described(
  what: string,
  found: NonFinite | undefined,
  window: Window,
  rows: number = stepsOf(window),
): NotFinite {
  const held = window.lanes.filter(({ samples }) => samples.length > 0)
  const from = Math.min(...held.map(({ first }) => first))
  const to = Math.max(...held.map(({ first, samples }) => first + samples.length - 1))
  if (found === undefined) return { text: what, from, to }
  const lanes = window.lanes.length
  const t = stepOf(found, rows, lanes)
  const event = t === undefined || lanes > 1 ? undefined : to - rows + t
  const when = t === undefined ? '' : ` at t = ${t}${event === undefined ? '' : ` (event ${event})`}`
  const [, value] = found.text.split(found.line)
  const text = `${what}, first${when} in ${found.line}, which${value}`
  const place = { ...(t !== undefined && { t }), ...(event !== undefined && { event }) }
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
