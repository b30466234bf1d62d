import { adam, chain, clipByGlobalNorm, cosineDecay, squaredError, type TrainerOptions } from '@bptt/stream'
import { artbp, lstm, withReadout } from '@bptt/unroll'

/** What is trained in the worker: a function from the page's settings, which are plain data. */
export default ({ hidden }: { readonly hidden: number }): TrainerOptions => ({
  model: withReadout(lstm({ inputs: 1, hidden }), { outputs: 1 }),
  loss: squaredError,
  estimator: artbp({ mean: 20, tail: 4, seed: 1 }),
  // 10 000 events in segments of about 20; the rate falls, or the loss would go up again and again
  optimizer: chain(clipByGlobalNorm(1), adam(cosineDecay(2e-2, { updates: 480, end: 1e-4 }))),
})
