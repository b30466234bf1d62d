import { clock, count, rate } from '../format.js'
import type { Colours } from '../terminal.js'
import type { Advance, Claim, Part } from './course.js'
import { lines } from './table.js'

/** The live line: what is done, how much of it, the rate, elapsed and remaining time. */
export function advanceLine({ done, total, unit, what }: Advance, seconds: number): string {
  const perSecond = seconds > 0 ? done / seconds : Number.NaN
  const left = done > 0 ? (total - done) / perSecond : Number.NaN
  return [
    what,
    `${count(done)} of ${count(total)} ${unit}`,
    `${rate(perSecond)} ${unit}/s`,
    `${clock(seconds)}, ${clock(left)} left`,
  ].join(' · ')
}

/** A result under its title. */
export function partText({ title, table }: Part, paint: Colours): string {
  const [head = '', ...rows] = lines(table)
  return [paint.bold(title), paint.dim(`  ${head}`), ...rows.map(row => `  ${row}`)].join('\n')
}

/** A line for every claim: whether it held, and what was found. */
export function claimLines(claims: readonly Claim[], paint: Colours): string {
  return claims
    .map(({ claim, held, found }) => `${held ? paint.green('✓') : paint.red('✗')} ${claim}: ${found}`)
    .join('\n')
}

/** The outcome in one sentence. */
export function conclusion(claims: readonly Claim[]): string {
  const failed = claims.filter(({ held }) => !held)
  if (failed.length === 0)
    return claims.length === 1 ? 'The claim held.' : `The claim held, in all its ${claims.length} parts.`
  return `the claim did not hold: ${failed.map(({ claim, found }) => `${claim} (${found})`).join('; ')}`
}

/** A number in so many significant digits, with a true minus sign. */
export function digits(value: number, significant: number = 4): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '–' : value > 0 ? '∞' : '−∞'
  const size = Math.abs(value)
  const plain = value === 0 || (size >= 1e-3 && size < 1e6)
  const text = plain
    ? Number(value.toPrecision(significant)).toString()
    : value.toExponential(significant - 1)
  return text.replace(/^-/, '−')
}
