import { needTargets } from './base.js'
import { type Case, gradsAt, paramGradsAt } from './case.js'
import { compare, type Finding, type Named, type Pair, pairOf, pairUp } from './compare.js'
import { type Hazard, hazardAt } from './hazard.js'
import { bad, field, items, listAt, numberAt, optional, type Spot } from './read.js'
import { combined } from './run.js'
import { gatedRunner, hazardPairs } from './truncations.js'

/** One pattern of cuts: its chance, and the gradients with cuts repaid and not. */
interface Drawn {
  readonly spot: Spot
  readonly probability: number
  readonly gates: readonly number[]
  readonly cuts: readonly number[]
  readonly repaid: Named
  readonly kept: Named
}

/** Random truncation: every pattern of cuts, and the means over them. */
export function checkExpectations(of: Case): readonly Finding[] {
  const list = optional(of.spot, 'expectations')
  if (list === undefined) return []
  needTargets(of, 'expectations')
  const run = gatedRunner(of)
  return items(list).flatMap(spot => {
    const hazard = hazardAt(field(spot, 'hazard'))
    const drawn = items(field(spot, 'patterns')).map(at => draw(of, at, run))
    return checkHazard(of, spot, hazard, drawn)
  })
}

function draw(of: Case, spot: Spot, run: (weights: readonly number[]) => Named): Drawn {
  const gates = [...listAt(field(spot, 'gates'), of.steps - 1).data]
  const cuts = [...listAt(field(spot, 'cuts'), of.steps - 1).data]
  const kept = run(cuts.map(cut => (cut ? 0 : 1)))
  return { spot, probability: numberAt(field(spot, 'probability')), gates, cuts, repaid: run(gates), kept }
}

function checkHazard(of: Case, spot: Spot, hazard: Hazard, drawn: readonly Drawn[]): readonly Finding[] {
  const mean = combined(drawn.map(({ probability, repaid }) => ({ factor: probability, tensors: repaid })))
  const discounted = combined(drawn.map(({ probability, kept }) => ({ factor: probability, tensors: kept })))
  return [
    compare(of.name, `patterns ${hazard.text}`, [
      ...completePairs(of, spot, drawn),
      ...patternPairs(of, hazard, drawn),
    ]),
    compare(of.name, `E[artbp ${hazard.text}]`, [
      ...expectedPairs(of, optional(spot, 'expected_grads'), mean),
      ...expectedPairs(of, optional(of.spot, 'grads'), mean).map(pair => ({
        ...pair,
        name: `full ${pair.name}`,
      })),
    ]),
    compare(
      of.name,
      `E[cuts not repaid ${hazard.text}]`,
      expectedPairs(of, optional(spot, 'uncompensated_expected_grads'), discounted),
    ),
    compare(of.name, `variance ${hazard.text}`, variancePairs(spot, drawn, mean)),
  ]
}

/** All 2^(T−1) patterns are there, and their chances add up to 1. */
function completePairs(of: Case, spot: Spot, drawn: readonly Drawn[]): readonly Pair[] {
  const count = 2 ** (of.steps - 1)
  const different = new Set(drawn.map(({ cuts }) => cuts.join(''))).size
  if (different !== count || drawn.length !== count)
    throw bad(
      field(spot, 'patterns'),
      `${of.steps} steps have ${count}`,
      `a list of ${different} different patterns`,
    )
  return [
    pairOf(
      'sum of probabilities',
      drawn.reduce((sum, { probability }) => sum + probability, 0),
      1,
    ),
  ]
}

function patternPairs(of: Case, hazard: Hazard, drawn: readonly Drawn[]): readonly Pair[] {
  return drawn.flatMap(({ spot, gates, cuts, repaid }) => {
    const label = `pattern ${cuts.join('')}: `
    const grads = optional(spot, 'param_grads')
    return [
      ...hazardPairs(hazard, spot, gates).map(pair => ({ ...pair, name: label + pair.name })),
      ...(grads === undefined ? [] : pairUp(label, repaid, paramGradsAt(grads, of))),
    ]
  })
}

const expectedPairs = (of: Case, spot: Spot | undefined, got: Named): readonly Pair[] =>
  spot === undefined ? [] : pairUp('', got, gradsAt(spot, of))

function variancePairs(spot: Spot, drawn: readonly Drawn[], mean: Named): readonly Pair[] {
  const second = drawn.reduce((sum, { probability, repaid }) => sum + probability * squaredNorm(repaid), 0)
  const got = { expected_squared_norm_params: second, variance_trace_params: second - squaredNorm(mean) }
  return Object.entries(got).flatMap(([name, value]) => {
    const at = optional(spot, name)
    return at === undefined ? [] : [pairOf(name, value, numberAt(at))]
  })
}

/** Σ g² over the parameters. */
function squaredNorm(gradients: Named): number {
  let total = 0
  for (const [name, { data }] of gradients)
    if (name.startsWith('params.')) for (const g of data) total += g * g
  return total
}
