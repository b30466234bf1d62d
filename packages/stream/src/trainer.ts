import {
  evaluate,
  GraphError,
  isTensor,
  item,
  type Loss,
  leaves,
  showShape,
  type Tensor,
  tensor,
} from '@bptt/graph'
import { type Cell, type Schedule, zeroCarry } from '@bptt/unroll'
import { concatMap, defer, endWith, from, map, type OperatorFunction } from 'rxjs'
import { mean } from './metric.js'
import type { Optimizer } from './optimiser.js'
import { rows, type Sample } from './sample.js'
import { initialState, type Snapshot, type TrainState } from './state.js'
import { type StepOutputs, stepGraph } from './step.js'
import { Cutter, type Window } from './window.js'

/** What a trainer is made of. */
export interface TrainerOptions {
  readonly model: Cell
  readonly loss: Loss
  /** How credit passes back through time; the stream is cut into windows where it cuts. */
  readonly estimator: Schedule
  readonly optimizer: Optimizer
  /** Draws the start parameters; a whole number ≥ 0. */
  readonly seed?: number
  /** Goes on from here instead. */
  readonly from?: Snapshot
}

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

/** Learns from a stream, one window at a time. */
export interface Trainer {
  /** One update: pure, the state is not changed. */
  readonly step: (state: TrainState, window: Window) => readonly [TrainState, Report]
  /** The operator from events to reports, one per update. At the end of the stream the open window is learned from. */
  readonly train: () => OperatorFunction<Sample, Report>
  /** The trainer's state as it is now, a value. */
  readonly snapshot: () => Snapshot
}

/**
 * A trainer: online gradient descent on a stream, test-then-train.
 *
 * Each window's losses are computed before the update they lead to. Parameters change at every cut, so across windows the gradient
 * is that of the usual online approximation. A trainer has one state; subscribe to one `train()` at a time.
 *
 * @throws GraphError `bad-snapshot` where `from` is of another model; later, in the stream, `bad-sample` and `not-finite`.
 */
export function trainer(options: TrainerOptions): Trainer {
  const { model, optimizer, estimator, seed = 0 } = options
  const start = initialState(model, optimizer, seed)
  if (options.from !== undefined) checkSnapshot(start, options.from)
  const { open, ...first } = options.from ?? start
  let state: TrainState = first
  const cutter = new Cutter(estimator, open)
  const step = stepOf(options)
  const learn = (window: Window): Report => {
    const [next, report] = step(state, window)
    state = next
    return report
  }
  return {
    step,
    train: () => samples =>
      defer(() =>
        samples.pipe(
          map(sample => () => cutter.push(sample)),
          endWith(() => cutter.flush()),
          concatMap(cut => from(cut())),
          map(learn),
        ),
      ),
    snapshot: () => ({ ...state, open: cutter.open }),
  }
}

function stepOf(options: TrainerOptions): Trainer['step'] {
  const { model, loss } = options
  const program = stepGraph(options)
  const target = loss.target?.(model.output) ?? model.output
  return (state, { samples, credit, fresh }) => {
    const first = state.counters.events + 1
    const outputs = evaluate(program, {
      params: state.params,
      slots: state.slots,
      count: state.counters.updates,
      carry: fresh ? zeroCarry(model, 1) : state.carry,
      xs: rows(
        samples.map(({ input }) => input),
        model.input,
        'input',
        first,
      ),
      targets: rows(
        samples.map(sample => sample.target),
        target,
        'target',
        first,
      ),
      credit: tensor(credit),
    }) as unknown as StepOutputs
    return advance(state, outputs, samples.length)
  }
}

/** The next state and its report; the state stays where a value is not finite. */
function advance(state: TrainState, outputs: StepOutputs, length: number): readonly [TrainState, Report] {
  const [loss, gradientNorm] = [item(outputs.loss) / length, item(outputs.gradientNorm)]
  const { events, updates, prequential } = state.counters
  checkFinite(loss, gradientNorm, events + 1, events + length)
  const counters = {
    events: events + length,
    updates: updates + 1,
    prequential: mean().update(prequential, loss, length),
  }
  const { params, slots, carry } = outputs
  const report = {
    events: counters.events,
    updates: counters.updates,
    length,
    loss,
    prequential: mean().value(counters.prequential),
    gradientNorm,
    clipped: outputs.reports?.['clip'] !== undefined && item(outputs.reports['clip']) < 1,
  }
  return [{ params, slots: slots ?? {}, carry, counters }, report]
}

function checkFinite(loss: number, gradientNorm: number, from: number, to: number): void {
  if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return
  const what = Number.isFinite(loss) ? `the gradient's norm is ${gradientNorm}` : `the loss is ${loss}`
  throw new GraphError(
    'not-finite',
    `events ${from}–${to}`,
    `${what}; the update was not made, the state is that before these events`,
    'a smaller learning rate, or clipByGlobalNorm before the step',
  )
}

function checkSnapshot(own: Snapshot, given: Snapshot): void {
  for (const part of ['params', 'slots', 'carry'] as const) {
    const known = new Map(
      leaves<Tensor>(own[part], isTensor, part).map(([name, value]) => [name, showShape(value.shape)]),
    )
    const found = new Map(
      leaves<Tensor>(given[part], isTensor, part).map(([name, value]) => [name, showShape(value.shape)]),
    )
    for (const name of new Set([...known.keys(), ...found.keys()]))
      if (known.get(name) !== found.get(name))
        throw new GraphError(
          'bad-snapshot',
          'trainer',
          `${part} '${name}' is ${found.get(name) ?? 'missing'} in the snapshot and ${known.get(name) ?? 'unknown'} here; a snapshot fits the model and optimiser it was made with`,
        )
  }
}
