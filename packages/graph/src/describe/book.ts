import type { ApplyNode, Graph } from '../graph.js'
import { checkShape, type Dim, type Shape, sizeOf } from '../shape.js'
import { savedValues } from './saved.js'

/** What one op costs in a graph: all its applications together. */
export interface OpCost {
  readonly name: string
  /** Nodes in the graph and in the bodies of its loops. */
  readonly count: number
  /** Undefined where an axis has no length. */
  readonly flops: number | undefined
  /** Bytes of its values that a gradient keeps; undefined where an axis has no length. */
  readonly savedBytes: number | undefined
}

/** Bytes of a float64. */
const BYTES = 8

/** True for the name of a parameter: `params`, or one under it. */
export function isParameter(name: string): boolean {
  return name === 'params' || name.startsWith('params.')
}

/** Sums of counts, flops and bytes over a graph and the graphs that its ops run, in total and per op. */
export class Book {
  nodes = 0
  flops = 0
  valueBytes = 0
  savedBytes = 0
  readonly #lengths: ReadonlyMap<string, number>
  readonly #unbound = new Set<string>()
  readonly #ops = new Map<string, { count: number; flops: number; savedBytes: number }>()

  constructor(graph: Graph, lengths: Readonly<Record<string, number>>) {
    for (const axis of Object.keys(lengths)) checkShape([lengths[axis]!], `axis '${axis}'`)
    this.#lengths = new Map(Object.entries(lengths))
    this.#noteAxes(graph)
    this.#graph(graph, 1)
    this.#saved(graph)
  }

  /** Named axes that were met and have no length. */
  get unbound(): readonly string[] {
    return [...this.#unbound]
  }

  /** Costs per op, most flops first. */
  ops(): readonly OpCost[] {
    const known = this.#unbound.size === 0
    return [...this.#ops]
      .sort(([, a], [, b]) => b.flops - a.flops || b.count - a.count)
      .map(([name, { count, flops, savedBytes }]) => ({
        name,
        count,
        flops: known ? flops : undefined,
        savedBytes: known ? savedBytes : undefined,
      }))
  }

  /** Elements of a shape; undefined where an axis has no length. */
  sizeOf(shape: Shape): number | undefined {
    const known = shape.every(dim => typeof dim === 'number' || this.#lengths.has(dim))
    return known ? sizeOf(this.#bound(shape)) : undefined
  }

  #noteAxes(graph: Graph): void {
    for (const shape of graph.shapes) this.#bound(shape)
    for (const node of graph.nodes) {
      const inner = node.kind === 'apply' ? node.op.inner?.(node.attrs) : undefined
      if (inner === undefined) continue
      this.#length(inner.times)
      this.#noteAxes(inner.graph)
    }
  }

  /** Books a graph that runs `times` times. */
  #graph(graph: Graph, times: number): void {
    for (const node of graph.nodes) {
      this.nodes++
      for (const id of node.outputs) this.valueBytes += this.#bytes(graph.shapes[id]!)
      if (node.kind === 'apply') this.#apply(graph, node, times)
    }
  }

  #apply(graph: Graph, node: ApplyNode, times: number): void {
    const { op, inputs, outputs, attrs } = node
    const entry = this.#entry(op.name)
    entry.count++
    const inner = op.inner?.(attrs)
    if (inner !== undefined) {
      this.#graph(inner.graph, times * this.#length(inner.times))
      return
    }
    if (this.#unbound.size > 0) return
    const shapes = outputs.map(id => this.#bound(graph.shapes[id]!))
    const read = inputs.map(id => this.#bound(graph.shapes[id]!))
    const flops = times * op.flops(read, { attrs, shapes, bindings: this.#lengths })
    entry.flops += flops
    this.flops += flops
  }

  #saved(graph: Graph): void {
    const some = graph.inputs.some(port => isParameter(port.name))
    const wanted = graph.inputs.map(port => !some || isParameter(port.name))
    for (const { op, shape } of savedValues(graph, wanted)) {
      const bytes = this.#bytes(shape)
      this.#entry(op).savedBytes += bytes
      this.savedBytes += bytes
    }
  }

  #entry(name: string): { count: number; flops: number; savedBytes: number } {
    const entry = this.#ops.get(name) ?? { count: 0, flops: 0, savedBytes: 0 }
    this.#ops.set(name, entry)
    return entry
  }

  #bytes(shape: Shape): number {
    return BYTES * sizeOf(this.#bound(shape))
  }

  #bound(shape: Shape): readonly number[] {
    return shape.map(dim => this.#length(dim))
  }

  /** A length; 0 for an axis without one, which is noted. */
  #length(dim: Dim): number {
    const length = typeof dim === 'number' ? dim : this.#lengths.get(dim)
    if (length === undefined) this.#unbound.add(dim as string)
    return length ?? 0
  }
}
