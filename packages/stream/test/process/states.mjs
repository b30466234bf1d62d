// A trainer that is small and quick to start, and states of it.
import { adam, squaredError, trainer } from '@bptt/stream'
import { artbp, elman, every, withReadout } from '@bptt/unroll'
import { from } from 'rxjs'

/** Event t of an endless stream, from 1: the same wherever it is read from. */
export const event = t => ({
  input: [Math.sin(t / 3), Math.cos(t * t)],
  target: [Math.sin((t + 1) / 3)],
  ...(t % 17 === 0 && { reset: true }),
})

export const options = {
  model: withReadout(elman({ inputs: 2, hidden: 3 }), { outputs: 1 }),
  loss: squaredError,
  optimizer: adam(0.01),
  estimator: every(4),
  seed: 5,
}

/** The state after so many events. */
export function snapshotOf(events) {
  const online = trainer({ ...options, engine: 'reference' })
  from(Array.from({ length: events }, (_, i) => event(i + 1)))
    .pipe(online.train())
    .subscribe()
  return online.snapshot()
}

/** Ways to make gradients, by name. */
export const estimators = {
  block: every(4),
  artbp: artbp({ mean: 6, tail: 4, seed: 3 }),
}

export default options
