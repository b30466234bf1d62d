import { type ApplyNode, type Graph, isGraph } from '../graph.js'
import { put } from '../multimap.js'
import { isRecord } from '../text/values.js'

/** Which nodes of a graph read a value or depend on the length of an axis. */
export class Affected {
  readonly #graph: Graph
  /** Nodes that read a value, by value id. */
  readonly #readers: readonly (readonly number[])[]
  readonly #axes: ReadonlyMap<string, readonly number[]>

  constructor(graph: Graph) {
    this.#graph = graph
    const readers: number[][] = graph.shapes.map(() => [])
    const axes = new Map<string, number[]>()
    graph.nodes.forEach((node, at) => {
      if (node.kind !== 'apply') return
      for (const id of new Set(node.inputs)) readers[id]!.push(at)
      for (const axis of axesOf(graph, node)) put(axes, axis, at)
    })
    this.#readers = readers
    this.#axes = axes
  }

  /** The nodes to compute when these axes have changed; undefined at the start, for all nodes. */
  queue(axes: ReadonlySet<string> | undefined): Queue {
    const queue = new Queue(this.#graph, this.#readers)
    if (axes === undefined) {
      this.#graph.nodes.forEach((node, at) => {
        if (node.kind === 'apply') queue.add(at)
      })
      return queue
    }
    for (const axis of axes) for (const at of this.#axes.get(axis) ?? []) queue.add(at)
    return queue
  }
}

/** Nodes that wait to be computed, each once, in evaluation order (a binary heap). */
export class Queue {
  readonly #graph: Graph
  readonly #readers: readonly (readonly number[])[]
  readonly #heap: number[] = []
  readonly #added = new Set<number>()

  constructor(graph: Graph, readers: readonly (readonly number[])[]) {
    this.#graph = graph
    this.#readers = readers
  }

  /** Adds the nodes that read a value. */
  readersOf(id: number): void {
    for (const at of this.#readers[id]!) this.add(at)
  }

  /** Adds a node that has not been added before. */
  add(at: number): void {
    if (this.#added.has(at)) return
    this.#added.add(at)
    const heap = this.#heap
    let i = heap.push(at) - 1
    while (i > 0) {
      const above = (i - 1) >> 1
      if (heap[above]! <= at) break
      heap[i] = heap[above]!
      i = above
    }
    heap[i] = at
  }

  /** The first node that waits. */
  next(): ApplyNode | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined) return undefined
    if (heap.length > 0) sink(heap, last)
    return this.#graph.nodes[first] as ApplyNode
  }
}

/** Puts a number in the place of the first one, and down to where it belongs. */
function sink(heap: number[], at: number): void {
  let i = 0
  for (;;) {
    let below = 2 * i + 1
    if (below >= heap.length) break
    if (below + 1 < heap.length && heap[below + 1]! < heap[below]!) below++
    if (heap[below]! >= at) break
    heap[i] = heap[below]!
    i = below
  }
  heap[i] = at
}

/** Axes that a node's value can depend on: named in its shapes and its settings, the bodies of loops included. */
function axesOf(graph: Graph, node: ApplyNode): ReadonlySet<string> {
  const found = new Set<string>()
  const note = (value: unknown): void => {
    if (typeof value === 'string') found.add(value)
    else if (Array.isArray(value)) for (const item of value) note(item)
    else if (isGraph(value)) noteGraph(value)
    else if (isRecord(value)) for (const item of Object.values(value)) note(item)
  }
  const noteGraph = (inner: Graph): void => {
    note(inner.shapes)
    for (const { attrs } of inner.nodes.filter(inside => inside.kind === 'apply')) note(attrs)
  }
  for (const id of [...node.inputs, ...node.outputs]) note(graph.shapes[id])
  note(node.attrs)
  return found
}
