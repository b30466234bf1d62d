import { add, mul } from '../elementwise.js'
import type { Ref, Term } from '../ref.js'
import type { Shape } from '../shape.js'
import { sub } from './arithmetic.js'
import { rsqrt } from './functions.js'
import { mean, variance } from './reduce.js'

/** Settings of a layer normalisation. */
export interface LayerNormOptions {
  /** Axes to normalise over; the last one by default. */
  readonly axis?: number | readonly number[]
  readonly gain?: Term
  readonly bias?: Term
  /** Added to the variance; 1e−5 by default. */
  readonly epsilon?: number
}

/** (x − mean) / √(variance + epsilon) over an axis, then times gain, plus bias, which broadcast to x [ba2016]. */
export function layerNorm<S extends Shape>(
  x: Ref<S>,
  { axis = -1, gain, bias, epsilon = 1e-5 }: LayerNormOptions = {},
): Ref<S> {
  const over = { axis, keepDims: true }
  const scale = rsqrt(add(variance(x, over), epsilon))
  let y: Ref = mul(sub(x, mean(x, over)), scale)
  if (gain !== undefined) y = mul(y, gain)
  if (bias !== undefined) y = add(y, bias)
  return y as Ref<S>
}
