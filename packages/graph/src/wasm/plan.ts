import type { Attrs } from '../attrs.js'
import type { OpSpec } from '../graph.js'
import type { Lane, Lanes } from '../lanes.js'
import type { Dim } from '../shape.js'
import type { Tensor } from '../tensor.js'
import type { Form, Length, Matrices } from './product.js'
import type { Axis, Buffer, Loop, View } from './view.js'

/** One value inside a fused kernel: an operand read from memory, or lanes computed from earlier ones. */
export type Expression =
  | { readonly kind: 'read'; readonly operand: number }
  | { readonly kind: 'constant'; readonly value: number }
  | {
      readonly kind: 'lanes'
      readonly lanes: (e: Lanes, inputs: readonly Lane[], attrs: Attrs) => Lane
      readonly attrs: Attrs
      readonly inputs: readonly number[]
    }

/** Where a value of a fused kernel goes. */
export interface Store {
  readonly expression: number
  readonly operand: number
  /** `set` writes every element; the others combine over the axes that the target lacks (its stride is 0). */
  readonly how: 'set' | 'sum' | 'max'
}

/** Elementwise work over one iteration space, with reductions of its values. */
export interface Fused {
  readonly kind: 'fused'
  readonly name: string
  readonly shape: readonly Dim[]
  /** Broadcast to `shape`. */
  readonly operands: readonly View[]
  readonly expressions: readonly Expression[]
  readonly stores: readonly Store[]
}

/** y = a · b, as matrices. For a tile, b lies in panels. */
export interface Product extends Matrices {
  readonly kind: 'product'
  readonly name: string
  readonly form: Form
  /** For a gradient: room for the panels of a chunk. */
  readonly room: View | undefined
}

/** The second operand of a product copied into panels, as the tile kernel reads it. */
export interface Pack {
  readonly kind: 'pack'
  readonly from: View
  /** Strides of `from` along the summed axis and the columns, in elements. */
  readonly k: number
  readonly n: number
  readonly rows: Length
  readonly columns: number
  readonly to: View
  /** Places to pack at; strides of `from` and `to`. */
  readonly batch: readonly Axis[]
}

/** Rows of a table copied out or added in. */
export interface Rows {
  readonly kind: 'rows'
  readonly name: string
  readonly direction: 'out' | 'in' | 'one'
  readonly table: View
  readonly ids: View
  readonly rows: View
}

/** An op run by its JavaScript forward. */
export interface CallOut {
  readonly kind: 'call'
  readonly op: OpSpec
  readonly attrs: Attrs
  readonly inputs: readonly View[]
  readonly outputs: readonly View[]
  /** Room for the operands' addresses. */
  readonly room: View
}

/** Instructions repeated once per step of a loop. */
export interface LoopInstruction {
  readonly kind: 'loop'
  readonly loop: Loop
  readonly body: readonly Instruction[]
}

export type Instruction = Fused | Product | Pack | Rows | CallOut | LoopInstruction

/** A program before it has addresses: what to do, in order, and on which memory. */
export interface Plan {
  readonly instructions: readonly Instruction[]
  readonly buffers: readonly Buffer[]
  readonly constants: readonly { readonly view: View; readonly value: Tensor }[]
  readonly inputs: readonly { readonly name: string; readonly view: View }[]
  readonly outputs: readonly { readonly name: string; readonly view: View }[]
  /** Pairs of buffers that change places after a run: a resident input, and where its next value is written. */
  readonly swaps: readonly (readonly [input: Buffer, output: Buffer])[]
  /** Axes whose lengths are given at run time. */
  readonly axes: readonly string[]
}
