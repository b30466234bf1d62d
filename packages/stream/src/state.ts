import { filled, isShape, mapTree, type Tensor, type Tree } from '@bptt/graph'
import { type Cell, zeroCarry } from '@bptt/unroll'
import { type MeanState, mean } from './metrics/mean.js'
import type { Optimizer } from './optimiser.js'
import { type Cutting, START } from './window.js'

/** Whole numbers and sums that a run counts. */
export interface Counters {
  /** Events learned from. */
  readonly events: number
  /** Optimiser steps made. */
  readonly updates: number
  /** Mean prequential loss per event, nats. */
  readonly prequential: MeanState
}

/** Everything learning has changed: a value, replaced whole by every step. */
export interface TrainState {
  readonly params: Tree<Tensor>
  readonly slots: Tree<Tensor>
  /** The recurrent state after the last event learned from, [1, ...]. */
  readonly carry: Tree<Tensor>
  readonly counters: Counters
}

/** A training state together with the open segment: enough to go on as if never stopped. */
export interface Snapshot extends TrainState {
  readonly open: Cutting
}

/** The state before the first event. `seed` draws the parameters. */
export function initialState(model: Cell, optimizer: Optimizer, seed: number): Snapshot {
  return {
    params: model.init(seed).params,
    slots: mapTree(optimizer.slots(model.params), isShape, shape => filled(shape as readonly number[], 0)),
    carry: zeroCarry(model, 1),
    counters: { events: 0, updates: 0, prequential: mean().init() },
    open: START,
  }
}
