import type { EstimatorRow } from '@bptt/unroll'

/** How good an estimator's gradient is beside that of full BPTT, over the first events of the stream. */
export interface Quality {
  /** |E g − ∇L| / |∇L|. */
  readonly bias: number
  /** Standard error of the bias; 0 where every pattern of cuts was tried. */
  readonly biasError: number
  /** √(E |g|² − |E g|²) / |∇L|: how far one gradient is from the mean one. */
  readonly deviation: number
  /** Cosine of E g and ∇L. */
  readonly cosine: number
  readonly method: EstimatorRow['method']
  readonly patterns: number
}

/** A gradient by the parameters, all its numbers in a row. */
export type Numbers = Float64Array

/** The quality of a gradient that is always the same. */
export function apart(own: Numbers, exact: Numbers): Quality {
  const bias = Math.sqrt(distance(own, exact) / inner(exact, exact))
  return { bias, biasError: 0, deviation: 0, cosine: cosine(own, exact), method: 'enumerated', patterns: 1 }
}

/** The quality of gradients that are drawn, from so many of them. */
export function drawn(draw: (which: number) => Numbers, exact: Numbers, samples: number): Quality {
  const mean = new Float64Array(exact.length)
  let squares = 0
  for (let which = 0; which < samples; which++) {
    const one = draw(which)
    squares += inner(one, one) / samples
    for (let i = 0; i < mean.length; i++) mean[i]! += one[i]! / samples
  }
  const size = inner(exact, exact)
  const variance = (Math.max(0, squares - inner(mean, mean)) * samples) / (samples - 1)
  return {
    bias: Math.sqrt(distance(mean, exact) / size),
    biasError: Math.sqrt(variance / samples / size),
    deviation: Math.sqrt(variance / size),
    cosine: cosine(mean, exact),
    method: 'sampled',
    patterns: samples,
  }
}

/** ⟨a, b⟩. */
export const inner = (a: Numbers, b: Numbers): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0)

const distance = (a: Numbers, b: Numbers): number => a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0)

const cosine = (a: Numbers, b: Numbers): number => inner(a, b) / Math.sqrt(inner(a, a) * inner(b, b))
