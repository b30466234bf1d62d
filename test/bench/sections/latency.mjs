// A process of its own: prints how long after its start it had loaded the packages and made its first update.
import { adam, chain, clipByGlobalNorm, softmaxCrossEntropy, trainer } from '@bptt/stream'
import { every, lstm, withEmbedding, withReadout } from '@bptt/unroll'
import { range } from 'rxjs'
import { map } from 'rxjs/operators'

const loaded = performance.now()
const model = withReadout(withEmbedding(lstm({ inputs: 64, hidden: 128 }), { symbols: 64 }), { outputs: 64 })
const own = trainer({
  model,
  loss: softmaxCrossEntropy,
  estimator: every(50),
  optimizer: chain(clipByGlobalNorm(1), adam(1e-3)),
})
range(0, 50)
  .pipe(
    map(t => ({ input: t % 64, target: (t + 1) % 64 })),
    own.train(),
  )
  .subscribe(() => {
    const first = performance.now()
    const rss = process.resourceUsage().maxRSS / 1024
    process.stdout.write(`${JSON.stringify({ loaded, first, rss })}\n`)
  })
