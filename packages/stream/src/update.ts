import { evaluate, GraphError, isTensor, item, leaves, type Tensor } from '@bptt/graph'
import { eventShapes, type Method } from './estimator.js'
import { weigh } from './grid.js'
import { mean } from './metrics/mean.js'
import type { Rooms } from './rooms.js'
import { checkSample } from './sample.js'
import type { Counters, TrainState, Values } from './state.js'
import { type Setup, type StepOutputs, setupGraph } from './step.js'
import type { Segment, Window } from './window.js'

/** What one update did. */
export interface Report {
  /** Events learned from so far, this window's included. */
  readonly events: number
  /** Optimiser steps so far. */
  readonly updates: number
  /** Events in this window. */
  readonly length: number
  /** Sum of their weights: their number, where none was given. */
  readonly weight: number
  /** Mean loss per event over this window, nats, by their weights, before the update: test-then-train. 0 where all weights are 0. */
  readonly loss: number
  /** Mean loss per event over all events so far, nats, by their weights. */
  readonly prequential: number
  /** Global norm of the gradient before clipping. */
  readonly gradientNorm: number
  readonly clipped: boolean
}

/** One update: the state after a window, and what it did. */
export type UpdateRule = (state: TrainState, window: Window) => readonly [TrainState, Report]

/**
 * The update rule of a model, a loss, an estimator and an optimiser, in float64 by the oracle: pure, the state it gets is not changed.
 * It throws GraphError `bad-sample` where an event does not fit, `not-finite` where the update would not be finite.
 */
export function updateRule(setup: Setup): UpdateRule {
  const program = setupGraph(setup)
  const run = (state: TrainState, window: Window): StepOutputs => {
    const { params, slots, carry, memory, counters } = state
    return evaluate(program, {
      ...stepValues(setup.method, counters, window),
      ...{ params, slots, carry, memory },
    }) as unknown as StepOutputs
  }
  return (state, window) => {
    checkWindow(setup, window)
    const outputs = named(window, run, state)
    const { params, slots = {}, carry = {}, memory = {} } = outputs
    const next = { params, slots, carry, memory }
    const [counters, report] = advance(state.counters, window, outputs, () => next)
    return [{ ...next, counters }, report]
  }
}

/** What a window gives to the step, and the number of updates before it. */
export function stepValues(
  method: Method,
  { updates }: Counters,
  window: Window,
  rooms?: Rooms,
): { readonly window: Readonly<Record<string, Tensor>>; readonly count: number } {
  return { window: method.values(window, rooms), count: updates }
}

/** How messages name an event: by its place in the stream, and its lane where there are several. */
export const eventName = (place: number, lane: number, lanes: number): string =>
  lanes === 1 ? `event ${place}` : `event ${place} of lane ${lane}`

function checkWindow(setup: Setup, { lanes }: Window): void {
  const shapes = eventShapes(setup)
  lanes.forEach(({ first, samples }, lane) => {
    samples.forEach((sample, i) => {
      checkSample(sample, shapes, () => eventName(first + i, lane, lanes.length))
    })
  })
}

/** True for the error of a class or symbol that a model does not know. */
export const isBadIndex = (error: unknown): error is GraphError =>
  error instanceof GraphError && error.code === 'bad-index'

/** Runs a window; where a class or symbol is unknown to the model, the error names the event. */
function named<S, R>(window: Window, run: (state: S, window: Window) => R, state: S): R {
  try {
    return run(state, window)
  } catch (error) {
    throw isBadIndex(error) ? (offender(part => run(state, part), window) ?? error) : error
  }
}

/** The first event that alone has a class or symbol the model does not know, as an error that names it. */
function offender(run: (part: Window) => unknown, { lanes }: Window): GraphError | undefined {
  for (const [lane, { first, samples }] of lanes.entries())
    for (const [i, sample] of samples.entries()) {
      const alone: Segment = { first: first + i, samples: [sample], credit: [1] }
      try {
        run({ lanes: lanes.map(() => alone) })
      } catch (error) {
        if (isBadIndex(error))
          return new GraphError('bad-sample', eventName(first + i, lane, lanes.length), error.detail)
      }
    }
  return undefined
}

/** The next counters and the report of a window; `next` reads the state it would make. */
export function advance(
  before: Counters,
  window: Window,
  outputs: Measures,
  next: () => Values,
): readonly [Counters, Report] {
  const { weight, length } = weigh(window)
  const [sum, gradientNorm] = [item(outputs.loss), item(outputs.gradientNorm)]
  const loss = weight === 0 ? sum : sum / weight
  checkFinite(loss, gradientNorm, item(outputs.peak), next, window)
  const counters = {
    events: before.events + length,
    updates: before.updates + 1,
    prequential: mean().update(before.prequential, loss, weight),
  }
  const clip = outputs.reports?.['clip']
  const clipped = clip !== undefined && item(clip) < 1
  const prequential = counters.prequential.weight === 0 ? 0 : mean().value(counters.prequential)
  const { events, updates } = counters
  return [counters, { events, updates, length, weight, loss, prequential, gradientNorm, clipped }]
}

/** The scalars of a step. */
export type Measures = Pick<StepOutputs, 'loss' | 'gradientNorm' | 'peak' | 'reports'>

function checkFinite(loss: number, norm: number, peak: number, next: () => Values, window: Window): void {
  if (Number.isFinite(loss) && Number.isFinite(norm) && Number.isFinite(peak)) return
  const what = Number.isFinite(loss)
    ? Number.isFinite(norm)
      ? culprit(next())
      : `the gradient's norm is ${norm}`
    : `the loss is ${loss}`
  throw new GraphError(
    'not-finite',
    placeOf(window),
    `${what}; the update was not made, the state is that before these events`,
    'a smaller learning rate, or clipByGlobalNorm before the step',
  )
}

/** The events of a window, as messages name them. */
function placeOf({ lanes }: Window): string {
  const held = lanes.filter(({ samples }) => samples.length > 0)
  const from = Math.min(...held.map(({ first }) => first))
  const to = Math.max(...held.map(({ first, samples }) => first + samples.length - 1))
  return from === to ? `event ${from}` : `events ${from}–${to}`
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
