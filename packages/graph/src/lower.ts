import { Builder } from './builder.js'
import { type ApplyNode, type Graph, isGraph } from './graph.js'
import type { Ref } from './ref.js'
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
    else
      lowered(
        builder,
        node,
        node.inputs.map(id => refs[id]!),
      ).forEach((ref, k) => {
        refs[node.outputs[k]!] = ref
      })
  }
  return builder.build(graph.outputs.map(({ name, value }) => ({ name, value: refs[value]!.id }))) as Graph<
    In,
    Out
  >
}

function lowered(builder: Builder, { op, attrs }: ApplyNode, inputs: readonly Ref[]): readonly Ref[] {
  const simple = op.lower?.(inputs, attrs)
  if (simple !== undefined) return [simple]
  const simpler = Object.fromEntries(
    Object.entries(attrs).map(([key, value]) => [key, isGraph(value) ? lower(value) : value]),
  )
  return builder.apply(op, inputs, simpler)
}
