import type { Attrs } from './attrs.js'
import type { Shape } from './shape.js'
import type { OpSpec } from './spec.js'
import type { Tensor } from './tensor.js'
import type { Tree } from './tree.js'

/** A value the caller provides. */
export interface InputNode {
  readonly kind: 'input'
  readonly name: string
  readonly outputs: readonly [number]
}

/** A value fixed in the graph. */
export interface ConstantNode {
  readonly kind: 'constant'
  readonly value: Tensor
  readonly outputs: readonly [number]
}

/** An op applied to earlier values. */
export interface ApplyNode {
  readonly kind: 'apply'
  readonly op: OpSpec
  readonly inputs: readonly number[]
  readonly attrs: Attrs
  readonly outputs: readonly number[]
}

/** A row of the table. `inputs` and `outputs` are value ids; a node reads only values of earlier nodes. */
export type Node = InputNode | ConstantNode | ApplyNode

/** A name for a value at the edge of a graph. */
export interface Port {
  readonly name: string
  readonly value: number
}

/**
 * A program as a flat table in evaluation order (a Wengert list).
 *
 * Values are numbered in the order they are made; `shapes[id]` is the shape of value `id`.
 * `In` and `Out` are the trees of inputs and outputs, known to the type checker only.
 */
export interface Graph<In = unknown, Out = unknown> {
  readonly nodes: readonly Node[]
  readonly shapes: readonly Shape[]
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** Never present at run time; it carries the types of the trees. */
  readonly types?: { readonly in: In; readonly out: Out }
}

/** The tree `T` with a tensor in the place of every shape or ref. */
export type Tensors<T> = T extends { readonly [name: string]: unknown }
  ? T extends { readonly shape: unknown }
    ? Tensor
    : { readonly [K in keyof T]: Tensors<T[K]> }
  : unknown extends T
    ? Tree<Tensor>
    : Tensor
