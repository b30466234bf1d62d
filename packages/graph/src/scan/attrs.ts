import type { Attrs } from '../attrs.js'
import type { Graph } from '../graph.js'
import type { Dim } from '../shape.js'

/**
 * What a scan repeats. The body's inputs are, in order, `carry` values, `xs` (one step's slice of each sequence) and
 * constants; its outputs the next carry, then one step's part of each stacked output. The scan's own inputs and
 * outputs stand in the same order.
 */
export interface ScanAttrs extends Attrs {
  readonly body: Graph
  readonly carry: number
  readonly xs: number
  readonly length: Dim
  /** Steps run from the last to the first. */
  readonly reverse: boolean
}
