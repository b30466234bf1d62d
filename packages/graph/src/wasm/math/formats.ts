import type { Element } from '../assembler.js'

/** What the functions here must know of an element type. Masks are given as the numbers that have those bits. */
export interface Format {
  /** Bits of the stored significand. */
  readonly digits: number
  /** 2^digits: a small integer in its low bits reads as 2^digits + that integer. */
  readonly whole: number
  /** 1.5 · 2^digits: adding it rounds to an integer, which stands in the low bits. */
  readonly rounder: number
  readonly bias: number
  readonly leastNormal: number
  /** The greatest subnormal: all bits of the significand. */
  readonly significand: number
  /** ln 2 = high + low; high times any exponent is exact. */
  readonly ln2: { readonly high: number; readonly low: number }
  /** e^x is 0 at or below `zero`, ∞ at or above `infinite`; e^x − 1 is −1 at or below `minusOne`. */
  readonly exp: { readonly zero: number; readonly infinite: number; readonly minusOne: number }
  /** tanh x is 1 from here on. */
  readonly saturated: number
  /** (eʳ − 1 − r) / r² on [−½ ln 2, ½ ln 2], ascending. */
  readonly exponential: readonly number[]
  /** The same function on [−¼ ln 2, ¾ ln 2]. */
  readonly rising: readonly number[]
  /** (ln((1 + s) / (1 − s)) − 2s) / s³ in z = s² on [0, (3 − 2√2)²], ascending. */
  readonly logarithm: readonly number[]
}

/**
 * The two formats, with minimax coefficients of this package's own (Remez exchange in 200 bits, rounded to the type).
 *
 * Largest relative error of the rounded polynomials on their intervals, in exact arithmetic, on eʳ − 1, eʳ − 1 and ln:
 * f32 (degrees 4, 4, 2) 1.7e-8, 2.4e-8, 8.2e-10; f64 (degrees 9, 9, 6) 3.6e-17, 3.0e-17, 1.3e-18.
 */
export const formats: Readonly<Record<Element, Format>> = {
  f32: {
    digits: 23,
    whole: 2 ** 23,
    rounder: 1.5 * 2 ** 23,
    bias: 127,
    leastNormal: 2 ** -126,
    significand: 2 ** -126 - 2 ** -149,
    ln2: { high: 22713 / 32768, low: 1.4286068203094173e-6 },
    exp: { zero: -105, infinite: 89, minusOne: -20 },
    saturated: 9.2,
    exponential: [
      0.4999999701976776, 0.1666654348373413, 0.04166719317436218, 0.008366502821445465,
      0.0013883013743907213,
    ],
    rising: [
      0.5000000596046448, 0.1666683852672577, 0.041661735624074936, 0.008282187394797802,
      0.0016026139492169023,
    ],
    logarithm: [0.6666677594184875, 0.3997756838798523, 0.2987125813961029],
  },
  f64: {
    digits: 52,
    whole: 2 ** 52,
    rounder: 1.5 * 2 ** 52,
    bias: 1023,
    leastNormal: 2 ** -1022,
    significand: 2 ** -1022 - 2 ** -1074,
    ln2: { high: 2977044471 / 2 ** 32, low: 1.9082149292705877e-10 },
    exp: { zero: -746, infinite: 710, minusOne: -40 },
    saturated: 19.2,
    exponential: [
      0.5000000000000006, 0.1666666666666659, 0.04166666666657751, 0.008333333333388853,
      0.0013888888931373735, 0.00019841269720363155, 2.480150546134107e-5, 2.7557406440072707e-6,
      2.7625975001053916e-7, 2.5054097832735877e-8,
    ],
    rising: [
      0.5000000000000004, 0.16666666666666055, 0.04166666666656682, 0.008333333334347897,
      0.0013888888928452116, 0.00019841264545333607, 2.480164103665646e-5, 2.75648349928517e-6,
      2.7259094717536767e-7, 2.9335847876988644e-8,
    ],
    logarithm: [
      0.6666666666666733, 0.39999999999422203, 0.2857142874104097, 0.2222219868836811, 0.18183559233527502,
      0.15314162763372943, 0.1479497589182651,
    ],
  },
}
