import {
  adam,
  chain,
  clipByGlobalNorm,
  halfSquaredError,
  predictor,
  type Sample,
  trainer,
} from '@bptt/stream'
import { coin, every, neuroFuzzy } from '@bptt/unroll'
import { from } from 'rxjs'

/** Answers of the plant y(k+1) = (y₁ y₂ y₃ u₁ (y₃ − 1) + u) / (1 + y₂² + y₃²) to inputs u [narendra-parthasarathy1990]. */
function plant(us: readonly number[]): readonly number[] {
  let [y1, y2, y3, before] = [0, 0, 0, 0]
  return us.map(u => {
    const y = (y1 * y2 * y3 * before * (y3 - 1) + u) / (1 + y2 ** 2 + y3 ** 2)
    ;[y1, y2, y3, before] = [y, y1, y2, u]
    return y
  })
}

/** Experiments of 900 inputs, half of them noise and half a slow wave, and what the plant answers. */
function* observed(experiments: number): Generator<Sample> {
  for (let e = 0; e < experiments; e++) {
    const us = Array.from({ length: 900 }, (_, k) =>
      k < 450 ? 2 * coin(1, e, k) - 1 : 1.05 * Math.sin((Math.PI * k) / 45),
    )
    for (const [k, y] of plant(us).entries()) yield { input: [us[k]!], target: [y], reset: k === 0 }
  }
}

/** Error (root mean square) of a neuro-fuzzy system of so many rules on inputs it has not met, its own outputs fed back. */
export function identifyPlant(rules: number): number {
  const model = neuroFuzzy({ rules })
  const online = trainer({
    model,
    loss: halfSquaredError,
    estimator: every(30),
    optimizer: chain(clipByGlobalNorm(1), adam(0.01)),
    flavour: 'portable',
    seed: 1,
  })
  from(observed(33)).pipe(online.train()).subscribe()

  const test = Array.from({ length: 500 }, (_, k) => (k < 250 ? Math.sin((Math.PI * k) / 25) : 1))
  const wanted = plant(test)
  const { carry, step } = predictor(model, online.snapshot().params, { flavour: 'portable' })
  let now = carry
  const squares = test.map((u, k) => {
    const [next, [y]] = step(now, [u])
    now = next
    return (y! - wanted[k]!) ** 2
  })
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length)
}
