import {
  compile,
  describe,
  type Graph,
  GraphError,
  type Loss,
  type Tensor,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import type { Cell } from '../cell.js'
import { checkCell, checkInputs, isWhole, shown } from '../checks.js'
import { combined, inner, tensorsOf } from '../numbers.js'
import { MOST_PATTERNS, patternsOf } from '../patterns.js'
import type { WindowSizes } from '../plan.js'
import { type Schedule, weightsOf } from '../schedule.js'
import type { Timeline } from '../timeline.js'
import { unroll } from '../unroll.js'
import { windows } from '../windows.js'
import type { Batch } from './lags.js'

/** An estimator of the gradient beside full BPTT, on one batch. */
export interface EstimatorRow {
  readonly name: string
  /** How the mean was found: over every pattern of cuts, or over so many drawn ones. */
  readonly method: 'enumerated' | 'sampled'
  /** Patterns listed or drawn. */
  readonly patterns: number
  /** |E g − ∇L| / |∇L|; of samples, an estimate that is too large by about its standard error. */
  readonly bias: number
  /** Root of E |error|² of the sampled mean over |∇L|: the true bias is within 1.96 of them in 95 % of samples, or more; 0 where enumerated. */
  readonly biasError: number
  /** Cosine of E g and ∇L; 0 where E g is. */
  readonly cosine: number
  /** Of samples, an interval that holds the true cosine in 95 % of them, or more: that of all E g within 1.96 `biasError`. Else the cosine twice. */
  readonly cosineInterval: readonly [low: number, high: number]
  /** ⟨E g, ∇L⟩ / |∇L|² with a 95 % confidence interval; 1 is unbiased along the gradient. */
  readonly along: { readonly mean: number; readonly low: number; readonly high: number }
  /** E |g|² − |E g|², all parameters together. */
  readonly variance: number
  /** Standard error of `variance`; 0 where enumerated. */
  readonly varianceError: number
  /** |∇L| of full BPTT: √variance over it is the relative deviation of one gradient. */
  readonly norm: number
  /** Floating-point operations of the gradient's graph. */
  readonly flops: number
  /** Bytes in float64 that are kept at once on the way forward: those of the longest segment, in the mean over patterns. */
  readonly bytes: number
}

/** How a report is made. */
export interface ReportOptions {
  readonly loss: Loss
  /** Patterns drawn where there are more than 2^14, 1000 by default. */
  readonly samples?: number
}

type Found = ReadonlyMap<string, Tensor>

/**
 * Bias, variance and cost of estimators against full BPTT: schedules of edge weights, and windows `{ h, every }`. Exact, by listing
 * every pattern of cuts, up to 2^14 of them; beyond, by drawing `samples` streams of the schedule's own coins, with errors as given.
 * @throws GraphError `no-gradient` where full BPTT is zero or not finite, so that there is nothing to compare with; `bad-samples`,
 * `bad-schedule`, `bad-cell`, `shape`, and what `unroll`, `weightsOf` and `windows` throw.
 */
export function estimatorReport(
  cell: Cell,
  data: Batch,
  schedules: readonly (Schedule | WindowSizes)[],
  { loss, samples = 1000 }: ReportOptions,
): readonly EstimatorRow[] {
  checkSamples(samples)
  checkCell('estimatorReport', cell)
  checkInputs('estimatorReport', data.xs, { front: ['T', 'B'], input: cell.input })
  checkSchedules(schedules)
  const [steps, batch] = [data.xs.shape[0]!, data.xs.shape[1]!]
  const line = unroll(cell, { steps, batch, loss })
  const exact = runner(slopeOf(line.graph))(data as unknown as Values)
  checkGradient(exact)
  const task = { line, steps, data, samples, exact, bytes: describe(line.graph).savedBytes ?? 0 }
  return schedules.map(given => (isSchedule(given) ? scheduleRow(given, task) : windowRow(given, task)))
}

/** What every estimator is held against. */
interface Task {
  readonly line: Timeline
  readonly steps: number
  readonly data: Batch
  readonly samples: number
  readonly exact: Found
  /** Bytes that full BPTT keeps. */
  readonly bytes: number
}

const isSchedule = (given: Schedule | WindowSizes): given is Schedule => 'weight' in Object(given)

function windowRow(sizes: WindowSizes, { line, steps, data, exact, bytes }: Task): EstimatorRow {
  const { windows: plan, graph } = windows(line, sizes)
  const slope = slopeOf(graph)
  const made = [{ probability: 1, gradient: runner(slope)(data as unknown as Values) }]
  return {
    name: `BPTT(${plan!.h}; ${plan!.every})`,
    ...compared(exact, made, 'enumerated'),
    flops: describe(slope).flops ?? 0,
    bytes: (bytes * Math.min(sizes.h, steps)) / steps,
  }
}

function scheduleRow(schedule: Schedule, { line, steps, data, samples, exact, bytes }: Task): EstimatorRow {
  const open = slopeOf(unroll(line.cell, { ...line.options, credit: { kind: 'input', each: false } }).graph)
  const listed = schedule.chance === undefined || 2 ** (steps - 1) <= MOST_PATTERNS
  const patterns = listed ? patternsOf(schedule, steps) : drawn(schedule, steps, samples)
  const run = runner(open)
  const made = patterns.map(({ probability, weights }) => ({
    probability,
    gradient: run({ ...data, credit: [1, ...weights] } as unknown as Values),
  }))
  const longest = patterns.reduce(
    (total, { probability, weights }) => total + probability * longestSegment(weights),
    0,
  )
  return {
    name: schedule.text,
    ...compared(exact, made, listed ? 'enumerated' : 'sampled'),
    flops: describe(open).flops ?? 0,
    bytes: (bytes * longest) / steps,
  }
}

function checkSchedules(schedules: unknown): void {
  const refuse = (detail: string): never => {
    throw new GraphError('bad-schedule', 'estimatorReport', detail, '[full(), every(4), { h: 4, every: 2 }]')
  }
  if (!Array.isArray(schedules))
    refuse(`schedules are ${shown(schedules)}; they are a list of schedules and windows`)
  for (const [i, given] of (schedules as unknown[]).entries())
    if (!['weight', 'h'].some(key => key in Object(given)))
      refuse(`schedule ${i} is ${shown(given)}; it is a schedule, or the sizes of windows`)
}

function checkSamples(samples: unknown): void {
  if (!isWhole(samples, 2))
    throw new GraphError(
      'bad-samples',
      'estimatorReport',
      `samples is ${shown(samples)}; a variance takes a whole number of them ≥ 2`,
      'leave it out for 1000',
    )
}

function checkGradient(exact: Found): void {
  const size = Math.sqrt(inner(exact, exact))
  if (size === 0 || !Number.isFinite(size))
    throw new GraphError(
      'no-gradient',
      'estimatorReport',
      `full BPTT is ${size === 0 ? 'zero by every parameter' : 'not finite'}; estimators are compared with it`,
      size === 0
        ? 'take other params: at these, no parameter changes the loss'
        : 'take smaller params or inputs',
    )
}

const slopeOf = (graph: Graph): Graph => valueAndGradient(graph, { of: 'loss', by: ['params'] }) as Graph

/** Runs a gradient's graph, compiled in float64: it runs once for every pattern. */
function runner(graph: Graph): (values: Values) => Found {
  const { run } = compile(graph, { dtype: 'float64' })
  return values => paramsOf(run(values))
}

const paramsOf = (made: unknown): Found =>
  new Map([...tensorsOf(made)].filter(([name]) => name.startsWith('gradient.')))

const drawn = (schedule: Schedule, steps: number, samples: number): ReturnType<typeof patternsOf> =>
  Array.from({ length: samples }, (_, stream) => ({
    probability: 1 / samples,
    weights: weightsOf(schedule, steps, stream),
  }))

/** Steps of the longest segment between cuts. */
function longestSegment(weights: readonly number[]): number {
  let [now, longest] = [1, 1]
  for (const weight of weights) {
    now = weight === 0 ? 1 : now + 1
    longest = Math.max(longest, now)
  }
  return longest
}

interface Drawn {
  readonly probability: number
  readonly gradient: Found
}

/** Standard errors in half of a 95 % confidence interval. */
const Z = 1.96

function compared(
  exact: Found,
  made: readonly Drawn[],
  method: EstimatorRow['method'],
): Omit<EstimatorRow, 'name' | 'flops' | 'bytes'> {
  const mean = combined(made.map(({ probability, gradient }) => [probability, gradient] as const))
  const apart = combined([
    [1, mean],
    [-1, exact],
  ])
  const [size, square, dot] = [inner(exact, exact), inner(mean, mean), inner(mean, exact)]
  // |g − E g|², whose mean is the variance
  const spreads = made.map(({ gradient }) => inner(gradient, gradient) - 2 * inner(gradient, mean) + square)
  const alongs = made.map(({ gradient }) => inner(gradient, exact) / size)
  const N = method === 'sampled' ? made.length : Number.POSITIVE_INFINITY // no error where all are listed
  const spread = made.reduce((sum, { probability }, i) => sum + probability * spreads[i]!, 0)
  const variance = Math.max(0, spread) / (1 - 1 / N) // too small by 1/N around the mean of samples
  const biasError = Math.sqrt(variance / N / size)
  const cosine = square === 0 ? 0 : Math.min(1, Math.max(-1, dot / Math.sqrt(square * size)))
  const along = dot / size
  const half = Z * standardError(alongs, N)
  return {
    method,
    patterns: made.length,
    bias: Math.sqrt(inner(apart, apart) / size),
    biasError,
    cosine,
    cosineInterval: cosinesWithin(cosine, Z * biasError * Math.sqrt(size / square)),
    along: { mean: along, low: along - half, high: along + half },
    variance,
    varianceError: standardError(spreads, N),
    norm: Math.sqrt(size),
  }
}

/**
 * The cosines that a vector may have with another, given the one found for it when it was known to within `off` of its norm: the
 * ball around its end is seen under the angle asin(off) to either side.
 */
function cosinesWithin(cosine: number, off: number): EstimatorRow['cosineInterval'] {
  if (!(off > 0)) return [cosine, cosine]
  if (off >= 1) return [-1, 1]
  const [angle, wide] = [Math.acos(cosine), Math.asin(off)]
  return [Math.cos(Math.min(Math.PI, angle + wide)), Math.cos(Math.max(0, angle - wide))]
}

/** The standard error of the mean of N samples; 0 where N is infinite. */
function standardError(samples: readonly number[], N: number): number {
  const mean = samples.reduce((sum, x) => sum + x, 0) / samples.length
  return Math.sqrt(samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (N - 1) / N)
}
