import type { Curve, History } from '../history.js'
import { type Chart, grid, plain, type Series } from './chart.js'

/** What a run is called on a page, and what it left. */
export interface Named {
  readonly name: string
  readonly history: History
}

/** Pieces a curve is drawn in: few enough that its course is seen through the noise. */
const pieces = 100

/** A curve of every run over the same events, each value the mean since the one before. */
export function overEvents(
  runs: readonly Named[],
  of: (history: History) => Curve,
  scale: (value: number) => number = value => value,
): Pick<Chart, 'at' | 'series'> {
  const end = Math.max(0, ...runs.map(({ history }) => of(history).events.at(-1) ?? 0))
  const at = [...new Set(grid(end, Math.min(pieces, end)))]
  return {
    at,
    series: runs.map(({ name, history }) => ({ name, y: plain(means(of(history), at).map(scale)) })),
  }
}

/** The means of a curve between rising places; NaN behind its end, and where nothing has a weight. */
function means({ events, values, weights }: Curve, at: readonly number[]): number[] {
  const sums = summed(
    events,
    values.map((value, i) => (weights[i] === 0 ? 0 : value * weights[i]!)),
  )
  const weight = summed(events, weights)
  return at.map((place, i) => {
    const from = at[i - 1] ?? 0
    return (sums(place) - sums(from)) / (weight(place) - weight(from))
  })
}

/** The sum of pieces up to a place, spread evenly over each piece. */
function summed(events: readonly number[], pieces: readonly number[]): (place: number) => number {
  const sums = [0]
  for (const piece of pieces) sums.push(sums.at(-1)! + piece)
  return place => {
    const at = events.findIndex(end => end >= place)
    if (at < 0) return sums.at(-1)!
    const from = events[at - 1] ?? 0
    return sums[at]! + (pieces[at]! * (place - from)) / (events[at]! - from)
  }
}

/** The share of segments that are at least so long, for every run; `more` is said of how far back credit goes. */
export function segmentChart(runs: readonly Named[], event: string, more: string = ''): Chart {
  const lengths = new Set(
    runs.flatMap(({ history }) => [...history.segments.keys()].flatMap(n => [n, n + 1])),
  )
  const at = [...lengths.add(1)].sort((a, b) => a - b)
  const shares = runs.map(({ history }) => survival(history.segments, at))
  const floor = Math.min(...shares.flat().filter(share => share > 0)) / 2
  return {
    id: 'segments',
    title: 'Segment lengths',
    note: `Share of the segments that reach a length: how far back credit can go. Each segment is learned from in one update.${more}`,
    kind: 'step',
    x: { label: `${event}s in a segment, at least`, log: true },
    y: { label: 'share of segments', log: true, min: floor, max: 1.1 },
    at,
    series: runs.map(({ name }, i): Series => ({ name, y: dropped(shares[i]!, floor) })),
  }
}

/** The share of segments that are at least as long as each of these lengths. */
function survival(segments: ReadonlyMap<number, number>, at: readonly number[]): readonly number[] {
  const all = [...segments.values()].reduce((sum, n) => sum + n, 0)
  return at.map(length => [...segments].reduce((sum, [n, times]) => sum + (n >= length ? times : 0), 0) / all)
}

/** Shares that fall to the floor behind the longest segment, and end there. */
function dropped(shares: readonly number[], floor: number): (number | null)[] {
  const end = shares.indexOf(0)
  return shares.map((share, i) => (i === end ? floor : share > 0 ? share : null))
}

/** How strongly a loss depends on earlier states. */
export function lagChart(lags: readonly number[], where: string): Chart {
  const y = { label: 'gradient norm', log: true }
  return {
    id: 'lags',
    title: 'Gradient norm per lag',
    note: `How strongly a loss depends on the state so many steps before, in the mean, ${where}. What an estimator cuts off is what lies to the right of its segments.`,
    kind: 'points',
    x: { label: 'steps back' },
    y,
    at: lags.map((_, i) => i + 1),
    series: [{ name: 'gradient norm', y: plain(lags, y) }],
  }
}

/** Yardsticks as level lines. */
export function baselineSeries(
  baselines: readonly { readonly name: string; readonly value: number }[],
  length: number,
): readonly Series[] {
  return baselines.map(({ name, value }) => ({ name, y: Array<number>(length).fill(value), muted: true }))
}
