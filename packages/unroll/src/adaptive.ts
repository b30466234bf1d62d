import { GraphError } from '@bptt/graph'
import { isWhole, shown } from './checks.js'
import { every, type Schedule } from './schedule.js'

/** How adaptive truncation chooses. */
export interface AdaptiveOptions {
  /** The relative bias that is aimed at, δ in (0, 1). */
  readonly bias: number
  /** Norms by lag, φ_0 first, as `lagNorms(…).mean` gives: |∂L_t/∂h_{t−k}|, averaged. */
  readonly norms: readonly number[]
  /** K is in [min, max]; 1 to the number of norms where not given. */
  readonly min?: number
  readonly max?: number
  /** The decay is fitted from this lag on; half of the lags where not given. */
  readonly from?: number
}

/** A truncation that adapts, and what it was chosen by. */
export interface Adaptive extends Schedule {
  readonly K: number
  /** Geometric decay per lag β, by least squares on log norms; ≥ 1 where credit does not vanish. */
  readonly decay: number
  /** Estimated relative bias for every K = 1, 2, …; ∞ where the bias is as large as the gradient. */
  readonly biases: readonly number[]
}

/**
 * Block truncation with the smallest K whose estimated relative bias is no more than `bias` [aicher2019].
 *
 * With φ_k the norm at lag k, E(K) = Σ_{k ≥ K} φ_k, measured up to the last lag and geometric with ratio β behind it; the
 * relative bias is E(K) / (|g_K| − E(K)), with Σ_{k < K} φ_k for the norm of the truncated gradient. Choose again now and then, as
 * training goes on. Biased, by a bound that is controlled as far as the norms go on as they decay.
 * @throws GraphError `bad-schedule`.
 */
export function adaptive(options: AdaptiveOptions): Adaptive {
  checkOptions(options)
  const { bias, norms, min = 1, max = norms.length } = options
  const decay = decayOf(norms, options.from ?? Math.floor(norms.length / 2))
  const tail =
    decay < 1 ? (norms.at(-1)! * decay) / (1 - decay) : norms.at(-1) === 0 ? 0 : Number.POSITIVE_INFINITY
  const biases = norms.map((_, k) => relativeBias(norms, k + 1, tail))
  const found = biases.findIndex(estimate => estimate <= bias)
  const K = Math.min(max, Math.max(min, found < 0 ? max : found + 1))
  return { ...every(K), text: `adaptive(bias ${bias}, K ${K})`, K, decay, biases }
}

/** Norms of lags 0, 1, …: K of them are kept. */
function relativeBias(norms: readonly number[], K: number, tail: number): number {
  const kept = norms.slice(0, K).reduce((sum, x) => sum + x, 0)
  const lost = norms.slice(K).reduce((sum, x) => sum + x, tail)
  if (lost === 0) return 0
  return kept > lost ? lost / (kept - lost) : Number.POSITIVE_INFINITY
}

/** exp of the least-squares slope of log norms by lag; 0 where they end in zeros. */
function decayOf(norms: readonly number[], from: number): number {
  const points = norms.flatMap((norm, k) => (k >= from && norm > 0 ? [[k, Math.log(norm)] as const] : []))
  if (points.length < 2) return norms.at(-1) === 0 ? 0 : 1
  const n = points.length
  const [mk, ml] = [0, 1].map(i => points.reduce((sum, point) => sum + point[i]!, 0) / n) as [number, number]
  const top = points.reduce((sum, [k, l]) => sum + (k - mk) * (l - ml), 0)
  return Math.exp(top / points.reduce((sum, [k]) => sum + (k - mk) ** 2, 0))
}

function checkOptions({ bias, norms, min = 1, max = norms?.length, from = 0 }: AdaptiveOptions): void {
  const refuse = (detail: string, hint: string): never => {
    throw new GraphError('bad-schedule', 'adaptive', detail, hint)
  }
  if (!Number.isFinite(bias) || bias <= 0 || bias >= 1)
    refuse(
      `bias is ${shown(bias)}; the relative bias is a number in (0, 1)`,
      '0.1 loses a tenth of the gradient',
    )
  const listed = Array.isArray(norms) && norms.length > 0 ? norms.map(shown).join(', ') : undefined
  if (listed === undefined || norms.some(norm => !Number.isFinite(norm) || norm < 0))
    refuse(
      `norms are ${listed ?? 'none'}; they are finite numbers ≥ 0, one per lag`,
      'lagNorms(cell, batch, loss).mean gives them',
    )
  if (!isWhole(min, 1) || !isWhole(max, min))
    refuse(
      `min is ${shown(min)} and max is ${shown(max)}; K is a whole number in [min, max], from 1`,
      'leave both out for as many steps as there are norms',
    )
  if (!isWhole(from, 0, norms.length))
    refuse(
      `from is ${shown(from)}; the decay is fitted from a lag in [0, ${norms.length}) on`,
      'leave it out for the second half of the lags',
    )
}
