import { add, equal, GraphError, mul, type Ref, type Tree, where } from '@bptt/graph'
import { branch, NO_SLOTS, type Optimizer, zip } from '../optimiser.js'
import { checkRate, type Rate, rateNow } from './rate.js'
import { alike, checkAmount, checkUnit, decayed, textOf } from './settings.js'

/** Settings of SGD. */
export interface SgdOptions {
  /** μ in [0, 1): each update keeps μ of the last one. */
  readonly momentum?: number
  /** τ in [0, 1): of every gradient but the first, 1 − τ goes into the momentum. */
  readonly dampening?: number
  /** Look ahead along the momentum [nesterov1983]; in PyTorch's form. */
  readonly nesterov?: boolean
  /** λ ≥ 0: adds λ p to the gradient (L2). */
  readonly weightDecay?: number
}

const USUAL: Required<SgdOptions> = { momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 }

/**
 * Stochastic gradient descent: p ← p − lr g; with momentum b ← μ b + (1 − τ) g, p ← p − lr b, Nesterov p ← p − lr (g + μ b).
 * PyTorch's conventions: the first b is g.
 * @throws GraphError `bad-setting`.
 * @category Start here
 */
export function sgd(lr: Rate, options: SgdOptions = {}): Optimizer {
  const { momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options
  const settings = { momentum, dampening, nesterov, weightDecay }
  checkSgd(lr, settings)
  return {
    text: textOf('sgd', lr, settings, USUAL),
    slots: params => (momentum === 0 ? NO_SLOTS : { momentum: alike(params) }),
    update(gradients, { params, slots, count }) {
      const { down, reports } = rateNow(lr, count)
      const scaled = (step: Tree<Ref>): Tree<Ref> => zip([step], u => mul(u, down))
      const g = decayed(gradients, params, weightDecay)
      if (momentum === 0) return { updates: scaled(g), slots: NO_SLOTS, reports }
      const share = dampening === 0 ? 1 : where(equal(count, 0), 1, 1 - dampening)
      const b = zip([branch(slots, 'momentum'), g], (old, now) => add(mul(old, momentum), mul(now, share)))
      const step = nesterov ? zip([g, b], (now, kept) => add(now, mul(kept, momentum))) : b
      return { updates: scaled(step), slots: { momentum: b }, reports }
    },
  }
}

function checkSgd(lr: Rate, { momentum, dampening, nesterov, weightDecay }: Required<SgdOptions>): void {
  checkRate('sgd', lr)
  checkUnit('sgd', 'momentum', momentum)
  checkUnit('sgd', 'dampening', dampening)
  checkAmount('sgd', 'weightDecay', weightDecay)
  const fault = nesterov
    ? momentum === 0
      ? 'nesterov without momentum; it looks ahead along a momentum > 0'
      : dampening > 0 && 'nesterov with dampening; it looks ahead along the whole momentum'
    : momentum === 0 && dampening > 0 && 'dampening without momentum; it is of what goes into a momentum > 0'
  if (fault) throw new GraphError('bad-setting', 'sgd', fault)
}
