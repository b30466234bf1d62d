import { adam, chain, clipByGlobalNorm, squaredError, type TrainerOptions } from '@bptt/stream'
import { artbp, lstm, withReadout } from '@bptt/unroll'

/** What is trained in the worker: a function from the page's settings, which are plain data. */
export default ({ hidden }: { readonly hidden: number }): TrainerOptions => ({
  model: withReadout(lstm({ inputs: 1, hidden }), { outputs: 1 }),
  loss: squaredError,
  estimator: artbp({ mean: 20, tail: 4, seed: 1 }),
  optimizer: chain(clipByGlobalNorm(1), adam(5e-3)),
})
