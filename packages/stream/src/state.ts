import type { Tensor, Tree } from '@bptt/graph'
import type { MeanState } from './metrics/mean.js'
import type { Cutting } from './window.js'

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

/** What a trainer is made of, as its snapshots keep it: two that say the same compute the same. */
export interface Schema {
  /** The model's name, and a hash of its step. */
  readonly model: string
  /** A hash of the loss. */
  readonly loss: string
  readonly optimizer: string
  readonly estimator: string
  readonly lanes: number
  /** A hash of all of these. */
  readonly hash: string
}

/**
 * A training state together with the open segments: enough to go on as if never stopped.
 * @category Start here
 */
export interface Snapshot extends TrainState {
  readonly open: Cutting
  /** What a trainer that rolls back goes back to, the oldest first; others keep none. */
  readonly kept?: readonly Kept[]
  /** What it was made with; a trainer checks it, where it is there. */
  readonly schema?: Schema
}
