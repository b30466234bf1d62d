import { GraphError } from '@bptt/graph'
import { Failure, sentence } from '../failure.js'
import type { Baseline, Material } from '../material.js'
import type { Quality } from './bias.js'
import { lagsOf, type Place, qualityOf, sequenceOf } from './quality.js'
import type { Raced, Standing } from './race.js'

/** How an estimator did, and how good its gradient is. */
export interface Result {
  readonly standing: Standing
  /** Undefined where it was not measured. */
  readonly quality: Quality | undefined
}

/** Estimators side by side, the lowest loss first. */
export interface Comparison {
  readonly material: Material
  readonly results: readonly Result[]
  /** What the simplest predictors lost. */
  readonly baselines: readonly Baseline[]
  /** Undefined where gradients were not measured. */
  readonly gradients: Gradients | undefined
  /** Why they could not be. */
  readonly why?: string
}

/** Where gradients were compared, and how far back they reach there. */
interface Gradients {
  /** Events they go over. */
  readonly steps: number
  /** The estimator whose parameters were taken: the one with the lowest loss. */
  readonly at: string
  /** Patterns drawn of random cuts; 0 where all were listed. */
  readonly patterns: number
  /** Norm of a loss's derivative by the state so many steps back, lag 1 first. */
  readonly lags: readonly number[]
}

/** Standings by their loss, the lowest first; those that broke down last. */
export function ranked(standings: readonly Standing[]): readonly Standing[] {
  const height = ({ broken, prequential }: Standing): number =>
    broken === undefined && Number.isFinite(prequential) ? prequential : Infinity
  return standings.toSorted((a, b) => (height(a) === height(b) ? 0 : height(a) - height(b)))
}

/** Standings without gradients, as after an interruption. */
export function unmeasured(material: Material, { standings, baselines }: Raced): Comparison {
  const results = ranked(standings).map(standing => ({ standing, quality: undefined }))
  return { material, results, baselines, gradients: undefined }
}

/**
 * Measures the gradients of every estimator at the parameters of the best; between two, `turn` may end it. Where there is nothing to measure, the
 * comparison says why.
 */
export async function measured(
  material: Material,
  raced: Raced,
  samples: number,
  turn: (label: string) => Promise<boolean>,
): Promise<Comparison> {
  const order = ranked(raced.standings)
  const [best] = order
  if (best === undefined || best.updates === 0) return unmeasured(material, raced)
  try {
    const place: Place = { material, params: best.params(), head: raced.head, samples }
    return await measuredAt(place, order, raced, turn)
  } catch (error) {
    const hopeless = error instanceof GraphError && error.code === 'no-gradient'
    if (!hopeless && !(error instanceof Failure)) throw error
    return { ...unmeasured(material, raced), why: sentence(error) }
  }
}

async function measuredAt(
  place: Place,
  order: readonly Standing[],
  raced: Raced,
  turn: (label: string) => Promise<boolean>,
): Promise<Comparison> {
  const { material, head } = place
  const sequence = sequenceOf(place)
  const results: Result[] = []
  for (const standing of order) {
    if (!(await turn(standing.contender.label))) return unmeasured(material, raced)
    results.push({ standing, quality: qualityOf(standing.contender, place, sequence) })
  }
  const patterns = results.map(({ quality }) => (quality?.method === 'sampled' ? quality.patterns : 0))
  const [steps, at, lags] = [head.length, order[0]!.contender.label, lagsOf(place, sequence)]
  const gradients = { steps, at, patterns: Math.max(...patterns), lags }
  return { material, results, baselines: raced.baselines, gradients }
}
