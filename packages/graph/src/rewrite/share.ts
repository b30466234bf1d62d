import type { ApplyNode, ConstantNode, Graph, Node, Port } from '../graph.js'
import type { Shape } from '../shape.js'
import { mapGraphs } from './graphs.js'
import { Keys } from './keys.js'

/**
 * The graph with equal nodes merged (common subexpressions): applications of one op to the same values with equal
 * settings, and constants of equal shape and bits; in the bodies of loops too.
 *
 * A merged node stands where the first of them stood, and nothing moves into or out of a loop. Values are the same,
 * bit by bit; derivatives are the same up to the order in which cotangents are summed; there are never more nodes. O(nodes).
 */
export function share<In, Out>(graph: Graph<In, Out>): Graph<In, Out> {
  return shareWith(graph, new Keys()) as Graph<In, Out>
}

function shareWith(graph: Graph, keys: Keys): Graph {
  const table = new Shared(keys)
  for (const node of graph.nodes) {
    if (node.kind === 'apply') table.apply(node, graph.shapes)
    else if (node.kind === 'constant') table.constant(node, graph.shapes)
    else table.append(node, graph.shapes)
  }
  const moved = ({ name, value }: Port): Port => ({ name, value: table.ids[value]! })
  return {
    nodes: table.nodes,
    shapes: table.shapes,
    inputs: graph.inputs.map(moved),
    outputs: graph.outputs.map(moved),
  }
}

/** A table in which no two nodes are equal. */
class Shared {
  readonly nodes: Node[] = []
  readonly shapes: Shape[] = []
  /** New value ids by old ones. */
  readonly ids: number[] = []
  readonly #keys: Keys
  readonly #known = new Map<string, readonly number[]>()

  constructor(keys: Keys) {
    this.#keys = keys
  }

  constant(node: ConstantNode, shapes: readonly Shape[]): void {
    this.#merge(`constant ${this.#keys.tensor(node.value)}`, node, shapes)
  }

  apply(node: ApplyNode, shapes: readonly Shape[]): void {
    const inputs = node.inputs.map(id => this.ids[id]!)
    const attrs = mapGraphs(node.attrs, body => shareWith(body, this.#keys))
    const key = `${this.#keys.op(node.op)} ${inputs.join()} ${this.#keys.settings(attrs)}`
    this.#merge(key, { ...node, inputs, attrs }, shapes)
  }

  /** Appends a node, whose values get new ids; these. */
  append(node: Node, shapes: readonly Shape[]): readonly number[] {
    const outputs = node.outputs.map(id => this.shapes.push(shapes[id]!) - 1)
    this.nodes.push(node.kind === 'apply' ? { ...node, outputs } : { ...node, outputs: [outputs[0]!] })
    this.#rename(node, outputs)
    return outputs
  }

  #merge(key: string, node: Node, shapes: readonly Shape[]): void {
    const known = this.#known.get(key)
    if (known === undefined) this.#known.set(key, this.append(node, shapes))
    else this.#rename(node, known)
  }

  #rename(node: Node, to: readonly number[]): void {
    node.outputs.forEach((id, k) => {
      this.ids[id] = to[k]!
    })
  }
}
