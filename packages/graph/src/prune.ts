import type { ApplyNode, ConstantNode, Graph, Node, Port, Trimmed } from './graph.js'
import type { Shape } from './shape.js'

/**
 * The graph without what no output depends on: nodes, and inside loops the stacked outputs that nobody reads, carries
 * that nothing depends on, and sequences and constants the body no longer reads.
 *
 * Inputs stay, and come first: they are the interface. Constants move to where they are first read.
 * Values are the same bit by bit, and so are derivatives, but for the sign of zero; there are never more nodes.
 * O(nodes).
 */
export function prune<In, Out>(graph: Graph<In, Out>): Graph<In, Out> {
  return new Copy(graph, needs(graph)).graph as Graph<In, Out>
}

/** What the outputs of a graph depend on. */
export interface Needs {
  /** By value id. */
  readonly values: readonly boolean[]
  /** By node: the application reduced to its needed outputs, where it can be. */
  readonly trimmed: readonly (Trimmed | undefined)[]
}

/** What the outputs of a graph depend on, found in one pass from the last node to the first. */
export function needs(graph: Graph): Needs {
  const values: boolean[] = new Array(graph.shapes.length).fill(false)
  const trimmed: (Trimmed | undefined)[] = new Array(graph.nodes.length)
  for (const port of graph.outputs) values[port.value] = true
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!
    if (node.kind !== 'apply' || !node.outputs.some(id => values[id])) continue
    const trim = node.op.trim
    if (trim === undefined) for (const id of node.inputs) values[id] = true
    else {
      const part = trim(
        node.attrs,
        node.outputs.map(id => values[id]!),
      )
      trimmed[i] = part
      for (const k of part.inputs) values[node.inputs[k]!] = true
    }
  }
  return { values, trimmed }
}

/** A table written again with the needed nodes only. */
class Copy {
  readonly graph: Graph
  readonly #from: Graph
  readonly #nodes: Node[] = []
  readonly #shapes: Shape[] = []
  /** New value ids by old ones; -1 where there is none yet. */
  readonly #ids: Int32Array
  readonly #constants: (ConstantNode | undefined)[] = []

  constructor(from: Graph, { values, trimmed }: Needs) {
    this.#from = from
    this.#ids = new Int32Array(from.shapes.length).fill(-1)
    const inputs = from.inputs.map(port => this.#input(port))
    from.nodes.forEach((node, i) => {
      if (node.kind === 'constant') this.#constants[node.outputs[0]] = node
      else if (node.kind === 'apply' && node.outputs.some(id => values[id])) this.#apply(node, trimmed[i])
    })
    const outputs = from.outputs.map(({ name, value }) => ({ name, value: this.#read(value) }))
    this.graph = { nodes: this.#nodes, shapes: this.#shapes, inputs, outputs }
  }

  #input({ name, value }: Port): Port {
    const id = this.#value(value)
    this.#nodes.push({ kind: 'input', name, outputs: [id] })
    return { name, value: id }
  }

  #apply(node: ApplyNode, part: Trimmed | undefined): void {
    const kept = part === undefined ? node.inputs : part.inputs.map(k => node.inputs[k]!)
    const inputs = kept.map(id => this.#read(id))
    const made = part === undefined ? node.outputs : part.outputs.map(k => node.outputs[k]!)
    const outputs = made.map(id => this.#value(id))
    this.#nodes.push({ kind: 'apply', op: node.op, inputs, attrs: part?.attrs ?? node.attrs, outputs })
  }

  /** The new id of a value that is read here; a constant is written before its first reader. */
  #read(id: number): number {
    const known = this.#ids[id]!
    if (known !== -1) return known
    const { value } = this.#constants[id]!
    const made = this.#value(id)
    this.#nodes.push({ kind: 'constant', value, outputs: [made] })
    return made
  }

  #value(id: number): number {
    const made = this.#shapes.push(this.#from.shapes[id]!) - 1
    this.#ids[id] = made
    return made
  }
}
