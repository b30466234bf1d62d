import { describe, type Loss } from '@bptt/graph'
import { type Optimizer, stepGraph } from '@bptt/stream'
import { type Cell, unroll } from '@bptt/unroll'

/** What a training step over a segment costs: both grow by so much for each event in it. */
export interface Cost {
  /** Floating-point operations of an update over `length` events: forward, backward and the optimiser. */
  readonly flops: (length: number) => number
  /** Bytes kept for the way back over `length` events, in float32. */
  readonly bytes: (length: number) => number
}

/** The cost of training a model, read off the graph of the training step. */
export function costOf(model: Cell, loss: Loss, optimizer: Optimizer): Cost {
  const step = stepGraph({ model, loss, optimizer })
  const saved = (steps: number): number =>
    describe(unroll(model, { steps, batch: 1, loss }).graph).savedBytes ?? 0
  return {
    flops: line(T => describe(step, { T }).flops ?? 0),
    bytes: line(T => saved(T) / 2), // `describe` counts in float64
  }
}

/** The straight line through the values at 1 and 2. */
function line(at: (T: number) => number): (length: number) => number {
  const [one, two] = [at(1), at(2)]
  return length => one + (two - one) * (length - 1)
}
