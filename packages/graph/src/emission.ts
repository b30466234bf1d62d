import type { Attrs } from './attrs.js'
import type { Lane, Lanes } from './lanes.js'
import type { Dim } from './shape.js'

/** Where the elements of a value lie: strides and an offset, counted in elements of a buffer. */
export interface Layout {
  readonly shape: readonly Dim[]
  readonly strides: readonly number[]
  readonly offset: number
}

/** How an op becomes machine code. An op without one is run by calling out to its JavaScript forward. */
export type Emission =
  /** Element by element over inputs that broadcast. */
  | {
      readonly kind: 'lanes'
      /** One register of each input to one of the output. */
      readonly lanes: (e: Lanes, inputs: readonly Lane[], attrs: Attrs) => Lane
    }
  /** No code: every output is another look at the memory of the first input; undefined where it can't be. */
  | {
      readonly kind: 'view'
      /** Where the elements of an output lie. */
      readonly view: (
        input: Layout,
        attrs: Attrs,
        shape: readonly Dim[],
        output: number,
      ) => Layout | undefined
    }
  /** The input summed, or its largest element taken, over the axes that the output lacks or has with length 1. */
  | { readonly kind: 'reduce'; readonly by: 'sum' | 'max' }
  /** Parts of the output along one axis, from the inputs in order; zero where none is. */
  | {
      readonly kind: 'place'
      /** The axis, and where on it each part starts. */
      readonly parts: (
        attrs: Attrs,
        sizes: readonly Dim[],
      ) => { readonly axis: number; readonly starts: readonly number[] }
    }
  /** A product in the letters of `contract`. */
  | {
      readonly kind: 'product'
      /** The letters, such as `'bi,hi->bh'`. */
      readonly spec: (attrs: Attrs) => string
    }
  /** By whole-number ids: rows of a table copied out (`out`) or added in (`in`), or a single 1 per row (`one`). */
  | { readonly kind: 'rows'; readonly direction: 'out' | 'in' | 'one' }
  /** A body repeated: a scan. */
  | { readonly kind: 'loop' }
