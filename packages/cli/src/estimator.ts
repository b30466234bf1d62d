import { artbp, every, full, type Schedule } from '@bptt/unroll'
import { defaults, type EstimatorOptions } from './commands/estimator.js'
import { Failure } from './failure.js'

/** A schedule ready for the trainer, and how the stream is cut into episodes for it. */
export interface Credit {
  readonly schedule: Schedule
  /** Events after which the carry is reset; undefined where the stream is one long episode. */
  readonly episode: number | undefined
  /** The estimator in half a sentence. */
  readonly meaning: string
}

const owners = { every: 'tbptt', mean: 'artbp', tail: 'artbp', episode: 'full' } as const

/**
 * The schedule that the options name.
 * @throws Failure where a setting was given that belongs to another estimator.
 */
export function creditOf(options: EstimatorOptions): Credit {
  refuseForeign(options)
  switch (options.estimator) {
    case 'full': {
      const episode = options.episode ?? defaults.episode
      return {
        schedule: full(),
        episode,
        meaning: `the exact gradient of each episode of ${episode} events`,
      }
    }
    case 'tbptt': {
      const K = options.every ?? defaults.every
      return {
        schedule: every(K),
        episode: undefined,
        meaning: `credit is cut at every ${ordinal(K)} step; biased`,
      }
    }
    case 'artbp':
      return {
        schedule: randomCuts(options),
        episode: undefined,
        meaning: 'credit is cut at random, unbiased',
      }
  }
}

function randomCuts({ mean = defaults.mean, tail = defaults.tail, seed }: EstimatorOptions): Schedule {
  return tail === 'none' ? artbp({ mean, seed }) : artbp({ mean, tail, seed })
}

function refuseForeign(options: EstimatorOptions): void {
  for (const [name, owner] of Object.entries(owners)) {
    if (options[name as keyof typeof owners] === undefined || owner === options.estimator) continue
    throw new Failure(`--${name} belongs to --estimator ${owner}, but the estimator is ${options.estimator}`)
  }
}

function ordinal(n: number): string {
  const suffix = ['th', 'st', 'nd', 'rd'][n % 100 > 10 && n % 100 < 14 ? 0 : n % 10] ?? 'th'
  return `${n}${suffix}`
}
