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
import { defaultOver, type OptimizerOptions, rates } from './commands/optimizer.js'
import { Failure } from './failure.js'

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
