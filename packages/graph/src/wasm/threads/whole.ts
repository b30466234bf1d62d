import type { Graph } from '../../graph.js'
import { zeros } from '../../linear.js'
import type { Ref } from '../../ref.js'
import { mapGraphs } from '../../rewrite/graphs.js'
import { rewritten } from '../../rewrite/nodes.js'

/** The axis that is as long as the whole batch in every thread. */
export const wholeOf = (axis: string): string => `whole ${axis}`

/** The graph in which lengths along `axis` that are read off a value's shape (`count`) are those of the whole batch. */
export function wholeLengths(graph: Graph, axis: string): Graph {
  return rewritten(graph, ({ op, attrs }, inputs, builder) => {
    if (op.measures)
      return builder.apply(
        op,
        inputs.map(ref => wholly(ref, axis)),
        attrs,
      )
    const inner = mapGraphs(attrs, body => wholeLengths(body, axis))
    return builder.apply(op, inputs, inner)
  })
}

/** Zeros in the shape that a value has in all threads together. */
function wholly(ref: Ref, axis: string): Ref {
  if (!ref.shape.includes(axis)) return ref
  return zeros(
    ref,
    ref.shape.map(dim => (dim === axis ? wholeOf(axis) : dim)),
  )
}
