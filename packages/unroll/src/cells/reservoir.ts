import { add, filled, GraphError, linear, mul, type Tensor, tanh } from '@bptt/graph'
import { type Cell, cell, type Sizes } from '../cell.js'
import { type Initialiser, initialise, normal, uniform } from '../initialise.js'
import { checkSetting } from './setting.js'
import { spectralRadius } from './spectrum.js'

/** Sizes and settings of a reservoir. */
export interface ReservoirOptions extends Sizes {
  /** Spectral radius of the recurrent weights, > 0; 0.9 by default. Above 1, zero input rules echo states out. */
  readonly radius?: number
  /** How much of the new state enters, in (0, 1]; 1 (the default) forgets nothing of the plain net. */
  readonly leak?: number
  /** Input weights are uniform in [−scale, scale]; 1 by default. */
  readonly scale?: number
  /** Share of recurrent weights that are not 0, in (0, 1]; 1 by default. */
  readonly density?: number
  /** The fixed weights are a function of the seed. */
  readonly seed?: number
}

/**
 * Echo-state reservoir: fixed random weights, so only what reads it learns [jaeger2001, jaeger2002 §6].
 *
 * h' = (1 − leak) h + leak tanh(W_in x + W h), W scaled to the spectral radius. No parameters: the weights are constants
 * of the step, drawn from `seed`. Carry h [hidden]; the output is h'. `withReadout(reservoir(…), {outputs})` trains
 * the readout, a linear regression.
 * @throws GraphError `bad-size`, `bad-setting`; `no-spectrum` where all eigenvalues of the drawn weights are 0.
 */
export function reservoir(options: ReservoirOptions): Cell {
  const { inputs, hidden, leak = 1 } = options
  checkSettings(options)
  const make = cell({
    name: 'reservoir',
    params: () => ({}),
    carry: ({ hidden }: Sizes) => ({ h: [hidden] }),
    step(_params, { h }, x) {
      const [W, W_in] = [x.builder.constant(recurrent), x.builder.constant(input)]
      const drive = tanh(add(linear(x, W_in), linear(h, W)))
      const next = leak === 1 ? drive : add(mul(h, 1 - leak), mul(drive, leak))
      return [{ h: next }, next]
    },
  })
  const { recurrent, input } = reservoirWeights(options)
  return make({ inputs, hidden })
}

function checkSettings({
  inputs,
  hidden,
  radius = 0.9,
  leak = 1,
  scale = 1,
  density = 1,
}: ReservoirOptions): void {
  const where = 'reservoir'
  for (const [name, size] of Object.entries({ inputs, hidden }))
    if (!Number.isInteger(size) || size < 1)
      throw new GraphError('bad-size', where, `${name} is ${size}; a size is a whole number ≥ 1`)
  checkSetting(where, 'radius', radius, radius > 0 && Number.isFinite(radius), 'a spectral radius is > 0')
  checkSetting(where, 'leak', leak, leak > 0 && leak <= 1, 'a leak is in (0, 1]')
  checkSetting(where, 'scale', scale, scale >= 0 && Number.isFinite(scale), 'a scale is ≥ 0')
  checkSetting(where, 'density', density, density > 0 && density <= 1, 'a density is in (0, 1]')
}

/** The fixed weights of a reservoir: recurrent [hidden, hidden], scaled to its radius, and input [hidden, inputs]. */
export function reservoirWeights(options: ReservoirOptions): {
  readonly recurrent: Tensor
  readonly input: Tensor
} {
  const { inputs, hidden, radius = 0.9, scale = 1, density = 1, seed = 0 } = options
  const drawn = initialise(sparse(normal(), density), [hidden, hidden], seed, 0)
  const found = spectralRadius(drawn)
  if (found === 0)
    throw new GraphError(
      'no-spectrum',
      'reservoir',
      `the weights drawn by seed ${seed} have no eigenvalue but 0; they cannot be scaled to a radius`,
      'take another seed, more units, or a larger density',
    )
  const recurrent = filled(drawn.shape, 0)
  drawn.data.forEach((value, i) => {
    recurrent.data[i] = (value * radius) / found
  })
  return { recurrent, input: initialise(uniform(scale), [hidden, inputs], seed, 1) }
}

function sparse(make: Initialiser, density: number): Initialiser {
  return (shape, next) => make(shape, next).map(value => (next() < density ? value : 0))
}
