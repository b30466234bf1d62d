import { filled, isShape, mapTree } from '@bptt/graph'
import { zeroCarry } from '@bptt/unroll'
import { mean } from './metrics/mean.js'
import type { Snapshot } from './state.js'
import type { Setup } from './step.js'
import { startCutting } from './window.js'

/** The state before the first event. `seed` draws the parameters. */
export function initialState({ model, optimizer, lanes, estimator, method }: Setup, seed: number): Snapshot {
  const { params } = model.init(seed)
  return {
    params,
    slots: mapTree(optimizer.slots(model.params), isShape, shape => filled(shape as readonly number[], 0)),
    carry: zeroCarry(model, lanes),
    memory: method.start(params),
    counters: { events: 0, updates: 0, prequential: mean().init() },
    open: startCutting(estimator.cuts, lanes),
  }
}
