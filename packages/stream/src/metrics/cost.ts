import { describe, isShape, leaves, type Shape, sizeOf, type Tree } from '@bptt/graph'
import { unroll } from '@bptt/unroll'
import { type StepOptions, setupGraph, setupOf } from '../step.js'
import type { Metric } from './metric.js'

/** What windows cost. */
export interface Cost {
  /** Floating-point operations. */
  readonly flops: number
  /** Bytes in float64 kept from the way forward for the way back, and from window to window by the estimator. */
  readonly bytes: number
}

/**
 * What one update on a window of so many events (of all lanes together) costs, read off its graph: the losses, their gradient and the optimiser.
 * Exact for that graph where lanes end together; a compiled program does what it can without.
 */
export function stepCost(options: StepOptions): (length: number) => Cost {
  const setup = setupOf(options)
  const { model, loss, lanes } = setup
  const step = setupGraph(setup)
  const line = unroll(model, { steps: 'T', batch: lanes, loss })
  const memory = bytesOf(setup.method.memory)
  const at = (T: number): Cost => ({
    flops: describe(step, { T }).flops!,
    bytes: describe(line.graph, { T }).savedBytes! + memory,
  })
  const [one, two] = [at(1), at(2)]
  // what is done per step is the same at every step, so cost is a straight line in their number
  const through = (name: keyof Cost, T: number): number => one[name] + (two[name] - one[name]) * (T - 1)
  return length => ({ flops: through('flops', length / lanes), bytes: through('bytes', length / lanes) })
}

/** In float64. */
function bytesOf(shapes: Tree<Shape>): number {
  if (Object.keys(shapes).length === 0) return 0
  return leaves(shapes, isShape, 'memory').reduce(
    (sum, [, shape]) => sum + 8 * sizeOf(shape as readonly number[]),
    0,
  )
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
