import type { Attrs } from './attrs.js'
import type { Emission } from './emission.js'
import type { Ref } from './ref.js'
import type { Bindings, Dim, Shape } from './shape.js'
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

/** True for a graph: a setting of an op may be one. */
export function isGraph(value: unknown): value is Graph {
  return typeof value === 'object' && value !== null && 'nodes' in value && 'shapes' in value
}

/** The tree `T` with a tensor in the place of every shape or ref. */
export type Tensors<T> = T extends { readonly [name: string]: unknown }
  ? T extends { readonly shape: unknown }
    ? Tensor
    : { readonly [K in keyof T]: Tensors<T[K]> }
  : unknown extends T
    ? Tree<Tensor>
    : Tensor

/** What a forward function may read besides its inputs. */
export interface Run {
  readonly attrs: Attrs
  /** Bound shapes of the outputs. */
  readonly shapes: readonly (readonly number[])[]
  readonly bindings: Bindings
}

/** An application whose derivative is wanted: values already in the graph, and the way back through them. */
export interface Linearized {
  readonly outputs: readonly Ref[]
  /** Cotangents of the outputs (null: none) to cotangents of the inputs (null: no dependence). */
  readonly pullback: (cotangents: readonly (Ref | null)[]) => readonly (Ref | null)[]
}

/** An application with the tangents of its outputs, each as the summands it is made of (none: zero). */
export interface Pushed {
  readonly outputs: readonly Ref[]
  readonly tangents: readonly (readonly Ref[])[]
}

/** An application reduced to what is read of it: the positions of the inputs and outputs that stay. */
export interface Trimmed {
  readonly attrs: Attrs
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
}

/** A graph that an op runs `times` times on its own inputs, in order; the first `carry` outputs are the next run's first inputs. */
export interface Inner {
  readonly graph: Graph
  readonly times: Dim
  readonly carry: number
}

/** Runs an inner graph once: its inputs in order, the axes, and the step's place in time (from 1). */
export type Visit = (
  graph: Graph,
  inputs: readonly Tensor[],
  bindings: Bindings,
  t: number,
) => readonly Tensor[]

/** Where the laws draw points for an op. */
export interface Samples {
  /** Interval that inputs are drawn from. */
  readonly domain: readonly [low: number, high: number]
  /** Input shapes and settings to try. */
  readonly cases: readonly { readonly shapes: readonly Shape[]; readonly attrs?: Attrs }[]
  /** Input positions that hold integers in `[0, n)`: position → n. */
  readonly integers?: Readonly<Record<number, number>>
}

/**
 * All the engine knows about an op. Transforms ask these properties and never the name.
 *
 * The three ways to make one are `elementwise`, `linearMap` and `op`.
 */
export interface OpSpec {
  readonly name: string
  /** Input names; a variadic op repeats its last one. */
  readonly inputs: readonly string[]
  readonly variadic: boolean
  /** Names of the inputs, and `y` for the output, whose values the derivative rules read. */
  readonly saves: readonly string[]
  /** False where the derivative is a convention (a gate), so finite differences do not apply. */
  readonly analytic: boolean
  /** Input positions the output depends on differentiably. */
  readonly differentiable: (position: number) => boolean
  /** The shape rule: throws a GraphError where the inputs do not fit. */
  readonly shapes: (inputs: readonly Shape[], attrs: Attrs) => readonly Shape[]
  /** The values, in float64; inputs are not changed. */
  readonly forward: (inputs: readonly Tensor[], run: Run) => readonly Tensor[]
  /** Applies the op and remembers the way back; `wants[i]` says that input i's cotangent is needed. */
  readonly linearize: (inputs: readonly Ref[], attrs: Attrs, wants: readonly boolean[]) => Linearized
  /** Applies the op and pushes the tangents of its inputs (null: zero) through. */
  readonly push: (inputs: readonly Ref[], attrs: Attrs, tangents: readonly (Ref | null)[]) => Pushed
  /** True where only the lengths of the inputs' axes are read, never their numbers. */
  readonly measures?: boolean
  /** A cheaper equal value, tried as the node is made. */
  readonly fold: ((inputs: readonly Ref[], attrs: Attrs) => Ref | undefined) | undefined
  /** Floating-point operations of one application, for the bound shapes of its inputs. */
  readonly flops: (inputs: readonly (readonly number[])[], run: Run) => number
  readonly samples: Samples
  /** How it is compiled; without it, by calling out to `forward`. */
  readonly emission?: Emission | undefined
  /** The same value in simpler ops, for compilation; undefined where it stays as it is. */
  readonly lower?: ((inputs: readonly Ref[], attrs: Attrs) => Ref | undefined) | undefined
  /** The op at every place of a new first axis, which the `mapped` inputs have (at least one). */
  readonly map?: ((inputs: readonly Ref[], mapped: readonly boolean[], attrs: Attrs) => Ref) | undefined
  /** Which inputs can have that axis; where not given, any. */
  readonly mappable?: ((mapped: readonly boolean[]) => boolean) | undefined
  /** The sum of the op's values over a new first axis that all inputs have, where that is one application. */
  readonly accumulate?: ((inputs: readonly Ref[], attrs: Attrs) => Ref) | undefined
  /** The same application where only the `used` outputs are read. Absent: it stays whole. */
  readonly trim?: ((attrs: Attrs, used: readonly boolean[]) => Trimmed) | undefined
  /** The graph the op runs, where it runs one. */
  readonly inner?: ((attrs: Attrs) => Inner) | undefined
  /** `forward`, with every run of the inner graph left to `visit`. */
  readonly replay?: ((inputs: readonly Tensor[], run: Run, visit: Visit) => readonly Tensor[]) | undefined
}
