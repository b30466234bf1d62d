// A stranger's program in plain JavaScript: trains an LSTM on a stream and prints what it learned.
import { squaredError } from '@bptt/graph'
import { adam, chain, clipByGlobalNorm, nextStep, trainer } from '@bptt/stream'
import { artbp, lstm, withReadout } from '@bptt/unroll'
import { last, map, range } from 'rxjs'

const online = trainer({
  model: withReadout(lstm({ inputs: 1, hidden: 8 }), { outputs: 1 }),
  loss: squaredError,
  estimator: artbp({ mean: 20, tail: 4, seed: 7 }),
  optimizer: chain(clipByGlobalNorm(1), adam(1e-2)),
})

range(0, 300)
  .pipe(
    map(t => [Math.sin(t / 5)]),
    nextStep(),
    online.train(),
    last(),
  )
  .subscribe(({ events, loss }) => console.log(JSON.stringify({ events, finite: Number.isFinite(loss) })))
