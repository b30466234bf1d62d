import { filled, isShape, mapTree, type Tensor, type Tree } from '@bptt/graph'
import { zeroCarry } from '@bptt/unroll'
import { type MeanState, mean } from './metrics/mean.js'
import type { Schema } from './schema.js'
import type { Setup } from './step.js'
import { type Cutting, startCutting } from './window.js'

/** Whole numbers and sums that a run counts. */
export interface Counters {
  /** Events learned from. */
  readonly events: number
  /** Optimiser steps made. */
  readonly updates: number
  /** Mean prequential loss per event, nats, by the events' weights. */
  readonly prequential: MeanState
  /** Events that were dropped before they came here; missing where none was. */
  readonly dropped?: number
}

/** The parts of a state that hold tensors. */
export const PARTS = ['params', 'slots', 'carry', 'memory'] as const

/** The tensors of a state. */
export interface Values {
  readonly params: Tree<Tensor>
  readonly slots: Tree<Tensor>
  /** The recurrent state after the last event learned from, [lanes, ...]. */
  readonly carry: Tree<Tensor>
  /** What the estimator keeps between windows: saved steps, influence. */
  readonly memory: Tree<Tensor>
}

/** Everything learning has changed: a value, replaced whole by every step. */
export interface TrainState extends Values {
  readonly counters: Counters
}

/** A state that a trainer which rolls back may go back to. */
export interface Kept extends Values {
  /** Optimiser steps made by then. */
  readonly updates: number
}

/** A training state together with the open segments: enough to go on as if never stopped. */
export interface Snapshot extends TrainState {
  readonly open: Cutting
  /** What a trainer that rolls back goes back to, the oldest first; others keep none. */
  readonly kept?: readonly Kept[]
  /** What it was made with; a trainer checks it, where it is there. */
  readonly schema?: Schema
}

/** The state before the first event. `seed` draws the parameters. */
export function initialState({ model, optimizer, lanes, estimator, method }: Setup, seed: number): Snapshot {
  const { params } = model.init(seed)
  return {
    params,
    slots: mapTree(optimizer.slots(model.params), isShape, shape => filled(shape as readonly number[], 0)),
    carry: zeroCarry(model, lanes),
    memory: method.start(params),
    counters: { events: 0, updates: 0, prequential: mean().init() },
    open: startCutting(estimator.cuts, lanes),
  }
}
