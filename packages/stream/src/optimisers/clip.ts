import {
  abs,
  add,
  clamp,
  div,
  GraphError,
  isRef,
  leaves,
  lessEqual,
  mean,
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
 * [pascanu2013]. Not linear: clipping takes the exact unbiasedness from an unbiased estimator. See docs/guide/clipping.md.
 * Reports the factor as `clip` and the norm before it as `norm`.
 * @throws GraphError `bad-setting` where max is not a number > 0.
 * @category Start here
 */
export function clipByGlobalNorm(max: number): Optimizer {
  checkLimit('clipByGlobalNorm', max, 'a norm to clip at')
  return {
    text: `clipByGlobalNorm(${max})`,
    uphill: true,
    slots: () => NO_SLOTS,
    update(gradients) {
      const norm = globalNorm(gradients)
      const clip = min(div(max, add(norm, 1e-6)), 1)
      return { updates: zip([gradients], g => mul(g, clip)), slots: NO_SLOTS, reports: { clip, norm } }
    },
  }
}

/**
 * Every number of the gradients on its own to [−max, max]. Changes the direction [pascanu2013, §3.2]. Reports the share of numbers
 * that were inside, averaged over parameters, as `clip`, and the global norm before as `norm`.
 * @throws GraphError `bad-setting` where max is not a number > 0.
 */
export function clipByValue(max: number): Optimizer {
  checkLimit('clipByValue', max, 'a magnitude to clip at')
  return {
    text: `clipByValue(${max})`,
    uphill: true,
    slots: () => NO_SLOTS,
    update(gradients) {
      const shares = leaves(gradients, isRef, 'clipByValue').map(([, g]) => mean(lessEqual(abs(g), max)))
      const clip = div(
        shares.reduce((a, b) => add(a, b)),
        shares.length,
      )
      const updates = zip([gradients], g => clamp(g, { low: -max, high: max }))
      return { updates, slots: NO_SLOTS, reports: { clip, norm: globalNorm(gradients) } }
    },
  }
}

function checkLimit(where: string, max: number, what: string): void {
  if (!(max > 0)) throw new GraphError('bad-setting', where, `max is ${max}; ${what} is a number > 0`)
}
