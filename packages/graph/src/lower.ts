import { Builder } from './builder.js'
import type { ApplyNode, Graph } from './graph.js'
import type { Ref } from './ref.js'
import { mapGraphs } from './rewrite/graphs.js'
import type { Shape } from './shape.js'
import { scalarOf } from './trace.js'

/**
 * The graph in simpler ops: every op that says how (`lower`) is written out, in the bodies of loops too.
 * Same value up to rounding.
 */
export function lower<In, Out>(graph: Graph<In, Out>): Graph<In, Out> {
  const builder = new Builder()
  const refs: Ref[] = new Array(graph.shapes.length)
  for (const node of graph.nodes) {
    if (node.kind === 'input')
      refs[node.outputs[0]] = builder.input(node.name, graph.shapes[node.outputs[0]]!)
    else if (node.kind === 'constant')
      refs[node.outputs[0]] = builder.constant(scalarOf(node.value) ?? node.value)
    else {
      const inputs = node.inputs.map(id => refs[id]!)
      const made = lowered(builder, node, inputs, graph.shapes)
      node.outputs.forEach((id, k) => {
        refs[id] = made[k]!
      })
    }
  }
  return builder.build(graph.outputs.map(({ name, value }) => ({ name, value: refs[value]!.id }))) as Graph<
    In,
    Out
  >
}

function lowered(
  builder: Builder,
  node: ApplyNode,
  inputs: readonly Ref[],
  shapes: readonly Shape[],
): readonly Ref[] {
  const simple = node.op.lower?.(inputs, node.attrs)
  if (simple !== undefined) return [simple]
  return builder.copy({ ...node, attrs: mapGraphs(node.attrs, lower) }, inputs, shapes)
}
