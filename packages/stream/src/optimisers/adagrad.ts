import { add, div, mul, sqrt, square } from '@bptt/graph'
import { branch, type Optimizer, zip } from '../optimiser.js'
import { checkRate, type Rate, rateNow } from './rate.js'
import { alike, checkAmount, decayed, textOf } from './settings.js'

/** Settings of Adagrad; the defaults are PyTorch's. */
export interface AdagradOptions {
  /** Added to the root; > 0 keeps the first steps finite. */
  readonly eps?: number
  /** ≥ 0: where the sums of squares start. */
  readonly initial?: number
  /** λ ≥ 0: adds λ p to the gradient (L2). */
  readonly weightDecay?: number
}

const USUAL: Required<AdagradOptions> = { eps: 1e-10, initial: 0, weightDecay: 0 }

/**
 * Adagrad [duchi2011, fig. 1, diagonal]: s ← s + g², p ← p − lr g/(√s + eps): every number has a rate of its own, that falls with
 * all it has seen.
 * @throws GraphError `bad-setting`.
 */
export function adagrad(lr: Rate, options: AdagradOptions = {}): Optimizer {
  const { eps = 1e-10, initial = 0, weightDecay = 0 } = options
  checkRate('adagrad', lr)
  checkAmount('adagrad', 'eps', eps)
  checkAmount('adagrad', 'initial', initial)
  checkAmount('adagrad', 'weightDecay', weightDecay)
  return {
    text: textOf('adagrad', lr, { eps, initial, weightDecay }, USUAL),
    slots: params => ({ sum: alike(params) }),
    update(gradients, { params, slots, count }) {
      const { down, reports } = rateNow(lr, count)
      const g = decayed(gradients, params, weightDecay)
      const sum = zip([branch(slots, 'sum'), g], (old, now) => add(old, square(now)))
      const root = zip([sum], squares => add(sqrt(initial === 0 ? squares : add(squares, initial)), eps))
      return { updates: zip([g, root], (now, by) => mul(div(now, by), down)), slots: { sum }, reports }
    },
  }
}
