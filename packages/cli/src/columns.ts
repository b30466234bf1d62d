/** Rows of text in columns two spaces apart: the first to the left, the others to the right. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => [...row[column]!].length)))
  return rows.map(row =>
    row
      .map((cell, i) => {
        const gap = ' '.repeat(widths[i]! - [...cell].length)
        return i === 0 ? cell + gap : gap + cell
      })
      .join('  '),
  )
}
