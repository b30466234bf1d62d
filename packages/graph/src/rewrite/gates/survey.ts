import { add, mul } from '../../elementwise.js'
import type { ApplyNode, Graph } from '../../graph.js'
import { put } from '../../multimap.js'
import type { ScanAttrs } from '../../scan/attrs.js'
import type { Shape } from '../../shape.js'

/** Who makes and who reads the values of a graph, or of the body of a loop. */
export class Survey {
  /** Values that are given and never change: inputs of the graph, what comes from outside of the loop. */
  readonly still: ReadonlySet<number>
  readonly #graph: Graph
  /** Loops whose stacked outputs may come to lie side by side. */
  readonly #joining: ReadonlySet<ApplyNode>
  readonly #carried: ReadonlySet<number>
  readonly #makers = new Map<number, ApplyNode>()
  /** By value; undefined stands for an output. */
  readonly #readers = new Map<number, (ApplyNode | undefined)[]>()
  readonly #totals: ReadonlyMap<ApplyNode, ApplyNode>

  constructor(graph: Graph, loop: ScanAttrs | undefined, joining: ReadonlySet<ApplyNode>) {
    const { carry, xs } = loop ?? { carry: graph.outputs.length, xs: -graph.outputs.length }
    this.#graph = graph
    this.#joining = joining
    this.still = new Set(graph.inputs.slice(carry + xs).map(port => port.value))
    this.#carried = new Set(graph.outputs.slice(0, carry).map(port => port.value))
    for (const node of graph.nodes) {
      if (node.kind !== 'apply') continue
      for (const id of node.outputs) this.#makers.set(id, node)
      for (const id of node.inputs) put(this.#readers, id, node)
    }
    for (const { value } of graph.outputs) put(this.#readers, value, undefined)
    this.#totals = this.#totalsOf(graph)
  }

  shape(id: number): Shape {
    return this.#graph.shapes[id]!
  }

  /** True for an output of a loop that has gates in it. */
  isStack(id: number): boolean {
    const maker = this.#makers.get(id)
    return maker !== undefined && this.#joining.has(maker)
  }

  /** True for a value that is written wherever one wants it: by an elementwise kernel, and bound to no carry or output of the graph. */
  isMovable(id: number): boolean {
    return this.#makers.get(id)?.op.emission?.kind === 'lanes' && !this.#carried.has(id)
  }

  /** True for a value that loops read step by step, and nobody else. */
  onlySteps(id: number): boolean {
    return (this.#readers.get(id) ?? []).every(node => {
      if (node?.op.emission?.kind !== 'loop') return false
      const { carry, xs } = node.attrs as ScanAttrs
      return node.inputs.every((input, i) => input !== id || (i >= carry && i < carry + xs))
    })
  }

  /**
   * True for a value that, with what is added to it, is a factor, as the candidate of a GRU is one of r ⊙ (W h + b). Made apart,
   * it is computed while the function of the other factor is, r = σ(…), which takes long from its first to its last instruction.
   */
  isFactor(id: number): boolean {
    for (let at: number | undefined = id; at !== undefined; at = this.#addition(at)?.outputs[0])
      if (this.#readers.get(at)?.some(node => node?.op === mul.spec)) return true
    return false
  }

  /** The last addition of the sum that a product is a term of, where each partial sum is read once. */
  total({ outputs }: ApplyNode): ApplyNode | undefined {
    const first = this.#addition(outputs[0]!)
    return first && this.#totals.get(first)
  }

  /** By addition: the last one of its sum. Found from the last node back, so that long sums take no longer. */
  #totalsOf({ nodes }: Graph): ReadonlyMap<ApplyNode, ApplyNode> {
    const totals = new Map<ApplyNode, ApplyNode>()
    for (const node of nodes.toReversed()) {
      if (node.kind !== 'apply' || node.op !== add.spec) continue
      const next = this.#addition(node.outputs[0]!)
      totals.set(node, next === undefined ? node : totals.get(next)!)
    }
    return totals
  }

  /** The addition that reads a value, where that is all that does. */
  #addition(id: number): ApplyNode | undefined {
    const readers = this.#readers.get(id) ?? []
    return readers.length === 1 && readers[0]?.op === add.spec ? readers[0] : undefined
  }

  /** The values that a sum adds, in order. */
  summands({ inputs }: ApplyNode): readonly number[] {
    const found: number[] = []
    const open = [...inputs].reverse()
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const maker = this.#makers.get(id)
      if (maker?.op === add.spec && this.#addition(id) !== undefined) open.push(...maker.inputs.toReversed())
      else found.push(id)
    }
    return found
  }
}
