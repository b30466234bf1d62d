import type { Loss } from '@bptt/graph'
import { type Optimizer, stepCost } from '@bptt/stream'
import { type Cell, full } from '@bptt/unroll'

/** What a training step over a segment costs: both grow by so much for each event in it. */
export interface Cost {
  /** Floating-point operations of an update over `length` events: forward, backward and the optimiser. */
  readonly flops: (length: number) => number
  /** Bytes kept for the way back over `length` events, in float32. */
  readonly bytes: (length: number) => number
}

/** The cost of training a model, read off the graph of the training step; credit costs the same wherever it is cut. */
export function costOf(model: Cell, loss: Loss, optimizer: Optimizer): Cost {
  const at = stepCost({ model, loss, optimizer, estimator: full() })
  return { flops: length => at(length).flops, bytes: length => at(length).bytes / 2 } // `stepCost` counts in float64
}
