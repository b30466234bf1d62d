import { evaluate, type Graph, type Tensor, type Tree, valueAndGradient } from '@bptt/graph'
import { type Credit, type Timeline, type TimelineOptions, unroll } from '@bptt/unroll'
import { type Case, flatten, valuesOf } from './case.js'
import type { Named } from './compare.js'

/** The two forms of a timeline; the same values are expected of both. */
export const forms = ['folded', 'flat'] as const

/** The inputs that gradients are taken by. */
export const by = ['params', 'carry', 'xs'] as const

/** The case unrolled, with weighted losses where it has targets and with resets where it has them. */
export function lineOf(
  { model, steps, batch, values }: Case,
  options: Partial<TimelineOptions> = {},
): Timeline {
  const losses = values.has('targets') ? { loss: model.loss, weighted: true } : {}
  return unroll(model.cell, { steps, batch, ...losses, resets: values.has('reset'), ...options })
}

/** What a timeline of the case computes, by our flat names, with its gradients under the names of the file. */
interface Computed {
  readonly outputs: Named
  readonly gradients: Named
}

/** Runs the timeline forward and backward; `others` replace values of the case. */
export type Runner = (others?: Named) => Computed

/** Compiles outputs and gradients of a timeline of the case; runs may give other values. */
export function runnerOf(of: Case, line: Timeline): Runner {
  const graph = valueAndGradient(line.graph, { of: 'loss', by })
  return others => {
    const outputs = run(graph, valuesOf(of, others))
    return { outputs, gradients: renamed(of, outputs, 'gradient.') }
  }
}

/** The gradients of the case under some weights of the edges, by the names of the file. */
export function gradientsWith(of: Case, form: 'folded' | 'flat', credit: Credit): Named {
  return runnerOf(of, lineOf(of, { form, credit }))().gradients
}

/** Evaluates a graph; results by flat names. */
export function run(graph: Graph, values: Readonly<Record<string, Tensor>>): Named {
  return flatten(evaluate(graph, values as Tree<Tensor>) as Tree<Tensor>)
}

/** The results that stand under `prefix` for parameters, carry and inputs, by the names of the file. */
export function renamed({ model }: Case, results: Named, prefix: string): Named {
  const found = [...model.names].flatMap(([ours, theirs]) => {
    const tensor = results.get(prefix + ours)
    return tensor === undefined ? [] : [[theirs, tensor] as const]
  })
  return new Map(found)
}

/** Sums of tensors of the same names, each times its factor. */
export function combined(terms: readonly { readonly factor: number; readonly tensors: Named }[]): Named {
  const total = new Map<string, Tensor>()
  for (const { factor, tensors } of terms)
    for (const [name, { shape, data }] of tensors) {
      const seen = total.get(name)?.data
      total.set(name, { shape, data: data.map((x, i) => (seen?.[i] ?? 0) + factor * x) })
    }
  return total
}

/** Loss weights of a case with all steps but one at zero; never scaled. */
export function onlyStep({ steps, batch }: Case, t: number): Tensor {
  const data = new Float64Array(steps * batch).fill(1, t * batch, (t + 1) * batch)
  return { shape: [steps, batch], data }
}
