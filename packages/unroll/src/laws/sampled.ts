import { evaluate, type Graph, type Tensor, type Tree, type Values, valueAndGradient } from '@bptt/graph'
import { coin } from '../coin.js'
import { combined, inner, rowsOf, tensorsOf, under } from '../numbers.js'
import { unroll } from '../unroll.js'
import { windows } from '../windows.js'
import { firstGradient, flattened, hasParams, single } from './chain.js'
import { apart, type CellLaw, firstOf } from './compare.js'
import { type Found, lawLoss, type Subject } from './subject.js'

/** The gradient of the first example by params under BPTT(h; 1). */
function upTo(subject: Subject, h: number): Found {
  const line = windows(unroll(subject.cell, { steps: subject.steps, loss: lawLoss(1) }), { h })
  const slope = valueAndGradient(line.graph as Graph, { of: 'loss', by: ['params'] }) as Graph
  return under(tensorsOf(evaluate(slope, single(subject))), 'gradient.params')
}

/** How far parameters are moved along a direction. */
const SIGMA = 1e-5

const evolution: CellLaw = {
  name: 'persistent evolution strategies are BPTT in the mean over the signs of their perturbations, truncated ones BPTT(1; 1) (43)',
  skip: hasParams,
  broken: subject => {
    const shapes = tensorsOf((subject.values as { params: Tree<Tensor> }).params)
    const direction = new Map(
      [...shapes].map(([name, { shape }], i) => [name, subject.random(shape, 900 + i)]),
    )
    // what twice the distance changes bounds what σ leaves
    const [close, far] = [SIGMA, 2 * SIGMA].map(sigma => evolved(subject, direction, sigma))
    const checks = [
      ['persistent', 'BPTT', inner(upTo(subject, subject.steps), direction)],
      ['truncated', 'BPTT(1; 1)', inner(upTo(subject, 1), direction)],
    ] as const
    return firstOf(
      checks.map(([kind, other, slope]) => {
        const within = 1e-6 * Math.max(1, Math.abs(slope)) + Math.abs(far![kind] - close![kind])
        if (Math.abs(close![kind] - slope) <= within) return undefined
        return `${kind} evolution and ${other} along one direction: ${close![kind]} and ${slope}`
      }),
    )
  },
}

/**
 * The means of Σ_t ξ_t L_t/σ² and Σ_t ε_t L_t/σ² over all signs of ε_1, …, ε_T = ±σ, where step t runs with the parameters
 * θ + ε_t v and ξ_t = ε_1 + … + ε_t. Exact for losses quadratic in the parameters, else up to σ² [vicol2021].
 */
function evolved(
  subject: Subject,
  v: Found,
  sigma: number,
): { readonly persistent: number; readonly truncated: number } {
  const { graph } = unroll(subject.cell, { steps: 1, loss: lawLoss(1) })
  const { xs, targets, ...start } = single(subject) as unknown as Record<string, Tensor>
  const given = new Map(Object.entries(start))
  const moved = [-sigma, sigma].map(
    by =>
      [
        by,
        combined([
          [1, under(given, 'params')],
          [by, v],
        ]),
      ] as const,
  )
  let [persistent, truncated] = [0, 0]
  const walk = (t: number, carry: Found, sum: number, share: number): void => {
    if (t === subject.steps) return
    const rows = { xs: rowsOf(xs!, t, t + 1), targets: rowsOf(targets!, t, t + 1) }
    for (const [by, params] of moved) {
      const at = { ...named('params', params), ...named('carry', carry), ...rows }
      const made = tensorsOf(evaluate(graph, at as unknown as Values))
      const loss = (made.get('loss')!.data[0]! * share) / 2 / sigma ** 2
      persistent += (sum + by) * loss
      truncated += by * loss
      walk(t + 1, under(made, 'carry'), sum + by, share / 2)
    }
  }
  walk(0, under(given, 'carry'), 0, 1)
  return { persistent, truncated }
}

const named = (prefix: string, found: Found): Readonly<Record<string, Tensor>> =>
  Object.fromEntries([...found].map(([name, value]) => [name === '' ? prefix : `${prefix}.${name}`, value]))

/** Full BPTT as the sum of its lags, of which as many are taken as a coin says [beatson-adams2019]. */
const telescopes: CellLaw = {
  name: 'randomized telescopes over lags are full BPTT in the mean, by a single sample and by Russian roulette (44)',
  skip: hasParams,
  broken: subject => {
    const { steps, seed } = subject
    const sums = Array.from({ length: steps }, (_, i) => upTo(subject, i + 1))
    const terms = sums.map((one, n) =>
      n === 0
        ? one
        : combined([
            [1, one],
            [-1, sums[n - 1]!],
          ]),
    )
    const chances = normed(terms.map((_, n) => 0.1 + coin(seed, 77, n)))
    const least = chances.map((_, n) => chances.slice(n).reduce((sum, q) => sum + q))
    const samples = chances.map((q, n) => [q, combined([[1 / q, terms[n]!]])] as const)
    const roulette = chances.map(
      (q, N) => [q, combined(terms.slice(0, N + 1).map((term, n) => [1 / least[n]!, term]))] as const,
    )
    const full = firstGradient(subject).params
    return firstOf([
      apart('the mean of single samples and full BPTT', flattened(combined(samples)), full, 1e-9),
      apart('the mean of Russian roulette and full BPTT', flattened(combined(roulette)), full, 1e-9),
    ])
  },
}

const normed = (weights: readonly number[]): readonly number[] => {
  const total = weights.reduce((sum, weight) => sum + weight)
  return weights.map(weight => weight / total)
}

/** Laws of estimators that draw samples: their means, by enumeration. */
export const sampledLaws: readonly CellLaw[] = [evolution, telescopes]
