import { ewma, type Report } from '@bptt/stream'
import { bits, clock, figure, norm, plural, rate } from './format.js'
import { type Limits, lastStep } from './source.js'

/** The figures of a training run so far. */
export interface Progress {
  /** Characters learned from, those before a resumption included. */
  readonly events: number
  /** Characters learned from before a resumption. */
  readonly before: number
  readonly updates: number
  readonly seconds: number
  /** Bits per character lately (half-life {@link halfLife} characters), each predicted before it was learned from. */
  readonly recent: number
  /** Bits per character over all characters so far, each predicted before it was learned from. */
  readonly prequential: number
  /** Mean segment length in characters. */
  readonly segment: number
  /** Global norm of the last gradient, before clipping. */
  readonly gradientNorm: number
  /** Share of updates whose gradient was clipped, in [0, 1]. */
  readonly clipped: number
}

/** Characters after which a loss counts half as much as a new one in {@link Progress.recent}. */
export const halfLife = 3000

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

/** A meter that has seen nothing, of a run that resumes one of `before` characters. */
export function meter(before: number = 0): Meter {
  const lately = ewma(halfLife)
  let [state, clips, segments] = [lately.init(), 0, 0]
  let progress: Progress = { ...nothing, events: before, before }
  const add = (report: Report, seconds: number): Progress => {
    const { events, updates, gradientNorm } = report
    state = lately.update(state, report.loss, report.length)
    clips += report.clipped ? 1 : 0
    segments += 1
    const [recent, prequential] = [bits(lately.value(state)), bits(report.prequential)]
    const averages = { segment: (events - before) / segments, clipped: clips / segments }
    progress = { events, before, updates, seconds, recent, prequential, gradientNorm, ...averages }
    return progress
  }
  return {
    add,
    get progress(): Progress {
      return progress
    },
  }
}

/** Characters learned from per second; NaN before the first. */
export function speed({ events, before, seconds }: Progress): number {
  return events === before || seconds <= 0 ? Number.NaN : (events - before) / seconds
}

/** Seconds until the first limit of a run over a text of `length` characters; NaN where it cannot be told yet. */
export function remaining(progress: Progress, limits: Limits, length: number): number {
  const { seconds = Infinity } = limits
  const steps = (lastStep(limits, length) - progress.events) / speed(progress)
  const least = Math.min(seconds - progress.seconds, Number.isNaN(steps) ? Infinity : steps)
  return least === Infinity ? Number.NaN : Math.max(0, least)
}

/** The live line: bits per character, speed, updates, mean segment, gradient norm, elapsed and remaining time. */
export function liveLine(progress: Progress, limits: Limits, length: number): string {
  return [
    `${figure(progress.recent)} bits/char (run ${figure(progress.prequential)})`,
    `${rate(speed(progress))} chars/s`,
    plural(progress.updates, 'update'),
    `segment ${figure(progress.segment, 1)}`,
    `gradient ${norm(progress.gradientNorm)}`,
    `${clock(progress.seconds)}, ${clock(remaining(progress, limits, length))} left`,
  ].join(' · ')
}
