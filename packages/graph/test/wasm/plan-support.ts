import type { Graph } from '@bptt/graph'
import { hoist } from '../../src/hoist.js'
import { lower } from '../../src/lower.js'
import { prune } from '../../src/prune.js'
import { dynamicAxes } from '../../src/wasm/axes.js'
import type { Plan } from '../../src/wasm/plan.js'
import { planOf } from '../../src/wasm/planner.js'

/** The plan of a graph as a program has it; axes that are no loop's have these lengths. */
export function planned(
  made: unknown,
  lengths: Readonly<Record<string, number>> = {},
  keep: Readonly<Record<string, string>> = {},
): Plan {
  const form = prune(hoist(lower(made as Graph)))
  const axes = dynamicAxes(form)
  const bindings = new Map(Object.entries(lengths).filter(([axis]) => !axes.includes(axis)))
  return planOf(form, { bindings, axes, keep: new Map(Object.entries(keep)) })
}
