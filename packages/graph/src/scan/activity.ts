import type { Graph } from '../graph.js'
import type { ScanAttrs } from './attrs.js'

/** Which inputs of a loop's body are active: a carry value also where an earlier step makes it so (least fixed point). */
export function activeInputs({ body, carry }: ScanAttrs, wants: readonly boolean[]): readonly boolean[] {
  let active = wants
  for (;;) {
    const known = active
    const out = activeOutputs(body, known)
    const next = known.map((on, i) => on || (i < carry && out[i]!))
    if (next.every((on, i) => on === known[i])) return known
    active = next
  }
}

function activeOutputs(graph: Graph, inputs: readonly boolean[]): readonly boolean[] {
  const active: boolean[] = new Array(graph.shapes.length).fill(false)
  graph.inputs.forEach((port, i) => {
    active[port.value] = inputs[i]!
  })
  for (const node of graph.nodes)
    if (node.kind === 'apply' && node.inputs.some((id, i) => active[id]! && node.op.differentiable(i)))
      for (const id of node.outputs) active[id] = true
  return graph.outputs.map(port => active[port.value]!)
}
