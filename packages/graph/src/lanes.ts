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
  constant(value: number): Lane
  add(a: Lane, b: Lane): Lane
  sub(a: Lane, b: Lane): Lane
  mul(a: Lane, b: Lane): Lane
  div(a: Lane, b: Lane): Lane
  /** a · b + c, in one rounding where the flavour has it. */
  mulAdd(a: Lane, b: Lane, c: Lane): Lane
  /** As `Math.min`: NaN where either is. */
  min(a: Lane, b: Lane): Lane
  /** As `Math.max`: NaN where either is. */
  max(a: Lane, b: Lane): Lane
  neg(a: Lane): Lane
  abs(a: Lane): Lane
  sqrt(a: Lane): Lane
  floor(a: Lane): Lane
  exp(a: Lane): Lane
  expm1(a: Lane): Lane
  log(a: Lane): Lane
  log1p(a: Lane): Lane
  tanh(a: Lane): Lane
  sigmoid(a: Lane): Lane
  less(a: Lane, b: Lane): Mask
  lessEqual(a: Lane, b: Lane): Mask
  equal(a: Lane, b: Lane): Mask
  /** a where the mask is set, else b. */
  select(mask: Mask, a: Lane, b: Lane): Lane
}
