import { clock, count, plural } from './format.js'
import type { Outcome, Plan } from './learn.js'
import type { Baseline, Unit } from './material.js'
import { passOf } from './source.js'

/** A row of a table: what it is about, and what is said of it. */
type Row = readonly [label: string, text: string]

/** What a run is about to do, a row a line: what is read, model, estimator, and the figures to beat. */
export function opening({ subject, credit, updates }: Plan): string {
  const { kind, name, size, modelText, toBeat } = subject
  return table([
    [kind, `${name}: ${size}`],
    ['model', `${modelText}; ${updates.text}`],
    ['estimator', `${credit.schedule.text}: ${credit.meaning}`],
    ['to beat', toBeat],
  ])
}

/** The final figures beside those of the simplest predictors. */
export function figures(
  { subject: { unit, kind, length } }: Plan,
  { progress, baselines }: Pick<Outcome, 'progress' | 'baselines'>,
): string {
  const { events, seconds, recent, prequential, updates } = progress
  if (updates === 0) return 'nothing was learned: the run ended before its first update'
  const row = (loss: number): string =>
    `${unit.text(loss)} ${unit.name}, ${verdict(loss, baselines, unit.text)}`
  const part = length === undefined ? '' : ` (${share(events, length, kind)})`
  return [
    `${plural(events, unit.event)}${part} in ${clock(seconds)}, ${plural(updates, 'update')}`,
    table([
      ['lately', row(recent)],
      ['whole run', row(prequential)],
    ]),
  ].join('\n')
}

/** Where the model is saved, in one sentence. */
export function kept({ saved }: Outcome): string {
  return saved === undefined ? 'The model is not saved; --save keeps it.' : `The model is saved in ${saved}.`
}

/** How far a run came that was stopped, in one sentence. */
export function stopped(
  { event, name, text }: Unit,
  { cause, saved, progress }: Pick<Outcome, 'cause' | 'saved' | 'progress'>,
): string {
  const { events, seconds, recent } = progress
  const where = saved === undefined ? 'nothing is saved' : `the model is saved in ${saved}`
  if (events === 0) return `Stopped (${cause}) before anything was learned; ${where}.`
  const after = `after ${plural(events, event)} in ${clock(seconds)}`
  return `Stopped (${cause}) ${after}, at ${text(recent)} ${name}; ${where}.`
}

/** Which of the simplest predictors a figure beats, and which it does not: `below bigram`, `below unigram, not below bigram`. */
export function verdict(
  value: number,
  baselines: readonly Baseline[],
  text: (value: number) => string,
): string {
  const rising = baselines.toSorted((a, b) => a.value - b.value)
  const said = ({ name, value }: Baseline): string => `${name} (${text(value)})`
  const beaten = rising.findIndex(one => value < one.value)
  if (beaten === 0) return `below ${said(rising[0]!)}`
  const missed = `not below ${said(rising.at(beaten === -1 ? -1 : beaten - 1)!)}`
  return beaten === -1 ? missed : `below ${said(rising[beaten]!)}, ${missed}`
}

/** Generated text in a frame, long lines broken, what does not print shown as a dot. */
export function framed(title: string, text: string, width: number = 76): string {
  const lines = text.split(/\r?\n/).flatMap(line => broken(readable(line), width))
  const top = `┌─ ${title} ${'─'.repeat(Math.max(0, width - title.length - 2))}`
  return [top, ...lines.map(line => `│ ${line}`.trimEnd()), `└${'─'.repeat(width + 1)}`].join('\n')
}

function share(events: number, length: number, noun: string): string {
  const pass = passOf(events, length)
  if (pass > 1) return `pass ${count(pass)} over the ${noun}, so most of it had been seen before`
  return `${Math.floor((100 * events) / Math.max(1, length))} % of the ${noun}`
}

function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([label]) => label.length))
  const margin = ' '.repeat(width + 4)
  return rows
    .map(([label, text]) => `  ${label.padEnd(width)}  ${text.replaceAll('\n', `\n${margin}`)}`)
    .join('\n')
}

function readable(line: string): string {
  return line.replaceAll('\t', '  ').replaceAll(/\p{Cc}/gu, '·')
}

function broken(line: string, width: number): string[] {
  const symbols = [...line]
  const pieces: string[] = []
  for (let at = 0; at === 0 || at < symbols.length; at += width)
    pieces.push(symbols.slice(at, at + width).join(''))
  return pieces
}
