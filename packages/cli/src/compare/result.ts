import type { Material } from '../material.js'
import { lagsOf, type Place, type Quality, qualityOf, sequenceOf } from './quality.js'
import type { Standing } from './race.js'

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
  /** Undefined where gradients were not measured. */
  readonly gradients: Gradients | undefined
}

/** Where gradients were compared, and how far back they reach there. */
export interface Gradients {
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
export function unmeasured(material: Material, standings: readonly Standing[]): Comparison {
  const results = ranked(standings).map(standing => ({ standing, quality: undefined }))
  return { material, results, gradients: undefined }
}

/** Measures the gradients of every estimator at the parameters of the best; between two, `turn` may end it. */
export async function measured(
  material: Material,
  standings: readonly Standing[],
  sizes: Pick<Place, 'prefix' | 'samples'>,
  turn: (label: string) => Promise<boolean>,
): Promise<Comparison> {
  const order = ranked(standings)
  const [best] = order
  if (best === undefined || best.updates === 0) return unmeasured(material, standings)
  const place = { material, params: best.params(), ...sizes }
  const sequence = await sequenceOf(place)
  const results: Result[] = []
  for (const standing of order) {
    if (!(await turn(standing.contender.label))) return unmeasured(material, standings)
    results.push({ standing, quality: qualityOf(standing.contender, place, sequence) })
  }
  const patterns = results.map(({ quality }) => (quality?.method === 'sampled' ? quality.patterns : 0))
  const [steps, at] = [sequence.xs.shape[0]!, best.contender.label]
  const lags = lagsOf(place, sequence)
  return { material, results, gradients: { steps, at, patterns: Math.max(...patterns), lags } }
}
