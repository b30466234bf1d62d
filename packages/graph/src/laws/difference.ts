/** What finite differences say about the slope of a function of one number at 0. */
export interface Slope {
  /** The derivative, by central differences at two steps, extrapolated: its error is O(h⁴). */
  readonly value: number
  /** How far the function is from smooth at this scale: O(h²) for a smooth one, the jump of the slope at a kink. */
  readonly roughness: number
  /** The largest |f| met. */
  readonly size: number
}

/**
 * The slope of f at 0, from f(0), f(±h) and f(±h/2).
 *
 * Two steps tell a kink from a wrong derivative: where f is smooth both central differences agree, and the
 * difference of the one-sided slopes halves with the step; at a kink it does not.
 */
export function slopeOf(f: (h: number) => number, h: number = 2 ** -12): Slope {
  const [low, middle, high] = [f(-h), f(0), f(h)]
  const [lower, higher] = [f(-h / 2), f(h / 2)]
  const wide = (high - low) / (2 * h)
  const narrow = (higher - lower) / h
  const bendWide = (high - 2 * middle + low) / h
  const bendNarrow = (higher - 2 * middle + lower) / (h / 2)
  return {
    value: (4 * narrow - wide) / 3,
    roughness: Math.max(Math.abs(wide - narrow), Math.abs(2 * bendNarrow - bendWide)),
    size: Math.max(Math.abs(low), Math.abs(middle), Math.abs(high)),
  }
}

/** How an analytic derivative compares with a slope: it agrees, it is wrong, or the function is not smooth here. */
export type Verdict = 'agrees' | 'wrong' | 'kink'

/** Compares a derivative with a slope: relative `tolerance`, and 1e-9 of the function's size for rounding. */
export function judge(analytic: number, slope: Slope, tolerance: number): Verdict {
  if (!Number.isFinite(slope.value)) return 'kink'
  const error = Math.abs(analytic - slope.value)
  const allowed = tolerance * (Math.abs(analytic) + Math.abs(slope.value)) + 1e-9 * Math.max(1, slope.size)
  if (error <= allowed) return 'agrees'
  return error <= 4 * slope.roughness ? 'kink' : 'wrong'
}
