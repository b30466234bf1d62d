import type { Tensor, Tree } from '@bptt/graph'
import { type Optimizer, type Report, type Sample, trainer } from '@bptt/stream'
import { map, Subject } from 'rxjs'
import { sentence } from '../failure.js'
import { type Historian, type History, historian } from '../history.js'
import type { Baseline, Material, Yardsticks } from '../material.js'
import type { Limits } from '../source.js'
import type { Contender } from './contender.js'
import { type Cost, costOf } from './cost.js'

/** How one estimator stands. Losses in nats per event, each met before it was learned from. */
export interface Standing {
  readonly contender: Contender
  readonly events: number
  readonly updates: number
  /** Mean loss over all events. */
  readonly prequential: number
  /** Mean loss over the last tenth of the events. */
  readonly recent: number
  readonly history: History
  readonly meanSegment: number
  readonly longestSegment: number
  /** Floating-point operations so far. */
  readonly flops: number
  /** Bytes kept for the gradient at most: for the way back over the longest segment, or as influence; float32. */
  readonly bytes: number
  /** Seconds spent on this estimator. */
  readonly seconds: number
  /** Why it could not go on; undefined where it did. */
  readonly broken: string | undefined
  /** A copy of the parameters it has reached. */
  readonly params: () => Tree<Tensor>
}

/** What all estimators have in common. */
export interface Race {
  readonly material: Material
  readonly optimizer: Optimizer
  readonly contenders: readonly Contender[]
  readonly seed: number
  readonly limits: Limits
  /** So many first events are kept, fewer where a sequence ends before. */
  readonly prefix: number
}

/** How a race ended. */
export interface Raced {
  readonly standings: readonly Standing[]
  /** The first events, as far as the first reset. */
  readonly head: readonly Sample[]
  /** What the simplest predictors lost. */
  readonly baselines: readonly Baseline[]
}

interface Lane {
  readonly push: (sample: Sample) => void
  readonly finish: () => void
  readonly standing: () => Standing
}

/** Every estimator learns from the same events, one event at a time, from the same start; `watch` sees how they stand. */
export async function race(
  plan: Race,
  signal: AbortSignal,
  watch: (events: number, standings: () => readonly Standing[]) => void,
): Promise<Raced> {
  const { material, limits, prefix } = plan
  const lanes = plan.contenders.map(contender => laneOf(plan, contender))
  const standings = (): readonly Standing[] => lanes.map(lane => lane.standing())
  const [head, rivals]: [Sample[], Yardsticks] = [[], material.yardsticks()]
  let [events, begun] = [0, false]
  for await (const sample of material.samples({ limits, signal })) {
    begun ||= events > 0 && sample.reset === true
    if (!begun && events < prefix) head.push(sample)
    rivals.see(sample)
    for (const lane of lanes) lane.push(sample)
    watch(++events, standings)
  }
  for (const lane of lanes) lane.finish()
  return { standings: standings(), head, baselines: rivals.baselines }
}

function laneOf({ material: { model, loss }, optimizer, seed }: Race, contender: Contender): Lane {
  const cost = costOf({ model, loss, optimizer }, contender)
  const online = trainer({ model, loss, estimator: contender.estimator, optimizer, seed })
  const [events, past] = [new Subject<Sample>(), historian()]
  const own = {
    last: undefined as Report | undefined,
    flops: 0,
    broken: undefined as string | undefined,
    seconds: 0,
  }
  events.pipe(episodes(contender.episode), online.train()).subscribe({
    next: report => {
      past.add(report)
      own.last = report
      own.flops += cost.flops(report.length)
    },
    error: error => (own.broken = sentence(error)),
  })
  const timed = (work: () => void): void => {
    const began = performance.now()
    work()
    own.seconds += (performance.now() - began) / 1000
  }
  return {
    push: sample => timed(() => events.next(sample)),
    finish: () => timed(() => events.complete()),
    standing: () => ({
      contender,
      ...own,
      ...figuresOf(own.last, past, cost),
      params: () => online.snapshot().params,
    }),
  }
}

/** Resets the carry after every so many events, which ends the segment too. */
function episodes(length: number | undefined): ReturnType<typeof map<Sample, Sample>> {
  return map((sample, t) =>
    length !== undefined && t > 0 && t % length === 0 ? { ...sample, reset: true } : sample,
  )
}

type Figures = Omit<Standing, 'contender' | 'flops' | 'seconds' | 'broken' | 'params'>

function figuresOf(last: Report | undefined, { history }: Historian, cost: Cost): Figures {
  const { events = 0, updates = 0, prequential = Number.NaN } = last ?? {}
  const longestSegment = Math.max(0, ...history.segments.keys())
  return {
    events,
    updates,
    prequential,
    recent: tail(history.loss, 0.9 * events),
    history,
    meanSegment: updates === 0 ? Number.NaN : events / updates,
    longestSegment,
    bytes: longestSegment === 0 ? 0 : cost.bytes(longestSegment),
  }
}

/** The mean of a curve over the pieces that end after `from`. */
function tail({ events, values, weights }: History['loss'], from: number): number {
  let [sum, weight] = [0, 0]
  for (const [i, end] of events.entries()) {
    if (end <= from || weights[i] === 0) continue
    sum += values[i]! * weights[i]!
    weight += weights[i]!
  }
  return sum / weight
}
