import { Builder } from './builder.js'
import { GraphError } from './error.js'
import { linearizeGraph, type Slope, selectInputs } from './gradient.js'
import type { Graph } from './graph.js'
import { zeros } from './linear.js'
import { prune } from './prune.js'
import { joined } from './trace.js'

/** Which outputs are pulled back to which inputs: names, or prefixes of several. */
export interface Pull<B extends string = string> {
  readonly of: readonly string[]
  readonly by: readonly B[]
}

/** A graph with cotangents of outputs as further inputs, and cotangents of inputs as its outputs. */
export type Pullback<In, B extends string> = Graph<
  In & { readonly cotangent: Readonly<Record<string, unknown>> },
  { readonly [K in B & keyof In]: In[K] }
>

/**
 * The graph of a vector-Jacobian product: the cotangent `cotangent.<output>` of every output in `of`, which are
 * further inputs, pulled back to every input in `by`, under the input's name. `gradient` is the case of one scalar
 * output with cotangent 1.
 *
 * @throws GraphError `unknown-output`, `unknown-input`.
 */
export function vjp<In, Out, const B extends string>(
  graph: Graph<In, Out>,
  { of, by }: Pull<B>,
): Pullback<In, B> {
  const pulled = selectOutputs(graph, of)
  const wanted = selectInputs(graph, by)
  const builder = new Builder()
  const inputs = graph.inputs.map(port => builder.input(port.name, graph.shapes[port.value]!))
  const seeds = graph.outputs.map((port, i) =>
    pulled[i] ? builder.input(joined('cotangent', port.name), graph.shapes[port.value]!) : null,
  )
  const cotangents = linearizeGraph(builder, graph, inputs, wanted).pullback(seeds)
  const outputs = inputs.flatMap((input, i) =>
    wanted[i]
      ? [{ name: graph.inputs[i]!.name, value: (cotangents[i] ?? zeros(input, input.shape)).id }]
      : [],
  )
  return prune(builder.build(outputs)) as Pullback<In, B>
}

function selectOutputs(graph: Graph, of: readonly string[]): readonly boolean[] {
  const names = graph.outputs.map(port => port.name)
  const hit = (name: string, wanted: string): boolean => name === wanted || name.startsWith(`${wanted}.`)
  const odd = of.find(wanted => !names.some(name => hit(name, wanted)))
  if (odd !== undefined)
    throw new GraphError(
      'unknown-output',
      `'${odd}'`,
      `is not an output; outputs are ${names.join(', ') || 'none'}`,
    )
  return names.map(name => of.some(wanted => hit(name, wanted)))
}

/**
 * The inputs in `by` that the output does not depend on differentiably: their gradient is an exact zero by structure,
 * which in training usually is a mistake.
 * @throws GraphError `unknown-output`, `unknown-input`.
 */
export function disconnected(graph: Graph, { of, by }: Slope): readonly string[] {
  const pulled = selectOutputs(graph, [of])
  const wanted = selectInputs(graph, by)
  const builder = new Builder()
  const inputs = graph.inputs.map(port => builder.input(port.name, graph.shapes[port.value]!))
  const { outputs, pullback } = linearizeGraph(builder, graph, inputs, wanted)
  const cotangents = pullback(outputs.map((output, i) => (pulled[i] ? output : null)))
  return graph.inputs.flatMap((port, i) => (wanted[i] && cotangents[i] === null ? [port.name] : []))
}
