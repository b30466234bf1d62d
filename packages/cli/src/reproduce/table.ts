/** A table for people: a head, and cells by row. */
export interface Table {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const numeric = /^([-−+]?[\d.,]+(e[-+]?\d+)?( [%s])?|–|∞)$/

/** The lines of a table, columns two apart: those of numbers flush right, the others flush left. */
export function lines({ head, rows }: Table): readonly string[] {
  const pads = head.map((name, i) => {
    const cells = rows.map(row => row[i] ?? '')
    const width = Math.max(name.length, ...cells.map(cell => cell.length))
    const right = cells.every(cell => cell === '' || numeric.test(cell))
    return (cell: string): string => (right ? cell.padStart(width) : cell.padEnd(width))
  })
  return [head, ...rows].map(row =>
    pads
      .map((pad, i) => pad(row[i] ?? ''))
      .join('  ')
      .trimEnd(),
  )
}
