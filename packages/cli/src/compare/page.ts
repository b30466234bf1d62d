import { bytes, count, figure, percent, rate, short } from '../format.js'
import type { Chart, Series } from '../page/chart.js'
import { baselineSeries, lagChart, type Named, overEvents, segmentChart } from '../page/curves.js'
import type { Page, Table } from '../page/page.js'
import type { Race } from './race.js'
import type { Comparison } from './result.js'
import { biasText, gradientNotes } from './view.js'

/** A comparison as a page. */
export function pageOf(plan: Race, comparison: Comparison, optimizerText: string): Page {
  const { material, results } = comparison
  const events = Math.max(...results.map(({ standing }) => standing.events))
  return {
    title: `Gradient estimators on ${material.name}`,
    lead: `Each estimator learns from the same ${count(events)} ${material.unit.event}s, from the same start.`,
    facts: [
      ['Stream', material.size],
      ['Model', material.modelText],
      ['Optimizer', optimizerText],
      ['Seed', String(plan.seed)],
    ],
    table: tableOf(comparison),
    charts: chartsOf(comparison, plan),
  }
}

function tableOf({ material, results, gradients }: Comparison): Table {
  const { of, name, event, text } = material.unit
  const head = ['estimator', name, 'lately', 'mean segment', 'longest', 'flops', 'bytes kept', 'bias', 'std']
  const rows = results.map(({ standing, quality }) => [
    standing.broken === undefined ? standing.contender.label : `${standing.contender.label} (broke down)`,
    text(of(standing.prequential), true),
    text(of(standing.recent), true),
    figure(standing.meanSegment, 1),
    count(standing.longestSegment),
    short(standing.flops),
    bytes(standing.bytes),
    biasText(quality),
    percent(quality?.deviation ?? Number.NaN),
    `${rate(standing.events / standing.seconds)}`,
  ])
  const note = [
    `${name}: over the whole run, each ${event} met before it is learned from; lately: over its last tenth.`,
    'Bytes are those kept for the gradient at most: for the way back over the longest segment, or as influence; in float32.',
    ...(gradients === undefined ? [] : [capital(gradientNotes(gradients).join(' '))]),
  ].join(' ')
  return { head: [...head, `${event}s per second`], rows, note }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function chartsOf(
  { material, results, gradients, baselines }: Comparison,
  { contenders }: Race,
): readonly Chart[] {
  // in the order they were named, so that a colour means the same estimator in every chart
  const ordered = contenders.map(
    contender => results.find(({ standing }) => standing.contender === contender)!,
  )
  const runs: readonly Named[] = ordered.map(({ standing }) => ({
    name: standing.contender.label,
    history: standing.history,
  }))
  const { unit } = material
  const loss = overEvents(runs, history => history.loss, unit.of)
  return [
    {
      id: 'loss',
      title: 'Prequential loss',
      note: `${capital(unit.name)}, each ${unit.event} predicted before it is learned from.`,
      kind: 'line',
      x: { label: `${unit.event}s` },
      y: { label: unit.name },
      at: loss.at,
      series: [...loss.series, ...baselineSeries(baselines, loss.at.length)],
    },
    ...(gradients === undefined
      ? []
      : [tradeOff(ordered), lagChart(gradients.lags, `at the parameters of ${gradients.at}`)]),
    segmentChart(runs, unit.event),
  ]
}

/** Bias and deviation of every estimator, bubbles as large as the bytes kept. */
function tradeOff(results: Comparison['results']): Chart {
  const known = results.filter(({ quality }) => quality !== undefined)
  const at = [...new Set(known.map(({ quality }) => 100 * quality!.bias))].sort((a, b) => a - b)
  const most = Math.max(...known.map(({ standing }) => standing.bytes))
  const deviations = known.map(({ quality }) => 100 * quality!.deviation)
  return {
    id: 'trade-off',
    title: 'Bias, variance and cost',
    note: 'Of the gradient, relative to full BPTT; nearer to the corner is better. The area of a bubble is the bytes kept for the gradient.',
    kind: 'bubbles',
    x: { label: 'bias, % of the gradient', ...ends(at) },
    y: { label: 'standard deviation, % of the gradient', ...ends(deviations) },
    at,
    series: results.map(
      ({ standing, quality }): Series => ({
        name: standing.contender.label,
        y: at.map(bias =>
          quality !== undefined && 100 * quality.bias === bias ? 100 * quality.deviation : null,
        ),
        size: Math.round(10 + 30 * Math.sqrt(standing.bytes / most)),
      }),
    ),
  }
}

/** Room around what is at least 0, so that bubbles are whole. */
function ends(values: readonly number[]): { readonly min: number; readonly max: number } {
  const most = Math.max(...values, 1e-3)
  return { min: -0.12 * most, max: 1.15 * most }
}
