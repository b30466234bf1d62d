import type { Dim, Graph, Loss } from '@bptt/graph'
import type { Cell } from './cell.js'
import type { WindowPlan } from './plan.js'

/** Weights of the state edges: all 1, given numbers, or an input of the graph. */
export type Credit =
  | { readonly kind: 'full' }
  /** One weight an edge, `[steps − 1]`, or one per edge and example, `[steps − 1][batch]`. */
  | { readonly kind: 'weights'; readonly weights: readonly number[] | readonly (readonly number[])[] }
  /** Input `credit` [steps] (or [steps, batch], `each`): the weight of the edge into each step; the first is that of the carry before step 1, usually 1. */
  | { readonly kind: 'input'; readonly each: boolean }

/** What a timeline is unrolled from. */
export interface TimelineOptions {
  /** Number of steps T ≥ 1, or the name of an axis that is bound at run time (folded form only); bound to 0, a loss of 0. */
  readonly steps: Dim
  /** Number of examples side by side, or an axis name; none where not given. */
  readonly batch?: Dim
  /** `folded`: a scan, for running. `flat`: T copies, for seeing and irregular edits. Same values, same gradients. */
  readonly form?: 'folded' | 'flat'
  /** Adds input `targets`, and outputs `losses` [T, batch] and `loss`, their sum. */
  readonly loss?: Loss
  /** Adds input `weights` [T, batch], which multiply the losses in the sum. */
  readonly weighted?: boolean
  /** Adds input `reset` [T, batch] of 0 and 1: before a step with 1 the carry is set to zero, and no credit passes. */
  readonly resets?: boolean
  /** Adds input `mask` [T, batch] of 0 and 1: a step with 0 keeps the carry, gives the output 0 and adds no loss. */
  readonly masked?: boolean
  /** Takes `reset` and `mask` for 0 and 1 without looking: for hot loops over numbers that one has made oneself. */
  readonly unchecked?: boolean
  /**
   * Bounds > 0 of the credit that passes a state edge, after its weight: each number is clamped to [−clip, clip], or
   * the whole of an example's carry scaled to a 2-norm of at most `norm`. Biased: see `clipCredit`.
   */
  readonly clip?: number | { readonly norm: number }
  /**
   * Adds input `probe`, a carry [T, batch, ...] of zeros, added to the carry before each step. The gradient of `loss` by it is the
   * credit that passes each state edge, weighted and not yet clipped; `creditNorms` gives its norms.
   */
  readonly probed?: boolean
  readonly credit?: Credit
}

/** Where a step stands in the graph of a flat timeline. */
export interface StepPlace {
  /** From 1. */
  readonly t: number
  /** The first and the last value that the step computes. */
  readonly first: number
  readonly last: number
  /** The values that leave the step over its state edge, by part of the carry. */
  readonly carry: ReadonlyMap<string, number>
}

/**
 * A cell unrolled in time. Its graph has the inputs `params`, `carry` (before step 1), `xs` [T, batch, ...] and what
 * the options add, and the outputs `ys` [T, batch, ...], `carry` (after step T) and what the options add.
 */
export interface Timeline {
  readonly cell: Cell
  readonly options: TimelineOptions
  readonly credit: Credit
  readonly graph: Graph
  /** Where each loss goes back over steps of its own: the windows of BPTT(h; h′). */
  readonly windows?: WindowPlan
  /** Of a flat timeline: where each step stands in the graph. */
  readonly places?: readonly StepPlace[]
}
