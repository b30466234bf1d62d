import { GraphError } from '@bptt/graph'
import type { Timeline } from './timeline.js'

/** A state edge of a timeline: the carry of step t, as step t + 1 reads it. */
export interface StateEdge {
  /** `2 → 3`. */
  readonly text: string
  /** The step it leaves, from 1. */
  readonly t: number
  /** How much credit it passes: one weight, or one per example; undefined where that is an input. */
  readonly weight: number | readonly number[] | undefined
  /** The values of a flat timeline's graph that pass it, by part of the carry; none in a folded one. */
  readonly values: ReadonlyMap<string, number>
}

/**
 * The state edges 1 → 2, 2 → 3, … of a timeline. In a flat one each has its values, for edits by hand.
 * @throws GraphError `bad-steps` where the number of steps is not known.
 */
export function stateEdges({ options, credit, places = [] }: Timeline): readonly StateEdge[] {
  const { steps } = options
  if (typeof steps === 'string')
    throw new GraphError(
      'bad-steps',
      'stateEdges',
      `a timeline of '${steps}' steps has no edges to count`,
      'unroll a number of steps',
    )
  return Array.from({ length: steps - 1 }, (_, i) => ({
    text: `${i + 1} → ${i + 2}`,
    t: i + 1,
    weight: credit.kind === 'full' ? 1 : credit.kind === 'weights' ? credit.weights[i] : undefined,
    values: places[i]?.carry ?? new Map(),
  }))
}

/**
 * The step, from 1, that computes each value of a flat timeline's graph, in their order; undefined for inputs, constants, and
 * what joins the steps behind the last.
 * @throws GraphError `bad-form` where the timeline is not flat, or has windows.
 */
export function stepsOfValues({ graph, places, windows }: Timeline): readonly (number | undefined)[] {
  if (places === undefined)
    throw new GraphError(
      'bad-form',
      'stepsOfValues',
      `takes a flat timeline; this one ${windows ? 'has windows' : 'is folded: all its steps are one'}`,
      "unroll(cell, { steps: 10, form: 'flat' })",
    )
  const steps = new Array<number | undefined>(graph.shapes.length).fill(undefined)
  let step = 0
  for (const { kind, outputs } of graph.nodes)
    for (const value of outputs) {
      while (step < places.length && places[step]!.first <= value) step++
      if (kind === 'apply' && step > 0 && value <= places.at(-1)!.last) steps[value] = step
    }
  return steps
}
