import { evaluate, GraphError, isTensor, item, leaves, type Tensor, tensor } from '@bptt/graph'
import { zeroCarry } from '@bptt/unroll'
import { mean } from './metrics/mean.js'
import { rows, type Sample } from './sample.js'
import type { Counters, TrainState } from './state.js'
import { type StepOptions, type StepOutputs, stepGraph } from './step.js'
import type { Window } from './window.js'

/** What one update did. */
export interface Report {
  /** Events learned from so far, this window's included. */
  readonly events: number
  /** Optimiser steps so far. */
  readonly updates: number
  /** Events in this window. */
  readonly length: number
  /** Mean loss per event over this window, nats, before the update: test-then-train. */
  readonly loss: number
  /** Mean loss per event over all events so far, nats. */
  readonly prequential: number
  /** Global norm of the gradient before clipping. */
  readonly gradientNorm: number
  readonly clipped: boolean
}

/** One update: the state after a window, and what it did. */
export type UpdateRule = (state: TrainState, window: Window) => readonly [TrainState, Report]

/**
 * The update rule of a model, a loss and an optimiser, in float64 by the oracle: pure, the state it gets is not changed.
 * It throws GraphError `bad-sample` where an event does not fit, `not-finite` where the update would not be finite.
 */
export function updateRule(options: StepOptions): UpdateRule {
  const program = stepGraph(options)
  const run = (state: TrainState, window: Window): StepOutputs =>
    evaluate(program, {
      ...windowValues(options, state.counters, window),
      params: state.params,
      slots: state.slots,
      carry: window.fresh ? zeroCarry(options.model, 1) : state.carry,
    }) as unknown as StepOutputs
  return (state, window) => {
    const outputs = named(state.counters, window, run, state)
    const { params, slots = {}, carry = {} } = outputs
    const next = { params, slots, carry }
    const [counters, report] = advance(state.counters, window, outputs, () => next)
    return [{ ...next, counters }, report]
  }
}

/** The shape of one target of a model under a loss. */
export const targetShape = ({ model, loss }: StepOptions): StepOptions['model']['output'] =>
  loss.target?.(model.output) ?? model.output

/** What a window gives to the step: its events, its credit, and the number of updates before it. */
export interface WindowValues {
  readonly xs: Tensor
  readonly targets: Tensor
  readonly credit: Tensor
  readonly count: number
}

/** @throws GraphError `bad-sample` where an event does not fit. */
export function windowValues(
  options: StepOptions,
  { events, updates }: Counters,
  { samples, credit }: Window,
): WindowValues {
  const where = (place: number): string => `event ${events + 1 + place}`
  const inputs = samples.map(sample => sample.input)
  const targets = samples.map(sample => sample.target)
  return {
    xs: rows(inputs, options.model.input, 'input', where),
    targets: rows(targets, targetShape(options), 'target', where),
    credit: tensor(credit),
    count: updates,
  }
}

/** True for the error of a class or symbol that a model does not know. */
export const isBadIndex = (error: unknown): error is GraphError =>
  error instanceof GraphError && error.code === 'bad-index'

/** Runs a window; where a class or symbol is unknown to the model, the error names the event. */
function named<S, R>(
  { events }: Counters,
  window: Window,
  run: (state: S, window: Window) => R,
  state: S,
): R {
  try {
    return run(state, window)
  } catch (error) {
    throw isBadIndex(error) ? (offender(sample => run(state, alone(sample)), window, events) ?? error) : error
  }
}

const alone = (sample: Sample): Window => ({ samples: [sample], credit: [1], fresh: false })

/** The first event that alone has a class or symbol the model does not know, as an error that names it. */
function offender(
  run: (sample: Sample) => unknown,
  { samples }: Window,
  events: number,
): GraphError | undefined {
  for (const [i, sample] of samples.entries()) {
    try {
      run(sample)
    } catch (error) {
      if (isBadIndex(error)) return new GraphError('bad-sample', `event ${events + 1 + i}`, error.detail)
    }
  }
  return undefined
}

type Values = Pick<TrainState, 'params' | 'slots' | 'carry'>

/** The next counters and the report of a window; `next` reads the state it would make. */
export function advance(
  before: Counters,
  { samples }: Window,
  outputs: Measures,
  next: () => Values,
): readonly [Counters, Report] {
  const { length } = samples
  const [loss, gradientNorm] = [item(outputs.loss) / length, item(outputs.gradientNorm)]
  checkFinite(loss, gradientNorm, item(outputs.peak), next, before.events + 1, before.events + length)
  const counters = {
    events: before.events + length,
    updates: before.updates + 1,
    prequential: mean().update(before.prequential, loss, length),
  }
  const clip = outputs.reports?.['clip']
  const clipped = clip !== undefined && item(clip) < 1
  const { events, updates } = counters
  return [
    counters,
    { events, updates, length, loss, prequential: mean().value(counters.prequential), gradientNorm, clipped },
  ]
}

/** The scalars of a step. */
export type Measures = Pick<StepOutputs, 'loss' | 'gradientNorm' | 'peak' | 'reports'>

function checkFinite(
  loss: number,
  norm: number,
  peak: number,
  next: () => Values,
  from: number,
  to: number,
): void {
  if (Number.isFinite(loss) && Number.isFinite(norm) && Number.isFinite(peak)) return
  const what = Number.isFinite(loss)
    ? Number.isFinite(norm)
      ? culprit(next())
      : `the gradient's norm is ${norm}`
    : `the loss is ${loss}`
  throw new GraphError(
    'not-finite',
    from === to ? `event ${from}` : `events ${from}–${to}`,
    `${what}; the update was not made, the state is that before these events`,
    'a smaller learning rate, or clipByGlobalNorm before the step',
  )
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
