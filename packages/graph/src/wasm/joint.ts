import type { ApplyNode, Graph } from '../graph.js'
import type { Memory } from './memory.js'
import { type Place, partsIn } from './places.js'
import type { View } from './view.js'

/** A node that joins inputs of the graph end to end. Where they share a buffer in that order, what it makes is there. */
export interface Joint {
  readonly node: ApplyNode
  readonly place: Place
}

/**
 * The joints of a graph. An input lies in one place, so that it is part of one joint, the first.
 *
 * @param kept the inputs that have a next value. Buffers change places whole: all inputs of a joint have one, or none has.
 */
export function jointsOf(graph: Graph, kept: ReadonlySet<number>): readonly Joint[] {
  const free = new Set(graph.inputs.map(({ value }) => value))
  return graph.nodes.flatMap((node): readonly Joint[] => {
    if (node.kind !== 'apply') return []
    const { inputs, op } = node
    if (op.emission?.kind !== 'place') return []
    const found = { node, place: op.emission }
    const once = new Set(inputs).size === inputs.length && inputs.every(value => free.has(value))
    if (!once || !isEndToEnd(graph, found)) return []
    if (inputs.some(value => kept.has(value) !== kept.has(inputs[0]!))) return []
    for (const value of inputs) free.delete(value)
    return [found]
  })
}

/** True where the parts follow each other in memory and leave no gap; all lengths are known, so that this holds for good. */
function isEndToEnd({ shapes }: Graph, { node, place }: Joint): boolean {
  const { axis } = place.parts(node.attrs, [])
  const whole = shapes[node.outputs[0]!]!
  const known = whole.every((dim, i) => typeof dim === 'number' && (i >= axis || dim === 1))
  return (
    known && whole[axis] === node.inputs.reduce((sum, value) => sum + (shapes[value]![axis] as number), 0)
  )
}

/** Gives the parts of a joint their `places`, by value, in a new buffer. @returns the whole of it. */
export function layJoint(
  { shapes }: Graph,
  { node, place }: Joint,
  memory: Memory,
  places: Map<number, View>,
): View {
  const whole = memory.temporary(shapes[node.outputs[0]!] as readonly number[], 0, node.op.name)
  partsIn(shapes, node, place.parts, whole).forEach((part, i) => {
    places.set(node.inputs[i]!, part)
  })
  return whole
}
