import type { Values } from '../evaluate.js'
import type { Graph } from '../graph.js'
import type { Shape } from '../shape.js'
import { isTensor, type Nested, type Tensor, tensor } from '../tensor.js'
import { leaves } from '../tree.js'
import { drawIntegers, drawTensor } from './random.js'

/** How the laws choose numbers for the inputs of a graph. */
export interface PointOptions {
  /** Values for some inputs or all, nested or by dotted name; the others are drawn. */
  readonly values?: Values
  /** Lengths of named axes that no given value binds; 3 where not given. */
  readonly axes?: Readonly<Record<string, number>>
  /** Inputs that hold whole numbers in `[0, n)`: dotted name → n. They have no derivative. */
  readonly integers?: Readonly<Record<string, number>>
  /** Interval that the other inputs are drawn from, `[-1, 1]` by default. */
  readonly domain?: readonly [low: number, high: number]
}

/** A tensor per input of the graph: the given ones, the others drawn. */
export function pointOf(graph: Graph, options: PointOptions, next: () => number): readonly Tensor[] {
  const given = new Map(options.values === undefined ? [] : leaves(options.values, isNested, 'values'))
  const lengths = new Map(Object.entries(options.axes ?? {}))
  for (const port of graph.inputs) {
    const value = given.get(port.name)
    if (value === undefined) continue
    graph.shapes[port.value]!.forEach((dim, axis) => {
      if (typeof dim === 'string') lengths.set(dim, tensor(value).shape[axis]!)
    })
  }
  return graph.inputs.map(port => {
    const value = given.get(port.name)
    if (value !== undefined) return tensor(value)
    const shape = bound(graph.shapes[port.value]!, lengths)
    const count = options.integers?.[port.name]
    return count === undefined ? drawTensor(next, shape, options.domain) : drawIntegers(next, shape, count)
  })
}

const isNested = (value: unknown): value is Nested | Tensor =>
  typeof value === 'number' || Array.isArray(value) || ArrayBuffer.isView(value) || isTensor(value)

const DEFAULT_LENGTH = 3

/** A shape with every named axis as long as `lengths` says, 3 where it says nothing. */
export function bound(shape: Shape, lengths: ReadonlyMap<string, number>): readonly number[] {
  return shape.map(dim => (typeof dim === 'number' ? dim : (lengths.get(dim) ?? DEFAULT_LENGTH)))
}
