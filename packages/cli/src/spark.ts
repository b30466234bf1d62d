const blocks = [...'▁▂▃▄▅▆▇█']

/** Numbers as a line of blocks, `width` signs or fewer, the least at the bottom; a gap where one is not finite. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = resampled(values, width)
  const finite = shown.filter(Number.isFinite)
  const [low, high] = [Math.min(...finite), Math.max(...finite)]
  const top = blocks.length - 1
  const sign = (value: number): string => {
    if (!Number.isFinite(value)) return ' '
    return blocks[high === low ? 0 : Math.round((top * (value - low)) / (high - low))]!
  }
  return shown.map(sign).join('')
}

/** A line with the sparkline of `values` before it, at most 24 signs in the room that `columns` leave; alone, where that is under 8. */
export function withSparkline(line: string, values: readonly number[], columns: number): string {
  const room = Math.min(24, columns - line.length - 1)
  return room < 8 || values.length < 2 ? line : `${sparkline(values, room)} ${line}`
}

/** Means over `width` pieces of equal length; the values themselves where there are no more. */
function resampled(values: readonly number[], width: number): readonly number[] {
  if (values.length <= width) return values
  return Array.from({ length: width }, (_, i) => {
    const piece = values.slice(
      Math.floor((i * values.length) / width),
      Math.floor(((i + 1) * values.length) / width),
    )
    return piece.reduce((sum, value) => sum + value, 0) / piece.length
  })
}
