import type { Graph } from './graph.js'
import { mapGraphs } from './rewrite/graphs.js'
import { rewritten } from './rewrite/nodes.js'

/**
 * The graph in simpler ops: every op that says how (`lower`) is written out, in the bodies of loops too.
 * Same value up to rounding.
 */
export function lower<In, Out>(graph: Graph<In, Out>): Graph<In, Out> {
  return rewritten(graph, (node, inputs, builder) => {
    const simple = node.op.lower?.(inputs, node.attrs)
    if (simple !== undefined) return [simple]
    return builder.copy({ ...node, attrs: mapGraphs(node.attrs, lower) }, inputs, graph.shapes)
  })
}
