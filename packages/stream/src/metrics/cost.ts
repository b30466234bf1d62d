import { describe } from '@bptt/graph'
import { unroll } from '@bptt/unroll'
import { type StepOptions, stepGraph } from '../step.js'
import type { Metric } from './metric.js'

/** What windows cost. */
export interface Cost {
  /** Floating-point operations. */
  readonly flops: number
  /** Bytes in float64 kept from the way forward for the way back. */
  readonly bytes: number
}

/**
 * What one update on a window of some events costs, read off its graph: the losses, their gradient and the optimiser. Exact for that graph; a
 * compiled program does what it can without.
 */
export function stepCost(options: StepOptions): (length: number) => Cost {
  const step = stepGraph(options)
  const line = unroll(options.model, { steps: 'T', batch: 1, loss: options.loss })
  const at = (T: number): Cost => ({
    flops: describe(step, { T }).flops!,
    bytes: describe(line.graph, { T }).savedBytes!,
  })
  const [one, two] = [at(1), at(2)]
  // what is done per event is the same at every event, so cost is a straight line in the length
  const through = (name: keyof Cost, T: number): number => one[name] + (two[name] - one[name]) * (T - 1)
  return length => ({ flops: through('flops', length), bytes: through('bytes', length) })
}

/** Flops and bytes so far: the sums over windows of what `costOf` says. */
export function cost(costOf: (length: number) => Cost): Metric<{ readonly length: number }, Cost, Cost> {
  const merge = (first: Cost, second: Cost): Cost => ({
    flops: first.flops + second.flops,
    bytes: first.bytes + second.bytes,
  })
  return {
    init: () => ({ flops: 0, bytes: 0 }),
    update: (state, { length }) => merge(state, costOf(length)),
    value: state => state,
    merge,
  }
}
