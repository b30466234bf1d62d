import { GraphError } from '@bptt/graph'
import { type Average, averageOf } from './average.js'
import type { Metric } from './metric.js'

/** A prediction of a class beside the class it was. */
export interface Guess {
  /** A number per class, as logits are: the largest is the guess. */
  readonly output: ArrayLike<number>
  /** The class, from 0; a list is none, and refused. */
  readonly target: number | ArrayLike<number>
}

/**
 * The share of guesses that are right: with `top` k, those whose class is among the k largest outputs. Of equal outputs the first counts as larger, so
 * a model that says the same for all classes is not right; NaN is right about nothing.
 * @throws GraphError `bad-metric` where top is not a whole number ≥ 1; later, where a target is no class of the output.
 */
export function accuracy<State>(
  average: Average<State>,
  { top = 1 }: { readonly top?: number } = {},
): Metric<Guess, State> {
  if (!(Number.isSafeInteger(top) && top >= 1))
    throw new GraphError('bad-metric', 'accuracy', `top is ${top}; it is a whole number ≥ 1`)
  return averageOf(average, guess => (rank(guess) < top ? 1 : 0))
}

/** How many classes come before the target. */
function rank({ output, target }: Guess): number {
  const own = typeof target === 'number' ? output[target] : undefined
  if (typeof target !== 'number' || own === undefined)
    throw new GraphError(
      'bad-metric',
      'accuracy',
      `target is ${typeof target === 'number' ? target : `a list of ${target.length}`}; the output has classes 0 to ${output.length - 1}`,
    )
  let before = 0
  for (let k = 0; k < output.length; k++)
    if (!(output[k]! < own || (output[k] === own && k >= target))) before++
  return before
}
