import { checkFinite, evaluate, GraphError, type NonFinite, type Tensor, type Values } from '@bptt/graph'
import { eventShapes, type Method } from './estimator.js'
import { checkMade, type Made, measuresOf, type NotFinite } from './finite.js'
import { weigh } from './grid.js'
import { mean } from './metrics/mean.js'
import type { Rooms } from './rooms.js'
import { checkSample, eventName } from './sample.js'
import type { Counters, TrainState } from './state.js'
import { type Setup, type StepOutputs, setupGraph } from './step.js'
import type { Segment, Window } from './window.js'

/**
 * What one update did.
 * @category Start here
 */
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
  /** Events that were dropped before they came here, so far: by `buffered`, or another that says `dropped`. */
  readonly dropped: number
  /** What was not finite, where this window was passed over: nothing was learned, and all figures of it but its length are 0. */
  readonly notFinite?: NotFinite
}

/** One update: the state after a window, and what it did. */
export type UpdateRule = (state: TrainState, window: Window) => readonly [TrainState, Report]

/**
 * The update rule of a model, a loss, an estimator and an optimiser, in float64 by the oracle: pure, the state it gets is not changed.
 * It throws GraphError `bad-sample` where an event does not fit, `not-finite` where the update would not be finite.
 */
export function updateRule(
  setup: Setup,
): (state: TrainState, window: Window, find?: boolean) => readonly [TrainState, Report] {
  const program = setupGraph(setup)
  const valuesOf = ({ counters, params, slots, carry, memory }: TrainState, window: Window): Values => ({
    ...stepValues(setup.method, counters, window),
    ...{ params, slots, carry, memory },
  })
  const run = (state: TrainState, window: Window): StepOutputs =>
    evaluate(program, valuesOf(state, window)) as unknown as StepOutputs
  return (state, window, find = true) => {
    checkWindow(setup, window)
    const outputs = named(window, run, state)
    const { params, slots = {}, carry = {}, memory = {} } = outputs
    const next = { params, slots, carry, memory }
    const search = (part: Window): NonFinite | undefined =>
      find ? checkFinite(program, valuesOf(state, part)) : undefined
    const [counters, report] = advance(
      state.counters,
      window,
      { measures: measuresOf(outputs), next: () => next, find: search },
      setup.method,
    )
    return [{ ...next, counters }, report]
  }
}

/** What a window gives to the step, and the number of updates before it. */
export interface StepValues {
  readonly window: Readonly<Record<string, Tensor>>
  readonly count: number
}

export function stepValues(method: Method, { updates }: Counters, window: Window, rooms?: Rooms): StepValues {
  return { window: method.values(window, rooms), count: updates }
}

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

/**
 * The next counters and the report of a window.
 * @throws GraphError `not-finite`.
 */
export function advance(
  before: Counters,
  window: Window,
  made: Made,
  method: Method,
): readonly [Counters, Report] {
  checkMade(made, window, method)
  const { loss: sum, gradientNorm, reports } = made.measures
  const { weight, length, dropped } = weigh(window)
  const loss = weight === 0 ? sum : sum / weight
  const counters = {
    ...withLost(before, dropped),
    events: before.events + length,
    updates: before.updates + 1,
    prequential: mean().update(before.prequential, loss, weight),
  }
  const { clip = 1 } = reports
  const { events, updates } = counters
  const prequential = prequentialOf(counters)
  const figures = { loss, prequential, gradientNorm, clipped: clip < 1, dropped: counters.dropped ?? 0 }
  return [counters, { events, updates, length, weight, ...figures }]
}

/** The counters with more events that were dropped. */
export const withLost = (counters: Counters, more: number): Counters =>
  more === 0 ? counters : { ...counters, dropped: (counters.dropped ?? 0) + more }

/** Mean loss per event so far; 0 where none has any weight. */
export const prequentialOf = ({ prequential }: Counters): number =>
  prequential.weight === 0 ? 0 : mean().value(prequential)
