import type { Attrs } from './attrs.js'
import type { Ref } from './ref.js'
import type { Bindings, Shape } from './shape.js'
import type { Tensor } from './tensor.js'

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
  readonly shapes: (inputs: readonly Shape[], attrs: Attrs) => readonly Shape[]
  readonly forward: (inputs: readonly Tensor[], run: Run) => readonly Tensor[]
  /** Applies the op and remembers the way back; `wants[i]` says that input i's cotangent is needed. */
  readonly linearize: (inputs: readonly Ref[], attrs: Attrs, wants: readonly boolean[]) => Linearized
  /** Applies the op and pushes the tangents of its inputs (null: zero) through. */
  readonly push: (inputs: readonly Ref[], attrs: Attrs, tangents: readonly (Ref | null)[]) => Pushed
  /** A cheaper equal value, tried as the node is made. */
  readonly fold: ((inputs: readonly Ref[], attrs: Attrs) => Ref | undefined) | undefined
  /** Floating-point operations of one application, for the bound shapes of its inputs. */
  readonly flops: (inputs: readonly (readonly number[])[], run: Run) => number
  readonly samples: Samples
}
