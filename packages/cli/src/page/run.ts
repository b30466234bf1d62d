import { clock, count, figure } from '../format.js'
import type { History } from '../history.js'
import type { Outcome, Plan } from '../learn.js'
import type { Chart } from './chart.js'
import { baselineSeries, overEvents, segmentChart } from './curves.js'
import type { Page } from './page.js'

/** A training run as a page. */
export function runPage(plan: Plan, { progress, baselines }: Outcome, history: History): Page {
  const { subject, credit, updates, seed } = plan
  const { name, unit, size, modelText } = subject
  return {
    title: `${subject.described.model.cell.toUpperCase()} on ${name}`,
    lead: `${count(progress.events)} ${unit.event}s, each predicted before it is learned from.`,
    facts: [
      ['Stream', size],
      ['Model', modelText],
      ['Estimator', `${credit.schedule.text}: ${credit.meaning}`],
      ['Optimizer', updates.text],
      ['Seed', String(seed)],
    ],
    table: {
      head: ['run', unit.name, 'lately', 'updates', 'mean segment', 'time'],
      rows: [
        [
          credit.schedule.text,
          unit.text(progress.prequential, true),
          unit.text(progress.recent, true),
          count(progress.updates),
          figure(progress.segment, 1),
          clock(progress.seconds),
        ],
      ],
      note: `Lately: a ${unit.event} 3000 ago counts half as much as a new one.`,
    },
    charts: chartsOf(plan, baselines, history),
  }
}

function chartsOf(
  { subject: { unit }, credit }: Plan,
  baselines: Outcome['baselines'],
  history: History,
): readonly Chart[] {
  const runs = [{ name: credit.schedule.text, history }]
  const loss = overEvents(runs, one => one.loss, unit.of)
  const norm = overEvents(runs, one => one.gradientNorm)
  const x = { label: `${unit.event}s` }
  return [
    {
      id: 'loss',
      title: 'Prequential loss',
      note: `In ${unit.name}; dashed, that of the simplest predictors.`,
      kind: 'line',
      x,
      y: { label: unit.name },
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
    segmentChart(runs, unit.event),
  ]
}
