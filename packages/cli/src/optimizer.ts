import { adam, chain, clipByGlobalNorm, type Optimizer, sgd } from '@bptt/stream'

/** The optimisers `--optimizer` can name. */
export const optimizers = ['adam', 'sgd'] as const

/** The name of an optimiser. */
export type OptimizerName = (typeof optimizers)[number]

/** The optimiser and its settings. */
export interface OptimizerOptions {
  readonly optimizer: OptimizerName
  /** Learning rate; where it is not given, that of {@link rates}. */
  readonly lr?: number
  /** Global norm above which a gradient is scaled down; 0 or 'none' for never. */
  readonly clip: number | 'none'
}

/** The learning rates used where none is given. */
export const rates = { adam: 0.002, sgd: 0.1 } as const

/** An optimiser for the trainer and its one-line description. */
export interface Updates {
  readonly optimizer: Optimizer
  readonly text: string
}

/** The optimiser that the options name: clip first, then the step. */
export function updatesOf({ optimizer, lr = rates[optimizer], clip }: OptimizerOptions): Updates {
  const step = { adam, sgd }[optimizer](lr)
  const name = `${optimizer === 'adam' ? 'Adam' : 'SGD'} ${String(lr)}`
  if (clip === 'none' || clip === 0) return { optimizer: step, text: `${name}, gradients not clipped` }
  return {
    optimizer: chain(clipByGlobalNorm(clip), step),
    text: `${name}, gradients clipped at norm ${String(clip)}`,
  }
}
