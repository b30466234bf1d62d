import { adam, chain, clipByGlobalNorm, nextStep, squaredError, trainer } from '@bptt/stream'
import { sines } from '@bptt/stream/sources'
import { artbp, withReadout } from '@bptt/unroll'
import { take } from 'rxjs'
import { oscillators } from './oscillators.ts'

const online = trainer({
  model: withReadout(oscillators({ inputs: 1, hidden: 24 }), { outputs: 1 }),
  loss: squaredError,
  estimator: artbp({ mean: 25, tail: 4, seed: 1 }),
  optimizer: chain(clipByGlobalNorm(1), adam(5e-3)),
  flavour: 'portable', // the same bits on every machine, so that the page can show them
  seed: 1,
})

let [next, sum, count] = [0, 0, 0]
sines([{ period: 40 }, { period: 13, amplitude: 0.5 }], { noise: 0.02, seed: 3 })
  .stream()
  .pipe(take(20_000), nextStep(), online.train())
  .subscribe(({ events, loss, length }) => {
    sum += loss * length
    count += length
    if (events < next + 4000) return
    console.log(`${events} events: ${(sum / count).toFixed(4)}`)
    ;[next, sum, count] = [next + 4000, 0, 0]
  })
