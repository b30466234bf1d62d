import {
  clipRate,
  ewma,
  mean,
  metrics,
  prequentialLoss,
  type Report,
  segmentLengths,
  tracker,
} from '@bptt/stream'
import { clock, figure, norm, plural, rate } from './format.js'
import type { Material, Unit } from './material.js'
import { type Limits, lastStep } from './source.js'

/** The figures of a training run so far. */
export interface Progress {
  /** Events learned from, those before a resumption included. */
  readonly events: number
  /** Events learned from before a resumption. */
  readonly before: number
  readonly updates: number
  readonly seconds: number
  /** The loss lately (half-life {@link halfLife} events) in the unit of what is learned, each event predicted before it was learned from. */
  readonly recent: number
  /** The loss over all events so far, each predicted before it was learned from. */
  readonly prequential: number
  /** Mean segment length in events. */
  readonly segment: number
  /** Global norm of the last gradient, before clipping. */
  readonly gradientNorm: number
  /** Share of updates whose gradient was clipped, in [0, 1]. */
  readonly clipped: number
}

/** Events after which a loss counts half as much as a new one in {@link Progress.recent}. */
const halfLife = 3000

/** A fold over the reports of a trainer. */
export interface Meter {
  /** Takes in one report, made `seconds` after the start. */
  add(report: Report, seconds: number): Progress
  /** The figures after the last report. */
  readonly progress: Progress
}

const nothing: Progress = {
  events: 0,
  before: 0,
  updates: 0,
  seconds: 0,
  recent: Number.NaN,
  prequential: Number.NaN,
  segment: Number.NaN,
  gradientNorm: Number.NaN,
  clipped: 0,
}

const figures = metrics({
  recent: prequentialLoss(ewma(halfLife)),
  segments: segmentLengths(),
  clipped: clipRate(mean()),
})

/** A meter that has seen nothing, of a run that resumes one of `before` events; losses in a unit. */
export function meter({ of }: Unit, before: number = 0): Meter {
  const seen = tracker(figures)
  let progress: Progress = { ...nothing, events: before, before }
  const add = (report: Report, seconds: number): Progress => {
    seen.update(report)
    const { recent: lately, segments, clipped } = seen.value()
    const { events, updates, gradientNorm } = report
    const [recent, prequential] = [of(lately), of(report.prequential)]
    progress = {
      events,
      before,
      updates,
      seconds,
      recent,
      prequential,
      segment: segments.mean,
      gradientNorm,
      clipped,
    }
    return progress
  }
  return {
    add,
    get progress(): Progress {
      return progress
    },
  }
}

/** Events learned from per second; NaN before the first. */
export function speed({ events, before, seconds }: Progress): number {
  return events === before || seconds <= 0 ? Number.NaN : (events - before) / seconds
}

/** Seconds until the first limit of a run over passes of `length` events; NaN where it cannot be told yet. */
export function remaining(progress: Progress, limits: Limits, length: number = Infinity): number {
  const { seconds = Infinity } = limits
  const steps = (lastStep(limits, length) - progress.events) / speed(progress)
  const least = Math.min(seconds - progress.seconds, Number.isNaN(steps) ? Infinity : steps)
  return least === Infinity ? Number.NaN : Math.max(0, least)
}

/** The live line: loss, speed, updates, mean segment, gradient norm, elapsed and remaining time. */
export function liveLine(
  progress: Progress,
  limits: Limits,
  { unit, length }: Pick<Material, 'unit' | 'length'>,
): string {
  return [
    `${unit.text(progress.recent)} ${unit.short} (run ${unit.text(progress.prequential)})`,
    `${rate(speed(progress))} ${unit.brief}s/s`,
    plural(progress.updates, 'update'),
    `segment ${figure(progress.segment, 1)}`,
    `gradient ${norm(progress.gradientNorm)}`,
    `${clock(progress.seconds)}, ${clock(remaining(progress, limits, length))} left`,
  ].join(' · ')
}
