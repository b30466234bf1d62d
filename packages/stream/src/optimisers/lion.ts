import { add, mul, sign } from '@bptt/graph'
import { branch, type Optimizer, zip } from '../optimiser.js'
import { checkRate, type Rate, rateNow } from './rate.js'
import { alike, blend, checkAmount, checkUnit, textOf } from './settings.js'

/** Settings of Lion; the defaults are the paper's. */
export interface LionOptions {
  /** Share of the momentum in the step, in [0, 1). */
  readonly b1?: number
  /** Decay of the momentum, in [0, 1). */
  readonly b2?: number
  /** λ ≥ 0: subtracts lr λ p from the parameter. */
  readonly weightDecay?: number
}

const USUAL: Required<LionOptions> = { b1: 0.9, b2: 0.99, weightDecay: 0 }

/**
 * Lion [chen2023, alg. 2]: p ← p − lr (sign(b₁ m + (1 − b₁) g) + λ p), then m ← b₂ m + (1 − b₂) g. Every number moves by lr, so lr is
 * 3 to 10 times smaller than Adam's.
 * @throws GraphError `bad-setting`.
 */
export function lion(lr: Rate, { b1 = 0.9, b2 = 0.99, weightDecay = 0 }: LionOptions = {}): Optimizer {
  checkRate('lion', lr)
  checkUnit('lion', 'b1', b1)
  checkUnit('lion', 'b2', b2)
  checkAmount('lion', 'weightDecay', weightDecay)
  return {
    text: textOf('lion', lr, { b1, b2, weightDecay }, USUAL),
    slots: params => ({ m: alike(params) }),
    update(gradients, { params, slots, count }) {
      const { down, reports } = rateNow(lr, count)
      const old = branch(slots, 'm')
      const updates = zip([old, gradients, params], (m, g, p) => {
        const step = sign(blend(m, g, b1))
        return mul(weightDecay === 0 ? step : add(step, mul(p, weightDecay)), down)
      })
      return { updates, slots: { m: zip([old, gradients], (m, g) => blend(m, g, b2)) }, reports }
    },
  }
}
