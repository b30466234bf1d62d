import {
  adagrad,
  adam,
  adamw,
  chain,
  clipByGlobalNorm,
  cosineDecay,
  inverseSqrt,
  lion,
  type Optimizer,
  type Rate,
  rmsprop,
  sgd,
  warmUp,
} from '@bptt/stream'
import { Failure } from './failure.js'

/** The optimisers `--optimizer` can name. */
export const optimizers = ['adam', 'adamw', 'rmsprop', 'adagrad', 'lion', 'sgd'] as const

/** The learning-rate schedules `--schedule` can name. */
export const schedules = ['constant', 'inverse-sqrt', 'cosine'] as const

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

const names = {
  adam: 'Adam',
  adamw: 'AdamW',
  rmsprop: 'RMSprop',
  adagrad: 'Adagrad',
  lion: 'Lion',
  sgd: 'SGD',
} as const

/** An optimiser for the trainer and its one-line description. */
export interface Updates {
  readonly optimizer: Optimizer
  readonly text: string
}

/**
 * The optimiser that the options name: clip first, then the step.
 * @throws Failure where updates are given for a schedule that needs none.
 */
export function updatesOf(options: OptimizerOptions): Updates {
  const { optimizer, clip } = options
  const rate = rateOf(options)
  const step = { adam, adamw, rmsprop, adagrad, lion, sgd }[optimizer](rate)
  const name = `${names[optimizer]} ${typeof rate === 'number' ? rate : rate.text}`
  if (clip === 'none' || clip === 0) return { optimizer: step, text: `${name}, gradients not clipped` }
  return {
    optimizer: chain(clipByGlobalNorm(clip), step),
    text: `${name}, gradients clipped at norm ${String(clip)}`,
  }
}

function rateOf({
  optimizer,
  lr = rates[optimizer],
  schedule = 'constant',
  over,
  warmup,
}: OptimizerOptions): Rate {
  if (schedule === 'constant' && over !== undefined)
    throw new Failure('--over belongs to --schedule inverse-sqrt or cosine, but the schedule is constant')
  const updates = over ?? defaultOver
  const falling = {
    constant: () => lr,
    'inverse-sqrt': () => inverseSqrt(lr, updates),
    cosine: () => cosineDecay(lr, { updates }),
  }[schedule]()
  return warmup === undefined ? falling : warmUp(warmup, falling)
}
