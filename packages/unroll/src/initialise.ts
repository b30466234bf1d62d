import { GraphError, showShape, sizeOf, type Tensor } from '@bptt/graph'
import { coin } from './coin.js'

/** Start values of a parameter: its elements, given its shape and a source of uniform numbers in [0, 1). */
export type Initialiser = (shape: readonly number[], uniform: () => number) => Float64Array

/** Zero everywhere. */
export function zeros(): Initialiser {
  return shape => new Float64Array(sizeOf(shape))
}

/** One value everywhere. */
export function constant(value: number): Initialiser {
  return shape => new Float64Array(sizeOf(shape)).fill(value)
}

/** Uniform in [−bound, bound]. PyTorch's recurrent layers use bound = 1/√hidden. */
export function uniform(bound: number): Initialiser {
  return (shape, next) => Float64Array.from({ length: sizeOf(shape) }, () => (2 * next() - 1) * bound)
}

/** Uniform in ±√(6 / (rows + columns)): keeps the variance of a layer forward and backward [glorot-bengio2010]. */
export function glorot(): Initialiser {
  return (shape, next) =>
    uniform(Math.sqrt(6 / ((shape[0] ?? 1) + (shape[shape.length - 1] ?? 1))))(shape, next)
}

/** Normal with mean 0 and this standard deviation, by Box and Muller's transform of pairs of uniform numbers. */
export function normal(deviation = 1): Initialiser {
  return (shape, next) =>
    Float64Array.from({ length: sizeOf(shape) }, () => {
      const radius = Math.sqrt(-2 * Math.log(1 - next()))
      return deviation * radius * Math.cos(2 * Math.PI * next())
    })
}

/** Settings of an orthogonal start. */
export interface OrthogonalOptions {
  /** Every singular value; 1 by default. */
  readonly gain?: number
  /** Row blocks that are orthogonal each by itself: 4 for an LSTM's `weight_hh` [4·hidden, hidden]. 1 by default. */
  readonly blocks?: number
}

/**
 * A random orthogonal matrix times `gain`: the Q of the QR factorisation of normal draws, with a positive diagonal in R,
 * so that Q is evenly distributed [saxe2014, mezzadri2007]. Rows are orthonormal where there are fewer than columns,
 * else columns are.
 *
 * As a recurrent matrix of a linear net it keeps the norm of credit over any lag.
 * @throws GraphError `cell-init`, when values are drawn, where the parameter is no matrix or has no such blocks.
 */
export function orthogonal({ gain = 1, blocks = 1 }: OrthogonalOptions = {}): Initialiser {
  return (shape, next) => {
    const [rows = 0, columns = 0] = shape
    if (shape.length !== 2 || !Number.isInteger(rows / blocks) || blocks < 1)
      throw new GraphError(
        'cell-init',
        'orthogonal',
        `${showShape(shape)} is no matrix of ${blocks} row blocks; an orthogonal start is for matrices [blocks · rows, columns]`,
      )
    const out = new Float64Array(rows * columns)
    const size = (rows / blocks) * columns
    for (let k = 0; k < blocks; k++) out.set(orthogonalBlock(rows / blocks, columns, next, gain), k * size)
    return out
  }
}

function orthogonalBlock(rows: number, columns: number, next: () => number, gain: number): Float64Array {
  const [few, many] = [Math.min(rows, columns), Math.max(rows, columns)]
  const vectors = Array.from({ length: few }, () => normal()([many], next))
  vectors.forEach((vector, k) => {
    // twice is enough for full precision
    for (const other of [...vectors.slice(0, k), ...vectors.slice(0, k)])
      subtract(vector, other, dot(vector, other))
    const size = Math.sqrt(dot(vector, vector))
    vector.forEach((value, i) => {
      vector[i] = value / size
    })
  })
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    const [i, j] = [Math.floor(at / columns), at % columns]
    return gain * (rows < columns ? vectors[i]![j]! : vectors[j]![i]!)
  })
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0)

function subtract(from: Float64Array, other: Float64Array, times: number): void {
  for (let i = 0; i < from.length; i++) from[i]! -= times * other[i]!
}

/** Matrices by `glorot`, vectors and scalars zero: what a parameter without an initialiser gets. */
export function byRank(): Initialiser {
  return (shape, next) => (shape.length > 1 ? glorot() : zeros())(shape, next)
}

/** Coins of parameters are streams from here on, apart from those that cut timelines. */
const FIRST_STREAM = 2 ** 32

/**
 * The start values of parameter number `index`. The same seed gives the same values everywhere.
 * @throws GraphError `cell-init` where the initialiser gives too few, too many, or numbers that are not finite.
 */
export function initialise(make: Initialiser, shape: readonly number[], seed: number, index: number): Tensor {
  let t = 0
  const data = make(shape, () => coin(seed, FIRST_STREAM + index, t++))
  const odd = data.find(value => !Number.isFinite(value))
  if (odd !== undefined)
    throw new GraphError('cell-init', 'init', `an initialiser gives ${odd}; start values are finite numbers`)
  if (data.length === sizeOf(shape)) return { shape, data }
  throw new GraphError(
    'cell-init',
    'init',
    `an initialiser gives ${data.length} numbers for the shape ${showShape(shape)}; it gives one per element`,
  )
}
