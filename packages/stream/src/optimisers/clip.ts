import {
  add,
  div,
  GraphError,
  isRef,
  leaves,
  min,
  mul,
  type Ref,
  sqrt,
  square,
  sum,
  type Tree,
} from '@bptt/graph'
import { NO_SLOTS, type Optimizer, zip } from '../optimiser.js'

/** The 2-norm over all leaves together: √ Σ g². */
export function globalNorm(tree: Tree<Ref>): Ref {
  const squares = leaves(tree, isRef, 'globalNorm').map(([, g]) => sum(square(g)))
  return sqrt(squares.reduce((total, part) => add(total, part)))
}

/**
 * Scales all gradients so that their global norm is at most `max`: g · min(1, max/(norm + 1e-6)), as PyTorch does
 * [pascanu2013]. Not linear: clipping takes the exact unbiasedness from an unbiased estimator. Reports the factor as `clip`.
 * @throws GraphError `bad-setting` where max is not a number > 0.
 */
export function clipByGlobalNorm(max: number): Optimizer {
  if (!(max > 0))
    throw new GraphError(
      'bad-setting',
      'clipByGlobalNorm',
      `max is ${max}; a norm to clip at is a number > 0`,
    )
  return {
    text: `clipByGlobalNorm(${max})`,
    slots: () => NO_SLOTS,
    update(gradients) {
      const clip = min(div(max, add(globalNorm(gradients), 1e-6)), 1)
      return { updates: zip([gradients], g => mul(g, clip)), slots: NO_SLOTS, reports: { clip } }
    },
  }
}
