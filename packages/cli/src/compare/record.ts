import { finite } from '../report.js'
import type { Race } from './race.js'
import type { Comparison, Result } from './result.js'

/** One line of `compare --json`: an estimator. Losses in the unit that the last line names. */
export interface ResultRecord {
  readonly estimator: string
  /** The estimator as the trainer names it. */
  readonly schedule: string
  readonly events: number
  readonly updates: number
  readonly loss: number | null
  /** Over the last tenth of the events. */
  readonly lately: number | null
  readonly meanSegment: number | null
  readonly longestSegment: number
  readonly flops: number
  /** Kept for the gradient at most: for the way back over the longest segment, or as influence; float32. */
  readonly bytesKept: number
  readonly seconds: number
  /** Relative to full BPTT; null where not measured. */
  readonly bias: number | null
  readonly biasError: number | null
  readonly deviation: number | null
  readonly cosine: number | null
  /** Why it could not go on. */
  readonly broken: string | null
  /** Mean losses over pieces of the stream, and the event each piece ends with. */
  readonly curve: { readonly events: readonly number[]; readonly losses: readonly (number | null)[] }
}

/** The record of a result. */
export function recordOf({ standing, quality }: Result, { material }: Comparison): ResultRecord {
  const { contender, events, updates, meanSegment, longestSegment, flops, seconds, history } = standing
  const loss = (nats: number): number | null => finite(material.unit.of(nats))
  return {
    estimator: contender.label,
    schedule: contender.estimator.text,
    events,
    updates,
    loss: loss(standing.prequential),
    lately: loss(standing.recent),
    meanSegment: finite(meanSegment),
    longestSegment,
    flops,
    bytesKept: standing.bytes,
    seconds: Math.round(seconds * 1000) / 1000,
    bias: finite(quality?.bias),
    biasError: finite(quality?.biasError),
    deviation: finite(quality?.deviation),
    cosine: finite(quality?.cosine),
    broken: standing.broken ?? null,
    curve: { events: history.loss.events, losses: history.loss.values.map(loss) },
  }
}

/** The last line of `compare --json`. */
export interface FinalRecord {
  readonly final: true
  /** Estimators, the lowest loss first. */
  readonly ranking: readonly string[]
  readonly unit: string
  readonly stream: string
  readonly model: string
  readonly seed: number
  readonly baselines: Readonly<Record<string, number | null>>
  /** Where bias and deviation were measured, and the gradient norm per lag there; null where not. */
  readonly gradients: Comparison['gradients'] | null
  /** The page that was written. */
  readonly html: string | null
}

/** The record of the whole comparison. */
export function closingRecord(plan: Race, comparison: Comparison, html: string | undefined): FinalRecord {
  const { material, results, gradients, baselines } = comparison
  return {
    final: true,
    ranking: results.map(({ standing }) => standing.contender.label),
    unit: material.unit.name,
    stream: material.name,
    model: material.modelText,
    seed: plan.seed,
    baselines: Object.fromEntries(baselines.map(({ name, value }) => [name, finite(value)])),
    gradients: gradients ?? null,
    html: html ?? null,
  }
}
