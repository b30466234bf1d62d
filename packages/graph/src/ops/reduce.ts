import { GraphError } from '../error.js'
import type { Ref } from '../ref.js'
import { showShape } from '../shape.js'
import { mul } from './arithmetic.js'
import { reshape, sumTo } from './shape.js'

/** Axes to reduce (all, where none are given), and whether they stay as axes of length 1. */
export interface ReduceOptions {
  readonly axis?: number | readonly number[]
  readonly keepDims?: boolean
}

/** Σ x over the given axes; over all of them, a scalar. Negative axes count from the last. */
export function sum(x: Ref, options: ReduceOptions = {}): Ref {
  const axes = axesOf('sum', x, options)
  const kept = x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim))
  const total = sumTo(x, { shape: kept })
  return options.keepDims ? total : reshape(total, { shape: x.shape.filter((_, i) => !axes.includes(i)) })
}

/**
 * The mean over the given axes.
 * @throws GraphError `axis` where an axis is named: its length is not known here.
 */
export function mean(x: Ref, options: ReduceOptions = {}): Ref {
  let count = 1
  for (const axis of axesOf('mean', x, options)) {
    const length = x.shape[axis]!
    if (typeof length === 'string')
      throw new GraphError(
        'axis',
        'mean',
        `axis '${length}' of ${showShape(x.shape)} has no fixed length`,
        'use sum, and divide by the length as an input',
      )
    count *= length
  }
  return mul(sum(x, options), 1 / count)
}

/** The axes to reduce as positions ≥ 0. */
export function axesOf(where: string, x: Ref, { axis }: ReduceOptions): readonly number[] {
  const rank = x.shape.length
  if (axis === undefined) return x.shape.map((_, i) => i)
  return (typeof axis === 'number' ? [axis] : axis).map(given => {
    const at = given < 0 ? rank + given : given
    if (Number.isInteger(at) && at >= 0 && at < rank) return at
    throw new GraphError('axis', where, `axis ${given} does not exist in ${showShape(x.shape)}`)
  })
}
