import { GraphError, showShape, type Tensor } from '@bptt/graph'
import { coin } from './coin.js'

/** Start values of a parameter: its elements, given its shape and a source of uniform numbers in [0, 1). */
export type Initialiser = (shape: readonly number[], uniform: () => number) => Float64Array

/** Zero everywhere. */
export function zeros(): Initialiser {
  return shape => new Float64Array(count(shape))
}

/** Uniform in [−bound, bound]. PyTorch's recurrent layers use bound = 1/√hidden. */
export function uniform(bound: number): Initialiser {
  return (shape, next) => Float64Array.from({ length: count(shape) }, () => (2 * next() - 1) * bound)
}

/** Uniform in ±√(6 / (rows + columns)): keeps the variance of a layer forward and backward [glorot-bengio2010]. */
export function glorot(): Initialiser {
  return (shape, next) =>
    uniform(Math.sqrt(6 / ((shape[0] ?? 1) + (shape[shape.length - 1] ?? 1))))(shape, next)
}

/** Matrices by `glorot`, vectors and scalars zero: what a parameter without an initialiser gets. */
export function byRank(): Initialiser {
  return (shape, next) => (shape.length > 1 ? glorot() : zeros())(shape, next)
}

/** Coins of parameters are streams from here on, apart from those that cut timelines. */
const FIRST_STREAM = 2 ** 32

/**
 * The start values of parameter number `index`. The same seed gives the same values everywhere.
 * @throws GraphError `cell-init` where the initialiser gives too few or too many.
 */
export function initialise(make: Initialiser, shape: readonly number[], seed: number, index: number): Tensor {
  let t = 0
  const data = make(shape, () => coin(seed, FIRST_STREAM + index, t++))
  if (data.length === count(shape)) return { shape, data }
  throw new GraphError(
    'cell-init',
    'init',
    `an initialiser gives ${data.length} numbers for the shape ${showShape(shape)}; it gives one per element`,
  )
}

const count = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1)
