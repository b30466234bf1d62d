import { bytes, count, figure, percent, rate, short } from '../format.js'
import type { Unit } from '../material.js'
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
  const remember = contenders.some(({ means }) => means.kind !== 'cuts')
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
    lossByFlops(ordered, loss, unit),
    lossByBytes(ordered, unit),
    ...(gradients === undefined
      ? []
      : [tradeOff(ordered), lagChart(gradients.lags, `at the parameters of ${gradients.at}`)]),
    segmentChart(
      runs,
      unit.event,
      remember ? ' What goes on over updates (bptt, rtrl, snap, uoro) sees further.' : '',
    ),
  ]
}

/** The same losses over what was computed for them. */
function lossByFlops(
  results: Comparison['results'],
  { at, series }: Pick<Chart, 'at' | 'series'>,
  unit: Unit,
): Chart {
  const spent = results.map(({ standing }) =>
    at.map(events => (events > standing.events ? Number.NaN : (standing.flops * events) / standing.events)),
  )
  const places = [...new Set(spent.flat().filter(flops => flops > 0))].sort((a, b) => a - b)
  return {
    id: 'flops',
    title: 'Loss by computation',
    note: `The same losses over the floating-point operations that the updates took. ${capital(unit.name)}; further to the left is cheaper.`,
    kind: 'line',
    x: { label: 'floating-point operations', log: true },
    y: { label: unit.name },
    at: places,
    joined: true,
    series: series.map(({ name, y }, i) => {
      const known = new Map(spent[i]!.map((flops, place) => [flops, y[place] ?? null]))
      return { name, y: places.map(flops => known.get(flops) ?? null) }
    }),
  }
}

/** What each estimator lost, by the bytes it kept at most. */
function lossByBytes(results: Comparison['results'], unit: Unit): Chart {
  const done = results.filter(({ standing }) => standing.bytes > 0 && Number.isFinite(standing.prequential))
  const at = [...new Set(done.map(({ standing }) => standing.bytes))].sort((a, b) => a - b)
  const losses = done.map(({ standing }) => unit.of(standing.prequential))
  const [low, high] = [Math.min(...losses), Math.max(...losses)]
  const room = 0.2 * (high - low || Math.abs(high) || 1)
  return {
    id: 'bytes',
    title: 'Loss by memory',
    note: `Over the whole run, by the bytes kept for the gradient at most. ${capital(unit.name)}; nearer to the lower left is better.`,
    kind: 'bubbles',
    x: { label: 'bytes kept', log: true, ...powersAround(at) },
    y: { label: unit.name, min: low - room, max: high + room },
    at,
    series: results.map(({ standing }) => ({
      name: standing.contender.label,
      y: at.map(bytes =>
        done.some(one => one.standing === standing) && standing.bytes === bytes
          ? unit.of(standing.prequential)
          : null,
      ),
      size: 12,
    })),
  }
}

/** The powers of ten around rising numbers: a logarithmic axis has its marks from its end on. */
const powersAround = (at: readonly number[]): { readonly min: number; readonly max: number } => ({
  min: 10 ** Math.floor(Math.log10((at[0] ?? 1) / 1.5)),
  max: 10 ** Math.ceil(Math.log10(1.5 * (at.at(-1) ?? 1))),
})

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
