import type { Attrs } from './attrs.js'
import type { Shape } from './shape.js'
import type { Tensor } from './tensor.js'

/** The graph a ref belongs to, as far as ops and transforms need it: a `Builder`. */
export interface Home {
  /** 0 for a graph, 1 for the body of a loop in it, and so on. */
  readonly depth: number
  readonly shapes: readonly Shape[]
  /** The tensor of a value that is fixed in the graph. */
  constantAt(id: number): Tensor | undefined
  /** Adds a constant. */
  constant(value: Tensor | number): Ref
  /** Adds an input. */
  input(name: string, shape: Shape): Ref
  /** Applies an op to values of this graph, without folding. */
  apply(op: { readonly name: string }, inputs: readonly Ref[], attrs: Attrs): readonly Ref[]
  /** The term as a value of this graph. */
  adopt(term: Term, where: string): Ref
}

/**
 * A value in a graph that is being built; ops applied to it add nodes to the same graph.
 * `S` is its shape as far as the type checker knows it.
 */
export class Ref<out S extends Shape = Shape> {
  readonly builder: Home
  readonly id: number

  constructor(builder: Home, id: number) {
    this.builder = builder
    this.id = id
  }

  /** The shape of the value; axes may be named. */
  get shape(): S {
    return this.builder.shapes[this.id]! as S
  }

  /** The value, where it is fixed in the graph. */
  get constant(): Tensor | undefined {
    return this.builder.constantAt(this.id)
  }
}

/** What an op can be applied to: a value of the graph, or a constant. */
export type Term = Ref | Tensor | number

/** True for a Ref. */
export function isRef(value: unknown): value is Ref {
  return value instanceof Ref
}

/** True where the term is a scalar constant of exactly this value (-0 is not 0). */
export function isConstant(term: Ref, value: number): boolean {
  const fixed = term.constant
  return (
    fixed !== undefined &&
    fixed.data.length === 1 &&
    fixed.shape.length === 0 &&
    Object.is(fixed.data[0], value)
  )
}
