import type { Graph, Node } from './graph.js'
import type { Shape } from './shape.js'

/** The graph without the nodes that no output depends on. Inputs stay: they are the interface. */
export function prune<In, Out>(graph: Graph<In, Out>): Graph<In, Out> {
  const needed = neededValues(graph)
  const ids: number[] = new Array(graph.shapes.length)
  const shapes: Shape[] = []
  const nodes: Node[] = []
  const renumber = (id: number): number => {
    ids[id] = shapes.push(graph.shapes[id]!) - 1
    return ids[id]
  }
  for (const node of graph.nodes) {
    if (node.kind !== 'input' && !node.outputs.some(id => needed[id])) continue
    const outputs = node.outputs.map(renumber)
    if (node.kind === 'apply') nodes.push({ ...node, inputs: node.inputs.map(id => ids[id]!), outputs })
    else nodes.push({ ...node, outputs: [outputs[0]!] })
  }
  const moved = (ports: Graph['inputs']): Graph['inputs'] =>
    ports.map(({ name, value }) => ({ name, value: ids[value]! }))
  return { nodes, shapes, inputs: moved(graph.inputs), outputs: moved(graph.outputs) }
}

/** By value id: whether an output depends on it. */
function neededValues(graph: Graph): readonly boolean[] {
  const needed: boolean[] = new Array(graph.shapes.length).fill(false)
  for (const port of graph.outputs) needed[port.value] = true
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!
    if (node.kind === 'apply' && node.outputs.some(id => needed[id]))
      for (const id of node.inputs) needed[id] = true
  }
  return needed
}
