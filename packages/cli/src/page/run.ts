import { bits, clock, count, figure } from '../format.js'
import type { History } from '../history.js'
import type { Outcome, Plan } from '../learn.js'
import { baselineSeries, overEvents, segmentChart } from './curves.js'
import type { Page } from './page.js'

/** A training run as a page. */
export function runPage(
  { corpus, spec, credit, updates, seed }: Plan,
  { progress }: Outcome,
  history: History,
): Page {
  const runs = [{ name: credit.schedule.text, history }]
  const [loss, norm] = [overEvents(runs, one => one.loss, bits), overEvents(runs, one => one.gradientNorm)]
  const x = { label: 'characters' }
  const baselines = (['uniform', 'unigram', 'bigram'] as const).map(name => ({
    name,
    value: corpus.baselines[name],
  }))
  return {
    title: `${spec.cell.toUpperCase()} on ${corpus.name}`,
    lead: `${count(progress.events)} characters, each predicted before it is learned from.`,
    facts: [
      ['Estimator', `${credit.schedule.text}: ${credit.meaning}`],
      ['Optimizer', updates.text],
      ['Hidden units', String(spec.hidden)],
      ['Seed', String(seed)],
    ],
    table: {
      head: ['run', 'bits per character', 'lately', 'updates', 'mean segment', 'time'],
      rows: [
        [
          credit.schedule.text,
          figure(progress.prequential, 3),
          figure(progress.recent, 3),
          count(progress.updates),
          figure(progress.segment, 1),
          clock(progress.seconds),
        ],
      ],
      note: 'Lately: a character 3000 ago counts half as much as a new one.',
    },
    charts: [
      {
        id: 'loss',
        title: 'Prequential loss',
        note: 'Bits per character; dashed, what the simplest predictors need.',
        kind: 'line',
        x,
        y: { label: 'bits per character' },
        at: loss.at,
        series: [...loss.series, ...baselineSeries(baselines, loss.at.length)],
      },
      {
        id: 'norm',
        title: 'Gradient norm',
        note: 'Global norm of the gradient before clipping, in the mean.',
        kind: 'line',
        x,
        y: { label: 'gradient norm', log: true },
        ...norm,
      },
      segmentChart(runs, 'character'),
    ],
  }
}
