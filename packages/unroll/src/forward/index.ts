import type { Graph } from '@bptt/graph'
import type { Cell } from '../cell.js'
import { type ForwardOptions, influence } from './influence.js'
import { snapMask, unitMask } from './support.js'

/**
 * Real-time recurrent learning: the exact gradient in forward mode, for parameters that stay [williams-zipser1989].
 *
 * Equals BPTT with the same credit. Nothing is kept over time, but every step costs O(S² P) time and O(S P) memory, with S
 * numbers in the state and P parameters: for small nets. Inputs params, carry, xs, targets (and credit); outputs `loss`,
 * `gradient.params` and `carry`. One example, no batch.
 * @throws GraphError `no-state`, `bad-steps`.
 */
export function rtrl(cell: Cell, options: ForwardOptions): Graph {
  return influence(cell, options)
}

/**
 * SnAp-n: RTRL that keeps only the influence that can arise within n steps (n = 1: each parameter on the numbers it acts
 * on directly) [menick2021]. Biased; exact where the mask keeps all. Which entries those are is found at random points.
 * @throws GraphError `no-state`, `bad-steps`, `bad-order` where n is no whole number ≥ 1.
 */
export function snap(cell: Cell, options: ForwardOptions & { readonly order?: number }): Graph {
  return influence(cell, options, { params: snapMask(cell, options.order) })
}

/**
 * Local eligibility traces, e-prop and RFLO: influence passes through a unit's own state alone, not from unit to unit
 * [bellec2020, murray2019]. Biased; exact where units do not act on each other. Unit i is place i of the last axis of
 * every part of the carry.
 * @throws GraphError `no-state`, `bad-steps`.
 */
export function localTraces(cell: Cell, options: ForwardOptions): Graph {
  return influence(cell, options, { state: unitMask(cell) })
}
