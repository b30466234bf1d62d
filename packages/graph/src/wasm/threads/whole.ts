import { Builder } from '../../builder.js'
import { type ApplyNode, type Graph, isGraph } from '../../graph.js'
import { zeros } from '../../linear.js'
import type { Ref } from '../../ref.js'
import { scalarOf } from '../../trace.js'

/** The axis that is as long as the whole batch in every thread. */
export const wholeOf = (axis: string): string => `whole ${axis}`

/** The graph in which lengths along `axis` that are read off a value's shape (`count`) are those of the whole batch. */
export function wholeLengths(graph: Graph, axis: string): Graph {
  const builder = new Builder()
  const refs: Ref[] = new Array(graph.shapes.length)
  for (const node of graph.nodes) {
    if (node.kind === 'input')
      refs[node.outputs[0]] = builder.input(node.name, graph.shapes[node.outputs[0]]!)
    else if (node.kind === 'constant')
      refs[node.outputs[0]] = builder.constant(scalarOf(node.value) ?? node.value)
    else
      measured(builder, node, axis, refs).forEach((ref, k) => {
        refs[node.outputs[k]!] = ref
      })
  }
  return builder.build(graph.outputs.map(({ name, value }) => ({ name, value: refs[value]!.id })))
}

function measured(builder: Builder, node: ApplyNode, axis: string, refs: readonly Ref[]): readonly Ref[] {
  const inputs = node.inputs.map(id => refs[id]!)
  if (node.op.measures)
    return builder.apply(
      node.op,
      inputs.map(ref => wholly(ref, axis)),
      node.attrs,
    )
  const attrs = Object.entries(node.attrs).map(([key, value]) => [
    key,
    isGraph(value) ? wholeLengths(value, axis) : value,
  ])
  return builder.apply(node.op, inputs, Object.fromEntries(attrs))
}

/** Zeros in the shape that a value has in all threads together. */
function wholly(ref: Ref, axis: string): Ref {
  if (!ref.shape.includes(axis)) return ref
  return zeros(
    ref,
    ref.shape.map(dim => (dim === axis ? wholeOf(axis) : dim)),
  )
}
