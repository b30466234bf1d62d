/** A vector register's worth of one value, while code is emitted. */
export type Lane = number & { readonly lane?: never }

/** A vector of truth values, one per element: all bits set or none. */
export type Mask = number & { readonly mask?: never }

/**
 * Vector arithmetic as an emitter offers it: what an elementwise op is compiled from.
 *
 * Every method appends instructions and returns the register of the result; arguments stay valid. IEEE semantics
 * (NaN, ±∞, ±0), as the op's JavaScript forward has them.
 */
export interface Lanes {
  /** A number in every element. */
  constant(value: number): Lane
  /** a + b. */
  add(a: Lane, b: Lane): Lane
  /** a − b. */
  sub(a: Lane, b: Lane): Lane
  /** a · b. */
  mul(a: Lane, b: Lane): Lane
  /** a / b. */
  div(a: Lane, b: Lane): Lane
  /** a · b + c, in one rounding where the flavour has it. */
  mulAdd(a: Lane, b: Lane, c: Lane): Lane
  /** As `Math.min`: NaN where either is. */
  min(a: Lane, b: Lane): Lane
  /** As `Math.max`: NaN where either is. */
  max(a: Lane, b: Lane): Lane
  /** −a. */
  neg(a: Lane): Lane
  /** |a|. */
  abs(a: Lane): Lane
  /** √a. */
  sqrt(a: Lane): Lane
  /** The largest whole number ≤ a. */
  floor(a: Lane): Lane
  /** eᵃ. */
  exp(a: Lane): Lane
  /** eᵃ − 1, accurate near 0. */
  expm1(a: Lane): Lane
  /** ln a. */
  log(a: Lane): Lane
  /** ln(1 + a), accurate near 0. */
  log1p(a: Lane): Lane
  /** Hyperbolic tangent. */
  tanh(a: Lane): Lane
  /** 1/(1 + e⁻ᵃ). */
  sigmoid(a: Lane): Lane
  /** a < b; false where one is NaN. */
  less(a: Lane, b: Lane): Mask
  /** a ≤ b; false where one is NaN. */
  lessEqual(a: Lane, b: Lane): Mask
  /** a = b; false where one is NaN, true for 0 and −0. */
  equal(a: Lane, b: Lane): Mask
  /** a where the mask is set, else b. */
  select(mask: Mask, a: Lane, b: Lane): Lane
}
