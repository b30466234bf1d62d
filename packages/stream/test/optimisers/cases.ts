import {
  accumulate,
  adagrad,
  adam,
  adamw,
  chain,
  clipByGlobalNorm,
  clipByValue,
  cosineDecay,
  ema,
  exponentialDecay,
  freeze,
  groups,
  inverseSqrt,
  lion,
  type Optimizer,
  rmsprop,
  sgd,
  stepDecay,
  warmUp,
} from '../../src/index.js'

/** A rule for one number: its gradients so far to the number, by hand, in PyTorch's words. */
export type Rule = (p: number, gradients: readonly number[]) => number

/** A learning rate by the number of updates before. */
type Rate = (t: number) => number

interface SgdSettings {
  readonly momentum?: number
  readonly nesterov?: boolean
  readonly decay?: number
  readonly dampening?: number
}

function sgdByHand(lr: Rate, settings: SgdSettings = {}): Rule {
  const { momentum = 0, nesterov = false, decay = 0, dampening = 0 } = settings
  return (p, gradients) => {
    let buffer: number | undefined
    gradients.forEach((gradient, t) => {
      const g = gradient + decay * p
      buffer = buffer === undefined ? g : momentum * buffer + (1 - dampening) * g
      p -= lr(t) * (momentum === 0 ? g : nesterov ? g + momentum * buffer : buffer)
    })
    return p
  }
}

interface AdamSettings {
  readonly b1?: number
  readonly b2?: number
  readonly eps?: number
  readonly l2?: number
  readonly decay?: number
  readonly amsgrad?: boolean
}

function adamByHand(lr: Rate, settings: AdamSettings = {}): Rule {
  const { b1 = 0.9, b2 = 0.999, eps = 1e-8, l2 = 0, decay = 0, amsgrad = false } = settings
  return (p, gradients) => {
    let [m, v, largest] = [0, 0, 0]
    gradients.forEach((gradient, t) => {
      const g = gradient + l2 * p
      p *= 1 - lr(t) * decay
      m = b1 * m + (1 - b1) * g
      v = b2 * v + (1 - b2) * g * g
      largest = amsgrad ? Math.max(largest, v) : v
      const denominator = Math.sqrt(largest) / Math.sqrt(1 - b2 ** (t + 1)) + eps
      p -= ((lr(t) / (1 - b1 ** (t + 1))) * m) / denominator
    })
    return p
  }
}

interface RmspropSettings {
  readonly alpha?: number
  readonly eps?: number
  readonly momentum?: number
  readonly centered?: boolean
  readonly decay?: number
}

function rmspropByHand(lr: Rate, settings: RmspropSettings = {}): Rule {
  const { alpha = 0.99, eps = 1e-8, momentum = 0, centered = false, decay = 0 } = settings
  return (p, gradients) => {
    let [square, average, buffer] = [0, 0, 0]
    gradients.forEach((gradient, t) => {
      const g = gradient + decay * p
      square = alpha * square + (1 - alpha) * g * g
      average = alpha * average + (1 - alpha) * g
      const spread = centered ? square - average * average : square
      const step = g / (Math.sqrt(spread) + eps)
      buffer = momentum * buffer + step
      p -= lr(t) * (momentum > 0 ? buffer : step)
    })
    return p
  }
}

function adagradByHand(lr: Rate, { eps = 1e-10, initial = 0, decay = 0 } = {}): Rule {
  return (p, gradients) => {
    let sum = initial
    gradients.forEach((gradient, t) => {
      const g = gradient + decay * p
      sum += g * g
      p -= (lr(t) * g) / (Math.sqrt(sum) + eps)
    })
    return p
  }
}

function lionByHand(lr: Rate, { b1 = 0.9, b2 = 0.99, decay = 0 } = {}): Rule {
  return (p, gradients) => {
    let m = 0
    gradients.forEach((g, t) => {
      p -= lr(t) * (Math.sign(b1 * m + (1 - b1) * g) + decay * p)
      m = b2 * m + (1 - b2) * g
    })
    return p
  }
}

/** Every so many gradients their sum, as one. */
function accumulatedByHand(windows: number, rule: Rule): Rule {
  return (p, gradients) => {
    const whole = Math.floor(gradients.length / windows)
    const sums = Array.from({ length: whole }, (_, k) =>
      gradients.slice(k * windows, (k + 1) * windows).reduce((a, b) => a + b),
    )
    return rule(p, sums)
  }
}

const always =
  (lr: number): Rate =>
  () =>
    lr
const falling: Rate = t => 0.1 / Math.sqrt(1 + t)

/** Optimisers whose numbers do not depend on each other, beside the same thing written by hand. */
export const rules: readonly (readonly [name: string, Optimizer, Rule])[] = [
  ['sgd', sgd(0.1), sgdByHand(always(0.1))],
  ['sgd with momentum', sgd(0.1, { momentum: 0.9 }), sgdByHand(always(0.1), { momentum: 0.9 })],
  [
    'sgd with Nesterov momentum',
    sgd(0.1, { momentum: 0.8, nesterov: true }),
    sgdByHand(always(0.1), { momentum: 0.8, nesterov: true }),
  ],
  ['sgd with weight decay', sgd(0.1, { weightDecay: 0.3 }), sgdByHand(always(0.1), { decay: 0.3 })],
  [
    'sgd with dampening',
    sgd(0.1, { momentum: 0.9, dampening: 0.4, weightDecay: 0.1 }),
    sgdByHand(always(0.1), { momentum: 0.9, dampening: 0.4, decay: 0.1 }),
  ],
  [
    'sgd with Nesterov momentum and weight decay',
    sgd(0.05, { momentum: 0.9, nesterov: true, weightDecay: 0.2 }),
    sgdByHand(always(0.05), { momentum: 0.9, nesterov: true, decay: 0.2 }),
  ],
  [
    'sgd with a schedule and momentum',
    sgd(inverseSqrt(0.1), { momentum: 0.5 }),
    sgdByHand(falling, { momentum: 0.5 }),
  ],
  ['adam', adam(0.01), adamByHand(always(0.01))],
  [
    'adam with other settings',
    adam(0.1, { b1: 0.5, b2: 0.8, eps: 0.1, weightDecay: 0.2 }),
    adamByHand(always(0.1), { b1: 0.5, b2: 0.8, eps: 0.1, l2: 0.2 }),
  ],
  ['adam without memory', adam(0.1, { b1: 0, b2: 0 }), adamByHand(always(0.1), { b1: 0, b2: 0 })],
  [
    'adam with the largest squares',
    adam(0.1, { b2: 0.3, amsgrad: true }),
    adamByHand(always(0.1), { b2: 0.3, amsgrad: true }),
  ],
  ['adam with a schedule', adam(inverseSqrt(0.1)), adamByHand(falling)],
  ['adamw', adamw(0.1), adamByHand(always(0.1), { decay: 0.01 })],
  [
    'adamw with other settings',
    adamw(0.1, { b1: 0.7, b2: 0.5, weightDecay: 0.5, amsgrad: true }),
    adamByHand(always(0.1), { b1: 0.7, b2: 0.5, decay: 0.5, amsgrad: true }),
  ],
  ['adamw with a schedule', adamw(inverseSqrt(0.1)), adamByHand(falling, { decay: 0.01 })],
  ['rmsprop', rmsprop(0.01), rmspropByHand(always(0.01))],
  [
    'rmsprop, centred, with momentum',
    rmsprop(0.1, { alpha: 0.8, centered: true, momentum: 0.5, eps: 0.01 }),
    rmspropByHand(always(0.1), { alpha: 0.8, centered: true, momentum: 0.5, eps: 0.01 }),
  ],
  [
    'rmsprop with weight decay and a schedule',
    rmsprop(inverseSqrt(0.1), { weightDecay: 0.2 }),
    rmspropByHand(falling, { decay: 0.2 }),
  ],
  ['adagrad', adagrad(0.1), adagradByHand(always(0.1))],
  [
    'adagrad with other settings',
    adagrad(inverseSqrt(0.1), { initial: 0.1, eps: 0.2, weightDecay: 0.3 }),
    adagradByHand(falling, { initial: 0.1, eps: 0.2, decay: 0.3 }),
  ],
  ['lion', lion(0.01), lionByHand(always(0.01))],
  [
    'lion with other settings',
    lion(inverseSqrt(0.1), { b1: 0.6, b2: 0.7, weightDecay: 0.3 }),
    lionByHand(falling, { b1: 0.6, b2: 0.7, decay: 0.3 }),
  ],
  ['a chain of one', chain(adam(0.1)), adamByHand(always(0.1))],
  ['an average beside adam', ema(0.9, adam(0.1)), adamByHand(always(0.1))],
  ['adam on sums of 1', accumulate(1, adam(0.1)), adamByHand(always(0.1))],
  [
    'sgd on sums of 3',
    accumulate(3, sgd(0.1, { momentum: 0.9, dampening: 0.5 })),
    accumulatedByHand(3, sgdByHand(always(0.1), { momentum: 0.9, dampening: 0.5 })),
  ],
  [
    'adam on sums of 2, with a schedule counted in its own updates',
    accumulate(2, adam(inverseSqrt(0.1))),
    accumulatedByHand(2, adamByHand(falling)),
  ],
  ['groups of one', groups({ '*': rmsprop(0.1) }), rmspropByHand(always(0.1))],
]

/** Optimisers for laws that hold for all: those above, and those in which numbers depend on each other. */
export const everyOptimizer: readonly (readonly [name: string, Optimizer])[] = [
  ...rules.map(([name, optimizer]) => [name, optimizer] as const),
  ['clipped adam', chain(clipByGlobalNorm(1), adam(0.1))],
  ['sgd clipped by value', chain(clipByValue(0.5), sgd(stepDecay(0.1, { every: 2, factor: 0.5 })))],
  [
    'groups',
    groups({
      a: chain(clipByGlobalNorm(1), sgd(exponentialDecay(0.1, { factor: 0.9 }))),
      b: accumulate(2, chain(clipByValue(1), lion(warmUp(3, 0.1)))),
    }),
  ],
  ['groups, one of them frozen', groups({ a: freeze(), '*': ema(0.5, adam(0.1)) })],
  ['an average over sums', ema(0.9, accumulate(3, rmsprop(cosineDecay(0.1, { updates: 4, end: 0.01 }))))],
]
