import type { Outcome, Plan } from './learn.js'
import { type Described, parameterCount } from './model.js'
import { type Progress, speed } from './progress.js'
import { passOf } from './source.js'

/** One line of `--json`: the figures of a run at one moment. Losses in the unit that the last line names. */
export interface JsonRecord {
  readonly events: number
  /** How often the text or the file has been begun, from 1; null where it is read once, as it comes. */
  readonly pass: number | null
  readonly updates: number
  readonly seconds: number
  readonly eventsPerSecond: number | null
  /** Over all events so far, each predicted before it was learned from. */
  readonly loss: number | null
  /** Lately: an event 3000 ago counts half as much as a new one. */
  readonly lately: number | null
  readonly meanSegment: number | null
  readonly gradientNorm: number | null
  /** Share of updates whose gradient was clipped, in [0, 1]. */
  readonly clipped: number
}

/** The record of a progress; what is not a finite number becomes null, as JSON has it. `length` is that of a pass. */
export function jsonRecord(progress: Progress, length: number | undefined): JsonRecord {
  return {
    events: progress.events,
    pass: length === undefined ? null : passOf(progress.events, length),
    updates: progress.updates,
    seconds: rounded(progress.seconds) ?? 0,
    eventsPerSecond: rounded(speed(progress)),
    loss: finite(progress.prequential),
    lately: finite(progress.recent),
    meanSegment: finite(progress.segment),
    gradientNorm: finite(progress.gradientNorm),
    clipped: progress.clipped,
  }
}

/** A number as JSON has it: null where it is not finite. */
export function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null
}

function rounded(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 1000) / 1000 : null
}

/** The last line of `--json`: the final figures, what was trained, and how it ended. */
export interface FinalRecord extends JsonRecord {
  readonly final: true
  readonly ending: 'finished' | 'interrupted' | 'diverged' | 'broken'
  /** Of the losses: `bits per character`, `RMSE`. */
  readonly unit: string
  /** Losses of the simplest predictors. */
  readonly baselines: Readonly<Record<string, number | null>>
  readonly model: Described['model'] & { readonly parameters: number }
  /** The schedule of the estimator, as text. */
  readonly estimator: string
  readonly options: Readonly<Record<string, unknown>>
  /** The path of the saved model. */
  readonly saved: string | null
}

/** The last record of a run. */
export function finalRecord({ subject, credit, options }: Plan, outcome: Outcome): FinalRecord {
  const { model, unit, described, length } = subject
  return {
    ...jsonRecord(outcome.progress, length),
    final: true,
    ending: endingOf(outcome),
    unit: unit.name,
    baselines: Object.fromEntries(outcome.baselines.map(({ name, value }) => [name, finite(value)])),
    model: { ...described.model, parameters: parameterCount(model) },
    estimator: credit.schedule.text,
    options,
    saved: outcome.saved ?? null,
  }
}

function endingOf({ divergence, broken, cause }: Outcome): FinalRecord['ending'] {
  if (divergence !== undefined) return 'diverged'
  if (broken !== undefined) return 'broken'
  return cause === undefined ? 'finished' : 'interrupted'
}
