import { Builder } from '../builder.js'
import { linearizeGraph } from '../gradient.js'
import type { Graph, Node } from '../graph.js'
import { needs } from '../prune.js'
import type { Shape } from '../shape.js'

/** A value that the way back reads: the op that made it, in the body of a loop where it was made there, and its shape. */
export interface Saved {
  readonly op: string
  readonly shape: Shape
}

/**
 * What a gradient by the wanted inputs keeps from the way forward, found by building it: the values of forward nodes
 * that backward nodes read. Inputs and constants are there anyway. A loop's values are stacked over its steps.
 */
export function savedValues(graph: Graph, wanted: readonly boolean[]): readonly Saved[] {
  const builder = new Builder()
  const inputs = graph.inputs.map(port => builder.input(port.name, graph.shapes[port.value]!))
  const line = linearizeGraph(builder, graph, inputs, wanted)
  const [nodes, values] = [builder.nodes.length, builder.shapes.length]
  const cotangents = line.pullback(
    line.outputs.map((ref, i) => (line.active[i] ? builder.input(`bar.${i}`, ref.shape) : null)),
  )
  const ports = cotangents.flatMap((ref, i) => (ref === null ? [] : [{ name: String(i), value: ref.id }]))
  const whole = builder.build(ports)
  const makers = makersOf(whole)
  return [...readByLater(whole, nodes, values)].flatMap(id => {
    const op = makerName(makers, id)
    return op === undefined ? [] : [{ op, shape: whole.shapes[id]! }]
  })
}

/** Values made before a node, among the first `values`, that it or a later one reads. */
function readByLater(graph: Graph, from: number, values: number): ReadonlySet<number> {
  const { values: needed, trimmed } = needs(graph)
  const read = new Set<number>()
  graph.nodes.forEach((node, i) => {
    if (i < from || node.kind !== 'apply' || !node.outputs.some(id => needed[id])) return
    const kept = trimmed[i]?.inputs.map(k => node.inputs[k]!) ?? node.inputs
    for (const id of kept) if (id < values) read.add(id)
  })
  return read
}

/** By value id: the node that makes it. */
function makersOf(graph: Graph): readonly Node[] {
  return graph.nodes.flatMap(node => node.outputs.map(() => node))
}

/** The name of the op that makes a value, followed into the graphs that ops run; undefined for inputs and constants. */
function makerName(makers: readonly Node[], id: number): string | undefined {
  const node = makers[id]!
  if (node.kind !== 'apply') return undefined
  const inner = node.op.inner?.(node.attrs).graph
  const port = inner?.outputs[id - node.outputs[0]!]
  if (inner === undefined || port === undefined) return node.op.name
  return makerName(makersOf(inner), port.value) ?? node.op.name
}
