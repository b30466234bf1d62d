import type { Lane } from '../../lanes.js'
import type { Vector } from './vector.js'

/** Σ cᵢ xⁱ by Horner's rule, coefficients ascending. */
export function polynomial(v: Vector, x: Lane, coefficients: readonly number[]): Lane {
  const [first, ...rest] = coefficients.toReversed()
  return rest.reduce<Lane>((sum, c) => v.mulAdd(sum, x, v.constant(c)), v.constant(first!))
}
