const bars = '▁▂▃▄▅▆▇█'

/** Numbers as a row of bars over `range` (by default theirs), thinned to `width`; what is not finite is left blank. */
export function sparkline(
  values: readonly number[],
  width: number = 32,
  range?: readonly [low: number, high: number],
): string {
  const shown = thinned(values, width)
  const finite = shown.filter(Number.isFinite)
  const [low, high] = range ?? [Math.min(...finite), Math.max(...finite)]
  const level = (value: number): number =>
    high === low ? 0 : Math.round(((bars.length - 1) * (value - low)) / (high - low))
  return shown.map(value => (Number.isFinite(value) ? bars.charAt(level(value)) : ' ')).join('')
}

/** At most `width` of the values, evenly spread, the first and the last among them. */
export function thinned<T>(values: readonly T[], width: number): readonly T[] {
  if (values.length <= width) return values
  return Array.from(
    { length: width },
    (_, i) => values[Math.round((i * (values.length - 1)) / (width - 1))] as T,
  )
}
