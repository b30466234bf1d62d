import { count } from '../format.js'
import type { Colours } from '../terminal.js'
import type { Finding } from './compare.js'

/** How many entries agree within the tolerance, exceed it, and were not checked. */
export interface Tally {
  readonly agree: number
  readonly exceed: number
  readonly notChecked: number
}

/** True where an entry was checked and differs by more than the tolerance. */
export function exceeds({ worst, note }: Finding, tolerance: number): boolean {
  return note === undefined && !(worst <= tolerance)
}

/** The findings counted. */
export function tally(findings: readonly Finding[], tolerance: number): Tally {
  const notChecked = findings.filter(({ note }) => note !== undefined).length
  const exceed = findings.filter(finding => exceeds(finding, tolerance)).length
  return { agree: findings.length - exceed - notChecked, exceed, notChecked }
}

/** `12 entries agree within 1e-9, 0 exceed, 1 not checked`. */
export function closing({ agree, exceed, notChecked }: Tally, tolerance: number): string {
  const agreeing = agree === 1 ? '1 entry agrees' : `${count(agree)} entries agree`
  return `${agreeing} within ${tolerance}, ${count(exceed)} exceed, ${count(notChecked)} not checked`
}

/** The findings on one file as a table under its name: a line a case, or with `all` a line an entry. */
export function table(
  where: string,
  findings: readonly Finding[],
  tolerance: number,
  all: boolean,
  paint: Colours,
): string {
  const cases = [...new Set(findings.map(finding => finding.case))]
  const rows = all
    ? findings.map(finding => row(finding.case, finding.entry, finding))
    : cases.flatMap(name =>
        caseRows(
          name,
          findings.filter(finding => finding.case === name),
          tolerance,
        ),
      )
  const head = all ? ['case', 'entry', 'worst', 'where'] : ['case', 'entries', 'worst', 'where']
  const lines = aligned([head, ...rows.map(({ cells }) => cells)])
  const coloured = lines.map((line, i) => colour(line, rows[i - 1]?.finding, tolerance, paint))
  return [paint.bold(where), ...coloured.map(line => `  ${line}`)].join('\n')
}

interface Row {
  readonly cells: readonly string[]
  /** The entry the line is about; a line about a whole case has its worst one. */
  readonly finding: Finding | undefined
}

const row = (name: string, entry: string, finding: Finding): Row => ({
  cells: [name, entry, finding.note === undefined ? figure(finding.worst) : '–', finding.note ?? finding.at],
  finding,
})

/** A line for the case, and one for each entry that exceeds the tolerance or was not checked. */
function caseRows(name: string, findings: readonly Finding[], tolerance: number): readonly Row[] {
  const checked = findings.filter(({ note }) => note === undefined)
  const top = checked.reduce<Finding | undefined>(
    (worst, now) => (worst && worst.worst >= now.worst ? worst : now),
    undefined,
  )
  const odd = findings.filter(finding => finding.note !== undefined || exceeds(finding, tolerance))
  const where = top === undefined || top.at === '' ? '' : `${top.entry}, ${top.at}`
  const cells = [name, count(checked.length), top === undefined ? '–' : figure(top.worst), where]
  return [{ cells, finding: top }, ...odd.map(finding => row('', finding.entry, finding))]
}

const figure = (worst: number): string =>
  worst === 0 ? '0' : Number.isFinite(worst) ? worst.toExponential(1) : '∞'

/** Cells padded to columns two apart; the last one is left as it is. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = [0, 1, 2].map(column => Math.max(...rows.map(cells => cells[column]!.length)))
  return rows.map(cells =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

function colour(line: string, finding: Finding | undefined, tolerance: number, paint: Colours): string {
  if (finding === undefined) return paint.dim(line)
  if (finding.note !== undefined) return paint.yellow(line)
  return exceeds(finding, tolerance) ? paint.red(line) : line
}
