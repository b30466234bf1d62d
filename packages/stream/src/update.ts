import { evaluate, GraphError, isTensor, item, leaves, type Tensor, tensor } from '@bptt/graph'
import { zeroCarry } from '@bptt/unroll'
import { mean } from './metric.js'
import { rows, type Sample } from './sample.js'
import type { TrainState } from './state.js'
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
 * The update rule of a model, a loss and an optimiser: pure, the state it gets is not changed.
 * It throws GraphError `bad-sample` where an event does not fit, `not-finite` where the update would not be finite.
 */
export function updateRule(options: StepOptions): UpdateRule {
  const run = runner(options)
  return (state, window) => {
    let outputs: StepOutputs
    try {
      outputs = run(state, window)
    } catch (error) {
      throw isBadIndex(error) ? (offender(run, state, window) ?? error) : error
    }
    return advance(state, outputs, window.samples.length)
  }
}

/** The shape of one target of a model under a loss. */
export const targetShape = ({ model, loss }: StepOptions): StepOptions['model']['output'] =>
  loss.target?.(model.output) ?? model.output

type Runner = (state: TrainState, window: Window) => StepOutputs

function runner(options: StepOptions): Runner {
  const { model } = options
  const program = stepGraph(options)
  const target = targetShape(options)
  return (state, { samples, credit, fresh }) => {
    const where = (place: number): string => `event ${state.counters.events + 1 + place}`
    const inputs = samples.map(sample => sample.input)
    const targets = samples.map(sample => sample.target)
    return evaluate(program, {
      params: state.params,
      slots: state.slots,
      count: state.counters.updates,
      carry: fresh ? zeroCarry(model, 1) : state.carry,
      xs: rows(inputs, model.input, 'input', where),
      targets: rows(targets, target, 'target', where),
      credit: tensor(credit),
    }) as unknown as StepOutputs
  }
}

const isBadIndex = (error: unknown): error is GraphError =>
  error instanceof GraphError && error.code === 'bad-index'

/** The first event that alone has a class or symbol the model does not know, as an error that names it. */
function offender(run: Runner, state: TrainState, { samples }: Window): GraphError | undefined {
  const failure = (sample: Sample): GraphError | undefined => {
    try {
      run(state, { samples: [sample], credit: [1], fresh: false })
    } catch (error) {
      if (isBadIndex(error)) return error
    }
    return undefined
  }
  for (const [i, sample] of samples.entries()) {
    const found = failure(sample)
    if (found) return new GraphError('bad-sample', `event ${state.counters.events + 1 + i}`, found.detail)
  }
  return undefined
}

/** The next state and its report. */
function advance(state: TrainState, outputs: StepOutputs, length: number): readonly [TrainState, Report] {
  const [loss, gradientNorm] = [item(outputs.loss) / length, item(outputs.gradientNorm)]
  const { events, updates, prequential } = state.counters
  const { params, slots = {}, carry = {} } = outputs
  checkFinite({ loss, gradientNorm, params, slots, carry }, events + 1, events + length)
  const counters = {
    events: events + length,
    updates: updates + 1,
    prequential: mean().update(prequential, loss, length),
  }
  const report = {
    events: counters.events,
    updates: counters.updates,
    length,
    loss,
    prequential: mean().value(counters.prequential),
    gradientNorm,
    clipped: outputs.reports?.['clip'] !== undefined && item(outputs.reports['clip']) < 1,
  }
  return [{ params, slots, carry, counters }, report]
}

type Made = Pick<TrainState, 'params' | 'slots' | 'carry'> & Pick<Report, 'loss' | 'gradientNorm'>

function checkFinite(made: Made, from: number, to: number): void {
  const what = notFinite(made)
  if (what === undefined) return
  throw new GraphError(
    'not-finite',
    from === to ? `event ${from}` : `events ${from}–${to}`,
    `${what}; the update was not made, the state is that before these events`,
    'a smaller learning rate, or clipByGlobalNorm before the step',
  )
}

function notFinite({ loss, gradientNorm, ...state }: Made): string | undefined {
  if (!Number.isFinite(loss)) return `the loss is ${loss}`
  if (!Number.isFinite(gradientNorm)) return `the gradient's norm is ${gradientNorm}`
  const found = leaves<Tensor>(state, isTensor, 'state').find(([, { data }]) => !data.every(Number.isFinite))
  return found && `${found[0]} would hold ${found[1].data.find(value => !Number.isFinite(value))}`
}
