import { add, GraphError, isShape, mapTree, mul, type Ref, type Tree } from '@bptt/graph'
import { NO_SLOTS, type Optimizer, zip } from '../optimiser.js'
import { checkAmount, checkRate, checkUnit, decayed } from './settings.js'

/** Settings of SGD. */
export interface SgdOptions {
  /** μ in [0, 1): each update keeps μ of the last one. */
  readonly momentum?: number
  /** Look ahead along the momentum [nesterov1983]; in PyTorch's form. */
  readonly nesterov?: boolean
  /** λ ≥ 0: adds λ p to the gradient (L2). */
  readonly weightDecay?: number
}

/**
 * Stochastic gradient descent: p ← p − lr g; with momentum b ← μ b + g, p ← p − lr b, Nesterov p ← p − lr (g + μ b).
 * PyTorch's conventions.
 * @throws GraphError `bad-setting`.
 */
export function sgd(
  lr: number,
  { momentum = 0, nesterov = false, weightDecay = 0 }: SgdOptions = {},
): Optimizer {
  checkRate('sgd', lr)
  checkUnit('sgd', 'momentum', momentum)
  checkAmount('sgd', 'weightDecay', weightDecay)
  if (nesterov && momentum === 0)
    throw new GraphError(
      'bad-setting',
      'sgd',
      'nesterov without momentum; it looks ahead along a momentum > 0',
    )
  const scaled = (step: Tree<Ref>): Tree<Ref> => zip([step], u => mul(u, -lr))
  return {
    text: momentum === 0 ? `sgd(${lr})` : `sgd(${lr}, ${nesterov ? 'nesterov' : 'momentum'} ${momentum})`,
    slots: params => (momentum === 0 ? NO_SLOTS : { momentum: mapTree(params, isShape, shape => shape) }),
    update(gradients, { params, slots }) {
      const g = decayed(gradients, params, weightDecay)
      if (momentum === 0) return { updates: scaled(g), slots: NO_SLOTS }
      const b = zip([(slots as { momentum: Tree<Ref> }).momentum, g], (old, now) =>
        add(mul(old, momentum), now),
      )
      const step = nesterov ? zip([g, b], (now, kept) => add(now, mul(kept, momentum))) : b
      return { updates: scaled(step), slots: { momentum: b } }
    },
  }
}
