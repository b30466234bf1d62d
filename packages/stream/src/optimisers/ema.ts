import { add, div, GraphError, item, mul, type Ref, sub, type Tensor, type Tree } from '@bptt/graph'
import { branch, checkStep, type Optimizer, zip } from '../optimiser.js'
import type { TrainState } from '../state.js'
import { alike, checkUnit } from './settings.js'

/**
 * Keeps an exponential moving average of the parameters beside those that learn [polyak-juditsky1992]: a ← a + (1 − d)/w (p − a),
 * w ← d w + 1 − d, so that the average is that of the parameters seen, the first included, without a bias to its start. Learning
 * does not change; `averaged` reads it.
 * @param decay d in [0, 1): 0.999 averages over about the last 1000 updates.
 * @throws GraphError `bad-setting`; `no-step` where inner makes no step.
 */
export function ema(decay: number, inner: Optimizer): Optimizer {
  checkUnit('ema', 'decay', decay)
  checkStep('ema', inner)
  return {
    text: `ema(${decay}, ${inner.text})`,
    slots: params => ({ weight: [], average: alike(params), inner: inner.slots(params) }),
    update(gradients, site) {
      const made = inner.update(gradients, { ...site, slots: branch(site.slots, 'inner') })
      const weight = add(mul(branch(site.slots, 'weight') as Ref, decay), 1 - decay)
      const pull = div(1 - decay, weight)
      const average = zip([branch(site.slots, 'average'), site.params, made.updates], (a, p, u) =>
        add(a, mul(sub(add(p, u), a), pull)),
      )
      return { ...made, slots: { weight, average, inner: made.slots } }
    },
    average: (slots, params) =>
      item(branch(slots, 'weight') as Tensor) === 0 ? params : branch(slots, 'average'),
  }
}

/**
 * The averaged parameters of a training state, for evaluation: those `ema` keeps, and of parameters it keeps none of, the ones that
 * learn. A copy in nothing but name: the state is not changed.
 * @throws GraphError `no-average` where the optimiser keeps no average.
 */
export function averaged(
  optimizer: Optimizer,
  { params, slots }: Pick<TrainState, 'params' | 'slots'>,
): Tree<Tensor> {
  if (optimizer.average !== undefined) return optimizer.average(slots, params)
  throw new GraphError(
    'no-average',
    'averaged',
    `${optimizer.text} keeps no average of the parameters`,
    'ema(0.999, adam(1e-3)) keeps one',
  )
}
