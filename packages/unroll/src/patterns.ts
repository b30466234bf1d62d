import { GraphError } from '@bptt/graph'
import { checkSteps } from './checks.js'
import { type Schedule, weightsOf } from './schedule.js'

/** Weights of all edges that a schedule can draw, with the probability that it does. */
export interface Pattern {
  readonly probability: number
  readonly weights: readonly number[]
}

/** The most patterns that are listed: those of 15 steps. */
export const MOST_PATTERNS: number = 2 ** 14

/**
 * Every pattern of weights that a schedule can draw for `steps` steps, with its probability: one where no coin
 * decides, else at most 2^(steps − 1). Probabilities sum to 1.
 * @throws GraphError `bad-steps`; `too-many` beyond 2^14 patterns.
 */
export function patternsOf(schedule: Schedule, steps: number): readonly Pattern[] {
  checkSteps('patternsOf', steps)
  const { chance } = schedule
  if (chance === undefined) return [{ probability: 1, weights: weightsOf(schedule, steps) }]
  if (2 ** (steps - 1) > MOST_PATTERNS)
    throw new GraphError(
      'too-many',
      'patternsOf',
      `${steps} steps have 2^${steps - 1} patterns; at most 2^14 are listed`,
      'draw samples: weightsOf(schedule, steps, stream)',
    )
  let open = [{ probability: 1, weights: [] as readonly number[], age: 1 }]
  for (let t = 1; t < steps; t++)
    open = open.flatMap(({ probability, weights, age }) => {
      const { cut, kept } = chance({ t, age })
      return [
        { probability: probability * (1 - cut), weights: [...weights, kept], age: age + 1 },
        { probability: probability * cut, weights: [...weights, 0], age: 1 },
      ].filter(pattern => pattern.probability > 0)
    })
  return open.map(({ probability, weights }) => ({ probability, weights }))
}
