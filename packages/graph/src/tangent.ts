import { Builder } from './builder.js'
import { add } from './elementwise.js'
import { selectInputs } from './gradient.js'
import type { Graph, InputNode } from './graph.js'
import { zeros } from './linear.js'
import { prune } from './prune.js'
import type { Ref } from './ref.js'
import { copyNodes } from './rewrite/nodes.js'
import { joined } from './trace.js'

/**
 * The graph of a directional derivative (forward mode, jvp): the graph's outputs, and the tangent of each as
 * `tangent.<output>`, along the input tangents `tangent.<input>`, which are further inputs, one per input in `by`.
 *
 * @throws GraphError `unknown-input`.
 */
export function tangent<In, Out, const B extends string>(
  graph: Graph<In, Out>,
  { by }: { readonly by: readonly B[] },
): Tangent<In, Out, B> {
  const wanted = selectInputs(graph, by)
  const builder = new Builder()
  const inputs = graph.inputs.map(port => builder.input(port.name, graph.shapes[port.value]!))
  const along = graph.inputs.map((port, i) =>
    wanted[i] ? builder.input(joined('tangent', port.name), graph.shapes[port.value]!) : null,
  )
  const { outputs, tangents } = pushGraph(builder, graph, inputs, along)
  const kept = graph.outputs.map((port, i) => ({ name: port.name, value: outputs[i]!.id }))
  const dotted = graph.outputs.map((port, i) => ({
    name: joined('tangent', port.name),
    value: (tangents[i] ?? zeros(outputs[i]!, outputs[i]!.shape)).id,
  }))
  return prune(builder.build([...kept, ...dotted])) as Tangent<In, Out, B>
}

/** A graph with the tangents of its inputs and outputs beside them. */
export type Tangent<In, Out, B extends string> = Graph<
  In & { readonly tangent: { readonly [K in B & keyof In]: In[K] } },
  Out & { readonly tangent: Out }
>

/** Appends a graph with its tangents to a builder; null stands for a zero tangent. */
export function pushGraph(
  builder: Builder,
  graph: Graph,
  inputs: readonly Ref[],
  along: readonly (Ref | null)[],
): { readonly outputs: readonly Ref[]; readonly tangents: readonly (Ref | null)[] } {
  const dots: (Ref | null)[] = new Array(graph.shapes.length).fill(null)
  let read = 0
  const input = ({ outputs: [id] }: InputNode): Ref => {
    dots[id] = along[read]!
    return inputs[read++]!
  }
  const refs = copyNodes(builder, graph, input, (node, from) => {
    const dotted = node.inputs.map((id, i) => (node.op.differentiable(i) ? dots[id]! : null))
    if (dotted.every(dot => dot === null)) return builder.apply(node.op, from, node.attrs)
    const pushed = node.op.push(from, node.attrs, dotted)
    node.outputs.forEach((id, k) => {
      dots[id] = total(pushed.tangents[k] ?? [])
    })
    return pushed.outputs
  })
  return {
    outputs: graph.outputs.map(port => refs[port.value]!),
    tangents: graph.outputs.map(port => dots[port.value]!),
  }
}

const total = (parts: readonly Ref[]): Ref | null =>
  parts.length === 0 ? null : parts.reduce((sum, part) => add(sum, part))
