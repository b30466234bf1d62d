import type { TextBaselines } from '@bptt/stream'
import type { Outcome, Plan } from './learn.js'
import { cellOf, type ModelSpec, parameterCount } from './model.js'
import { type Progress, speed } from './progress.js'
import { passOf } from './source.js'

/** One line of `--json`: the figures of a run at one moment. Bits are per character. */
export interface JsonRecord {
  readonly characters: number
  /** How often the text has been begun, from 1. */
  readonly pass: number
  readonly updates: number
  readonly seconds: number
  readonly charactersPerSecond: number | null
  /** Lately (a character 3000 ago counts half as much as a new one), each predicted before it was learned from. */
  readonly bits: number | null
  /** Over all characters so far, each predicted before it was learned from. */
  readonly prequentialBits: number | null
  readonly meanSegment: number | null
  readonly gradientNorm: number | null
  /** Share of updates whose gradient was clipped, in [0, 1]. */
  readonly clipped: number
}

/** The record of a progress; what is not a finite number becomes null, as JSON has it. */
export function jsonRecord(progress: Progress, textLength: number): JsonRecord {
  return {
    characters: progress.events,
    pass: passOf(progress.events, textLength),
    updates: progress.updates,
    seconds: rounded(progress.seconds) ?? 0,
    charactersPerSecond: rounded(speed(progress)),
    bits: finite(progress.recent),
    prequentialBits: finite(progress.prequential),
    meanSegment: finite(progress.segment),
    gradientNorm: finite(progress.gradientNorm),
    clipped: progress.clipped,
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null
}

function rounded(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 1000) / 1000 : null
}

/** The last line of `--json`: the final figures, what was trained, and how it ended. */
export interface FinalRecord extends JsonRecord {
  readonly final: true
  readonly ending: 'finished' | 'interrupted' | 'diverged'
  /** Bits per character of the simplest predictors, counted on the whole text. */
  readonly baselines: TextBaselines
  readonly model: ModelSpec & { readonly parameters: number }
  /** The schedule of the estimator, as text. */
  readonly estimator: string
  readonly options: Readonly<Record<string, unknown>>
  /** The path of the saved model. */
  readonly saved: string | null
}

/** The last record of a run. */
export function finalRecord({ corpus, spec, credit, options }: Plan, outcome: Outcome): FinalRecord {
  return {
    ...jsonRecord(outcome.progress, corpus.ids.length),
    final: true,
    ending: endingOf(outcome),
    baselines: corpus.baselines,
    model: { ...spec, parameters: parameterCount(cellOf(spec)) },
    estimator: credit.schedule.text,
    options,
    saved: outcome.saved ?? null,
  }
}

function endingOf({ divergence, cause }: Outcome): FinalRecord['ending'] {
  if (divergence !== undefined) return 'diverged'
  return cause === undefined ? 'finished' : 'interrupted'
}
