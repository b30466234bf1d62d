/** One measurement: a flat object, one line of JSON. */
export type Finding = Readonly<Record<string, string | number | boolean>>

/** Findings as lines of text, a column for every name that occurs, numbers to the right. Nothing for no findings. */
export function table(findings: readonly Finding[]): readonly string[] {
  const names = [...new Set(findings.flatMap(finding => Object.keys(finding)))]
  const cells = findings.map(finding => names.map(name => cell(finding[name])))
  const widths = names.map((name, k) => Math.max(name.length, ...cells.map(row => row[k]!.length)))
  const numeric = names.map(name => findings.every(finding => typeof finding[name] !== 'string'))
  const line = (row: readonly string[]): string =>
    row
      .map((text, k) => (numeric[k] ? text.padStart(widths[k]!) : text.padEnd(widths[k]!)))
      .join('  ')
      .trimEnd()
  return findings.length === 0 ? [] : [line(names), ...cells.map(line)]
}

/** A value as a cell: four digits of a number, nothing for what is missing. */
export function cell(value: string | number | boolean | undefined): string {
  if (value === undefined) return ''
  return typeof value === 'number' ? digits(value) : String(value)
}

function digits(value: number): string {
  if (Number.isInteger(value) || !Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size < 1e-4) return value.toExponential(1)
  return size >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)))
}
