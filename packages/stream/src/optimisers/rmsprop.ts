import { add, div, max, mul, type Ref, sqrt, square, sub, type Tree } from '@bptt/graph'
import { branch, type Optimizer, zip } from '../optimiser.js'
import { checkRate, type Rate, rateNow } from './rate.js'
import { alike, blend, checkAmount, checkUnit, decayed, textOf } from './settings.js'

/** Settings of RMSprop; the defaults are PyTorch's. */
export interface RmspropOptions {
  /** α in [0, 1): decay of the mean of squared gradients. */
  readonly alpha?: number
  /** Added to the root; > 0 keeps the first steps finite. */
  readonly eps?: number
  /** μ in [0, 1): each update keeps μ of the last one. */
  readonly momentum?: number
  /** Divides by the standard deviation of the gradient [graves2013, eq. 38–41]: the square of its mean is subtracted first. */
  readonly centered?: boolean
  /** λ ≥ 0: adds λ p to the gradient (L2). */
  readonly weightDecay?: number
}

const USUAL: Required<RmspropOptions> = {
  alpha: 0.99,
  eps: 1e-8,
  momentum: 0,
  centered: false,
  weightDecay: 0,
}

/**
 * RMSprop [tieleman-hinton2012, lecture 6e]: v ← α v + (1 − α) g², p ← p − lr g/(√v + eps); centred with √(v − m²), where
 * m ← α m + (1 − α) g; with momentum b ← μ b + g/(√v + eps), p ← p − lr b. PyTorch's conventions, but a variance that
 * rounding takes below 0 counts as 0.
 * @throws GraphError `bad-setting`.
 */
export function rmsprop(lr: Rate, options: RmspropOptions = {}): Optimizer {
  const { alpha = 0.99, eps = 1e-8, momentum = 0, centered = false, weightDecay = 0 } = options
  checkRate('rmsprop', lr)
  checkUnit('rmsprop', 'alpha', alpha)
  checkAmount('rmsprop', 'eps', eps)
  checkUnit('rmsprop', 'momentum', momentum)
  checkAmount('rmsprop', 'weightDecay', weightDecay)
  const kinds = ['v', ...(centered ? ['m'] : []), ...(momentum > 0 ? ['momentum'] : [])]
  return {
    text: textOf('rmsprop', lr, { alpha, eps, momentum, centered, weightDecay }, USUAL),
    slots: params => Object.fromEntries(kinds.map(kind => [kind, alike(params)])),
    update(gradients, { params, slots, count }) {
      const { down, reports } = rateNow(lr, count)
      const g = decayed(gradients, params, weightDecay)
      const v = zip([branch(slots, 'v'), g], (mean, now) => blend(mean, square(now), alpha))
      const m = centered && zip([branch(slots, 'm'), g], (mean, now) => blend(mean, now, alpha))
      const squares = m ? zip([v, m], (all, mean) => max(sub(all, square(mean)), 0)) : v
      const step = zip([g, squares], (now, square) => div(now, add(sqrt(square), eps)))
      const b = momentum > 0 && kept(branch(slots, 'momentum'), step, momentum)
      return {
        updates: zip([b || step], u => mul(u, down)),
        slots: { v, ...(m && { m }), ...(b && { momentum: b }) },
        reports,
      }
    },
  }
}

const kept = (old: Tree<Ref>, step: Tree<Ref>, momentum: number): Tree<Ref> =>
  zip([old, step], (before, now) => add(mul(before, momentum), now))
