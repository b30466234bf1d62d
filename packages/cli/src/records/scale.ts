import { type Moments, variances } from '@bptt/stream/sources'

/** Where the numbers of a vector lie: z = (x − mean) / deviation. */
export interface Scale {
  readonly mean: readonly number[]
  /** Standard deviation, 1 where numbers are left as they are or do not vary. */
  readonly deviation: readonly number[]
}

/** The scales of what a model of numbers reads and predicts. */
export interface Numbers {
  readonly input: Scale
  readonly target: Scale
}

/** The scale that leaves numbers as they are. */
export function noScale(width: number): Scale {
  return { mean: Array<number>(width).fill(0), deviation: Array<number>(width).fill(1) }
}

/** The scale that brings vectors of these moments to mean 0 and deviation 1, where `scaled` says so. */
export function scaleOf(moments: Moments, scaled: readonly boolean[]): Scale {
  const deviations = variances(moments).map(Math.sqrt)
  const flat = deviations.map((deviation, i) => !scaled[i] || deviation <= 1e-12 * Math.abs(moments.mean[i]!))
  return {
    mean: moments.mean.map((mean, i) => (scaled[i] ? mean : 0)),
    deviation: deviations.map((deviation, i) => (flat[i] ? 1 : deviation)),
  }
}

/** A vector on a scale. */
export function toScale({ mean, deviation }: Scale, x: ArrayLike<number>): readonly number[] {
  return mean.map((m, i) => (x[i]! - m) / deviation[i]!)
}

/** A vector of a scale in the numbers of the data. */
export function fromScale({ mean, deviation }: Scale, z: ArrayLike<number>): readonly number[] {
  return mean.map((m, i) => m + z[i]! * deviation[i]!)
}
