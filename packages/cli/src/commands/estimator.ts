import type { Command } from 'commander'
import { oneOf, orNone, real, whole } from '../options.js'

/** The gradient estimators `--estimator` can name. */
const estimators = ['full', 'tbptt', 'artbp'] as const

/** The name of a gradient estimator. */
type EstimatorName = (typeof estimators)[number]

/** The estimator and those of its settings that were given. */
export interface EstimatorOptions {
  readonly estimator: EstimatorName
  readonly seed: number
  /** tbptt: credit is cut at every `every`-th step. */
  readonly every?: number
  /** artbp: mean segment length in steps. */
  readonly mean?: number
  /** artbp: exponent of the tail of segment lengths, above 2; 'none' cuts with constant chance 1/mean. */
  readonly tail?: number | 'none'
  /** full: events per episode. */
  readonly episode?: number
}

/** The settings used where none are given. */
export const defaults = { every: 32, mean: 50, tail: 4, episode: 200 } as const

/** Options of the gradient estimator. */
export function estimatorOptions(command: Command): void {
  const { every, mean, tail, episode } = defaults
  const exponent = orNone(real('--tail', { above: 2, max: 1000 }))
  command
    .optionsGroup('Gradient estimator, how far credit goes back in time:')
    .option('--estimator <NAME>', estimators.join(', '), oneOf('--estimator', estimators), 'artbp')
    .option(
      '--mean <L0>',
      `artbp: mean segment length (default: ${mean})`,
      real('--mean', { above: 1, max: 1e6 }),
    )
    .option(
      '--tail <ALPHA>',
      `artbp: segments of length l have chance l^-ALPHA, 'none' for a constant chance to cut (default: ${tail})`,
      exponent,
    )
    .option('--every <K>', `tbptt: cut at every K-th event (default: ${every})`, whole('--every', 1, 1e6))
    .option(
      '--episode <N>',
      `full: exact gradients of episodes of N events (default: ${episode})`,
      whole('--episode', 2, 1e6),
    )
}
