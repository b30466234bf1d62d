/** The p-quantile of a sample that is not empty, a member of it: the smallest for 0, the largest for 1. */
export function quantile(sample: readonly number[], p: number): number {
  const sorted = [...sample].sort((a, b) => a - b)
  const last = sorted.length - 1
  const value = sorted[Math.min(last, Math.max(0, Math.ceil(p * sorted.length) - 1))]
  if (value === undefined) throw new Error('quantile: the sample is empty')
  return value
}

/** The middle of a sample; the lower one of two. */
export function median(sample: readonly number[]): number {
  return quantile(sample, 0.5)
}

/** The largest |a − b| / max(|a|, |b|) over the common beginning of two traces; NaN where one holds no number. */
export function drift(a: readonly number[], b: readonly number[]): number {
  let worst = 0
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i]!, b[i]!]
    if (!Number.isFinite(x) || !Number.isFinite(y)) return Number.NaN
    if (x !== y) worst = Math.max(worst, Math.abs(x - y) / Math.max(Math.abs(x), Math.abs(y)))
  }
  return worst
}
