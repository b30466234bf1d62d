import type { Dim, Graph, Loss } from '@bptt/graph'
import type { Cell } from './cell.js'
import { draw } from './schedule.js'

/** Weights of the state edges: all 1, given numbers, or an input of the graph. */
export type Credit =
  | { readonly kind: 'full' }
  /** One weight an edge, `[steps − 1]`, or one per edge and example, `[steps − 1][batch]`. */
  | { readonly kind: 'weights'; readonly weights: readonly number[] | readonly (readonly number[])[] }
  /** Input `credit` [steps] (or [steps, batch], `each`): the weight of the edge into each step; the first is that of the carry before step 1, usually 1. */
  | { readonly kind: 'input'; readonly each: boolean }

/** What a timeline is unrolled from. */
export interface TimelineOptions {
  /** Number of steps T ≥ 1, or the name of an axis that is bound at run time (folded form only). */
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
  readonly credit?: Credit
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
}

/**
 * The state edges of a timeline as one line of text: `──│──` is block truncation of 6 steps by 3.
 * One line per example where examples have weights of their own.
 */
export function print({ credit, options }: Timeline): string {
  const edges = typeof options.steps === 'number' ? options.steps - 1 : undefined
  if (credit.kind === 'input' || edges === undefined)
    return `${options.steps} steps, credit ${credit.kind === 'input' ? 'given at run time' : 'full'}`
  if (credit.kind === 'full') return draw(new Array<number>(edges).fill(1))
  const [first] = credit.weights
  if (!Array.isArray(first)) return draw(credit.weights as readonly number[])
  const rows = credit.weights as readonly (readonly number[])[]
  return first.map((_, b) => draw(rows.map(row => row[b]!))).join('\n')
}
