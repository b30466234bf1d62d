import { isShape, type Loss, leaves } from '@bptt/graph'
import { bptt, type Optimizer, stepCost } from '@bptt/stream'
import { type Cell, full } from '@bptt/unroll'
import type { Contender } from './contender.js'

/** What learning from a stream costs. */
export interface Cost {
  /** Floating-point operations of an update over `length` events: forward, backward and the optimiser. */
  readonly flops: (length: number) => number
  /** Bytes kept for the gradient where `length` events are learned from at once, in float32: saved values, or influence. */
  readonly bytes: (length: number) => number
}

/** The model and how it is trained. */
interface Training {
  readonly model: Cell
  readonly loss: Loss
  readonly optimizer: Optimizer
}

/** The cost of an estimator, read off the graph of the training step; credit costs the same wherever it is cut. */
export function costOf({ model, loss, optimizer }: Training, { means, estimator }: Contender): Cost {
  const cuts = means.kind === 'cuts'
  const at = stepCost({ model, loss, optimizer, estimator: cuts ? full() : estimator })
  const flops = (length: number): number => at(length).flops
  if (cuts) return { flops, bytes: length => at(length).bytes / 2 } // `stepCost` counts in float64
  const kept =
    means.kind === 'windows' ? windowBytes(model, loss, means.sizes) : memory(model, loss, estimator)
  return { flops, bytes: () => kept }
}

/** The steps behind the newest ones are memory; the newest take as much each. */
function windowBytes(model: Cell, loss: Loss, { h }: { readonly h: number }): number {
  return h * memory(model, loss, bptt({ h: 2, every: 1 }))
}

/** Bytes of what an estimator carries on from window to window, in float32. */
function memory(model: Cell, loss: Loss, estimator: Contender['estimator']): number {
  if (!('method' in estimator)) return 0
  const shapes = leaves(estimator.method({ model, loss, lanes: 1 }).memory, isShape, 'memory')
  return shapes.reduce(
    (sum, [, shape]) => sum + 4 * shape.reduce<number>((size, n) => size * Number(n), 1),
    0,
  )
}
