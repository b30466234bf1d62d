import type { TextBaselines } from '@bptt/stream'
import { clock, count, figure, plural } from './format.js'
import type { Outcome, Plan } from './learn.js'
import { cellOf, parameterCount } from './model.js'
import { passOf } from './source.js'

/** A row of a table: what it is about, and what is said of it. */
type Row = readonly [label: string, text: string]

/** What a run is about to do, a row a line: text, model, estimator, and the figures to beat. */
export function opening({ corpus, spec, credit, updates }: Plan): string {
  const parameters = plural(parameterCount(cellOf(spec)), 'parameter')
  return table([
    ['text', `${corpus.name}: ${size(corpus.ids.length, corpus.alphabet.length)}`],
    ['model', `${spec.cell.toUpperCase()}, ${spec.hidden} hidden units, ${parameters}; ${updates.text}`],
    ['estimator', `${credit.schedule.text}: ${credit.meaning}`],
    ['to beat', toBeat(corpus.baselines)],
  ])
}

/** The final figures beside those of the simplest predictors. */
export function figures({ corpus }: Plan, { progress }: Outcome): string {
  const { events, seconds, recent, prequential, updates } = progress
  if (updates === 0) return 'nothing was learned: the run ended before its first update'
  const row = (bits: number): string =>
    `${figure(bits)} bits per character, ${verdict(bits, corpus.baselines)}`
  return [
    `${plural(events, 'character')} (${share(events, corpus.ids.length)}) in ${clock(seconds)}, ${plural(updates, 'update')}`,
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
export function stopped({ cause, saved, progress }: Outcome): string {
  const { events, seconds, recent } = progress
  const where = saved === undefined ? 'nothing is saved' : `the model is saved in ${saved}`
  if (events === 0) return `Stopped (${cause}) before anything was learned; ${where}.`
  const after = `after ${plural(events, 'character')} in ${clock(seconds)}`
  return `Stopped (${cause}) ${after}, at ${figure(recent)} bits per character; ${where}.`
}

/** Which of the simplest predictors a figure beats, and which it does not: `below bigram`, `above bigram, below unigram`. */
export function verdict(bits: number, { uniform, unigram, bigram }: TextBaselines): string {
  const rising = [
    ['bigram', bigram],
    ['unigram', unigram],
    ['uniform', uniform],
  ] as const
  const beaten = rising.findIndex(([, value]) => bits < value)
  if (beaten === 0) return `below bigram (${figure(bigram)})`
  const [name, value] = rising[beaten === -1 ? rising.length - 1 : beaten - 1] ?? rising[0]
  const missed = `not below ${name} (${figure(value)})`
  const next = rising[beaten]
  return next === undefined ? missed : `below ${next[0]} (${figure(next[1])}), ${missed}`
}

/** Generated text in a frame, long lines broken, what does not print shown as a dot. */
export function framed(title: string, text: string, width: number = 76): string {
  const lines = text.split(/\r?\n/).flatMap(line => broken(readable(line), width))
  const top = `┌─ ${title} ${'─'.repeat(Math.max(0, width - title.length - 2))}`
  return [top, ...lines.map(line => `│ ${line}`.trimEnd()), `└${'─'.repeat(width + 1)}`].join('\n')
}

function size(characters: number, symbols: number): string {
  return `${plural(characters, 'character')}, ${symbols} different ones`
}

function toBeat({ uniform, unigram, bigram }: TextBaselines): string {
  return [
    `${figure(uniform)} bits per character if every symbol is equally likely (uniform),`,
    `${figure(unigram)} if one knows how frequent each is in this text (unigram),`,
    `${figure(bigram)} if one knows how often each follows each in this text (bigram)`,
  ].join('\n')
}

function share(events: number, length: number): string {
  const pass = passOf(events, length)
  if (pass > 1) return `pass ${count(pass)} over the text, so most of it had been seen before`
  return `${Math.floor((100 * events) / Math.max(1, length - 1))} % of the text`
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
