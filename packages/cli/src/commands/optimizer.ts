import type { Command } from 'commander'
import { oneOf, orNone, real, whole } from '../options.js'

/** The optimisers `--optimizer` can name. */
export const optimizers = ['adam', 'adamw', 'rmsprop', 'adagrad', 'lion', 'sgd'] as const

/** The learning-rate schedules `--schedule` can name. */
const schedules = ['constant', 'inverse-sqrt', 'cosine'] as const

/** The name of an optimiser. */
type OptimizerName = (typeof optimizers)[number]

/** The optimiser and its settings. */
export interface OptimizerOptions {
  readonly optimizer: OptimizerName
  /** Learning rate; where it is not given, that of {@link rates}. */
  readonly lr?: number
  /** How the rate falls; constant, where not given. */
  readonly schedule?: (typeof schedules)[number]
  /** Updates: inverse-sqrt halves the rate after 3 times as many, cosine ends at 0 there. */
  readonly over?: number
  /** Updates over which the rate first rises. */
  readonly warmup?: number
  /** Global norm above which a gradient is scaled down; 0 or 'none' for never. */
  readonly clip: number | 'none'
}

/** The learning rates used where none is given. */
export const rates = {
  adam: 0.002,
  adamw: 0.002,
  rmsprop: 0.002,
  adagrad: 0.05,
  lion: 0.0003,
  sgd: 0.1,
} as const

/** The updates a schedule takes where their number is not given. */
export const defaultOver = 10_000

/** Options of the optimizer. */
export function optimizerOptions(command: Command): void {
  const usual = optimizers.map(name => `${name} ${rates[name]}`).join(', ')
  command
    .optionsGroup('Optimizer:')
    .option('--optimizer <NAME>', optimizers.join(', '), oneOf('--optimizer', optimizers), 'adam')
    .option('--lr <RATE>', `learning rate (default: ${usual})`, real('--lr', { above: 0 }))
    .option(
      '--schedule <NAME>',
      `of the learning rate: ${schedules.join(', ')} (default: constant)`,
      oneOf('--schedule', schedules),
    )
    .option(
      '--over <N>',
      `inverse-sqrt: half the rate after 3 N updates; cosine: 0 after N updates (default: ${defaultOver})`,
      whole('--over', 1, 1e12),
    )
    .option('--warmup <N>', 'the rate rises over the first N updates', whole('--warmup', 1, 1e12))
    .option(
      '--clip <NORM>',
      "largest global norm of a gradient; 0 or 'none' for no limit",
      orNone(real('--clip', { min: 0 })),
      1,
    )
}
