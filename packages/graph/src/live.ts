import { bind, bindAxes, readInputs, type Values } from './evaluate.js'
import type { ApplyNode, Graph, Tensors } from './graph.js'
import { Affected } from './live/affected.js'
import { Observers } from './live/observers.js'
import { sameData } from './rewrite/keys.js'
import { type Bindings, sameShape } from './shape.js'
import { isTensor, type Nested, type Tensor, tensor } from './tensor.js'
import { grow, leaves } from './tree.js'

/** A graph that keeps its values and recomputes what changes. */
export interface Live<Out = unknown> {
  /** The outputs for the present inputs. */
  readonly outputs: Tensors<Out>
  /** Applications computed so far, those of the start included. */
  readonly computed: number
  /**
   * Changes some inputs at once and recomputes what depends on them, each node at most once.
   * @throws GraphError as `evaluate` does; then nothing has changed.
   */
  set(values: Values): void
  /**
   * Calls `observer` with the outputs after every change of one, once per `set`; returns the way to stop that.
   * An observer may call `set`: all observers see the outputs of one change before those of the next.
   */
  subscribe(observer: (outputs: Tensors<Out>) => void): () => void
}

/**
 * A graph evaluated incrementally: after `set`, exactly the nodes that read a changed value are computed again, in
 * evaluation order. A node whose value comes out the same bit by bit changes nothing after it. A loop is one node.
 *
 * Outputs equal those of `evaluate` on the same inputs. Inputs are copied; tensors that come out are read-only.
 * O(k log k) for k affected nodes, besides the work of their ops.
 *
 * @throws GraphError as `evaluate` does.
 */
export function live<In, Out>(graph: Graph<In, Out>, values: Values): Live<Out> {
  return new LiveGraph<Out>(graph, values)
}

class LiveGraph<Out> implements Live<Out> {
  computed = 0
  outputs: Tensors<Out>
  readonly #graph: Graph
  readonly #affected: Affected
  readonly #observers = new Observers<Tensors<Out>>()
  readonly #inputs: Map<string, Tensor>
  #values: (Tensor | undefined)[] = []
  /** Undefined until the first values are there. */
  #bindings: Bindings | undefined
  #shapes: readonly (readonly number[])[] = []

  constructor(graph: Graph, values: Values) {
    this.#graph = graph
    this.#affected = new Affected(graph)
    this.#inputs = new Map()
    for (const node of graph.nodes) if (node.kind === 'constant') this.#values[node.outputs[0]] = node.value
    this.#change(values)
    this.outputs = this.#read()
  }

  set(values: Values): void {
    if (!this.#change(values)) return
    this.outputs = this.#read()
    this.#observers.notify(this.outputs)
  }

  subscribe(observer: (outputs: Tensors<Out>) => void): () => void {
    return this.#observers.add(observer)
  }

  /** Takes over inputs and what follows from them, all or nothing; true where an output is another. */
  #change(values: Values): boolean {
    const graph = this.#graph
    const inputs = this.#merged(values)
    const bindings = bindAxes(graph, inputs)
    const axes = this.#bindings && changedAxes(this.#bindings, bindings)
    const shapes = axes?.size === 0 ? this.#shapes : bind(graph, bindings)
    const next = new Map<number, Tensor>()
    const queue = this.#affected.queue(axes)
    const offer = (id: number, value: Tensor): void => {
      if (same(this.#values[id], value)) return
      next.set(id, value)
      queue.readersOf(id)
    }
    graph.inputs.forEach((port, i) => {
      offer(port.value, inputs[i]!)
    })
    let computed = 0
    for (let node = queue.next(); node !== undefined; node = queue.next()) {
      const { outputs } = node
      this.#compute(node, next, shapes, bindings).forEach((value, k) => {
        offer(outputs[k]!, value)
      })
      computed++
    }
    this.#commit(next, inputs, computed)
    this.#bindings = bindings
    this.#shapes = shapes
    return graph.outputs.some(port => next.has(port.value))
  }

  /** All inputs in order, the given ones copied. */
  #merged(values: Values): readonly Tensor[] {
    const given = leaves(values, isValue, 'live').map(
      ([name, value]) => [name, copied(tensor(value))] as const,
    )
    return readInputs(this.#graph, Object.fromEntries([...this.#inputs, ...given])) as readonly Tensor[]
  }

  #compute(
    { op, attrs, inputs, outputs }: ApplyNode,
    next: ReadonlyMap<number, Tensor>,
    shapes: readonly (readonly number[])[],
    bindings: Bindings,
  ): readonly Tensor[] {
    const read = inputs.map(id => next.get(id) ?? this.#values[id]!)
    return op.forward(read, { attrs, shapes: outputs.map(id => shapes[id]!), bindings })
  }

  #commit(next: ReadonlyMap<number, Tensor>, inputs: readonly Tensor[], computed: number): void {
    for (const [id, value] of next) this.#values[id] = value
    this.#graph.inputs.forEach((port, i) => {
      this.#inputs.set(port.name, inputs[i]!)
    })
    this.computed += computed
  }

  #read(): Tensors<Out> {
    const found = this.#graph.outputs.map(port => [port.name, this.#values[port.value]!] as const)
    return grow(found) as Tensors<Out>
  }
}

const isValue = (value: unknown): value is Nested | Tensor =>
  typeof value === 'number' || Array.isArray(value) || ArrayBuffer.isView(value) || isTensor(value)

const copied = ({ shape, data }: Tensor): Tensor => ({ shape: [...shape], data: data.slice() })

const same = (a: Tensor | undefined, b: Tensor): boolean =>
  a !== undefined && sameShape(a.shape, b.shape) && sameData(a.data, b.data)

/** Axes that have another length than before. */
function changedAxes(before: Bindings, after: Bindings): ReadonlySet<string> {
  return new Set([...after].filter(([axis, length]) => before.get(axis) !== length).map(([axis]) => axis))
}
