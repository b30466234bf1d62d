import { GraphError } from '@bptt/graph'
import { checkSteps, isWhole, shown } from './checks.js'
import { coin } from './coin.js'

/** A state edge t → t+1. */
export interface Edge {
  /** The step the edge leaves, from 1. */
  readonly t: number
  /** Steps since the last cut, this one included: 1 at the first step of a segment. */
  readonly age: number
  /** Which of several sequences; 0 for the only one. */
  readonly stream: number
}

/** How much credit each state edge passes back: a pure function of the edge, which can be printed. */
export interface Schedule {
  readonly text: string
  /** The number of edges it has weights for; any where not given. */
  readonly edges?: number
  /** 1 passes credit unchanged, 0 cuts it. */
  readonly weight: (edge: Edge) => number
  /** Where a coin decides: the chance that the edge is cut, and its weight where it is not. */
  readonly chance?: (edge: Pick<Edge, 't' | 'age'>) => { readonly cut: number; readonly kept: number }
}

/** Full BPTT: all credit passes every edge [werbos1990]. */
export function full(): Schedule {
  return { text: 'full', weight: () => 1 }
}

/**
 * Block truncation, TBPTT: every K-th edge is cut, those with t ≡ offset (mod K) [williams-peng1990].
 * Biased: credit never goes back over K or more steps. K a whole number ≥ 1, offset in [0, K).
 * @throws GraphError `bad-schedule`.
 */
export function every(K: number, { offset = 0 }: { readonly offset?: number } = {}): Schedule {
  if (!isWhole(K, 1))
    throw new GraphError(
      'bad-schedule',
      'every',
      `K is ${shown(K)}; blocks have a whole number of steps ≥ 1`,
      'full() never cuts',
    )
  if (!isWhole(offset, 0, K))
    throw new GraphError(
      'bad-schedule',
      'every',
      `offset is ${shown(offset)}; it is a whole number in [0, ${K})`,
      `offset 0 cuts behind the steps ${K}, ${2 * K}, …`,
    )
  return {
    text: offset === 0 ? `every(${K})` : `every(${K}, offset ${offset})`,
    weight: ({ t }) => (t % K === offset ? 0 : 1),
  }
}

/** Lengths of the segments that ARTBP draws. */
export interface ArtbpOptions {
  /** Mean segment length L0 in steps, > 1. */
  readonly mean: number
  /** α > 2 of the power law: long segments have probability ∝ length^−α. Without it, the chance of a cut is constant. */
  readonly tail?: number
  /** Coins are a function of seed, stream and t. */
  readonly seed?: number
}

/**
 * Anticipated reweighted truncated backpropagation: edge t is cut with chance c_t, else passes 1/(1 − c_t) times the
 * credit. Unbiased: the expected gradient is that of full BPTT [tallec-ollivier2017, Prop. 1].
 *
 * c_t = 1/L0, or with a tail c_t = (α − 1) / ((α − 2) L0 + age) [ibid., Eq. 14], age from 1. Both have mean length L0.
 * @throws GraphError `bad-schedule`.
 */
export function artbp({ mean, tail, seed = 0 }: ArtbpOptions): Schedule {
  if (!Number.isFinite(mean) || mean <= 1)
    throw new GraphError(
      'bad-schedule',
      'artbp',
      `mean is ${shown(mean)}; the mean segment length is a number > 1`,
      'full() never cuts, every(1) always',
    )
  if (tail !== undefined && (!Number.isFinite(tail) || tail <= 2))
    throw new GraphError(
      'bad-schedule',
      'artbp',
      `tail is ${shown(tail)}; α is a number > 2, or the mean length would be infinite`,
      '4 or 6 in the paper',
    )
  coin(seed, 0, 0) // a seed that is no whole number ≥ 0 is refused here
  const text =
    tail === undefined
      ? `artbp(mean ${mean}, seed ${seed})`
      : `artbp(mean ${mean}, tail ${tail}, seed ${seed})`
  const hazard = tail === undefined ? () => 1 / mean : (age: number) => (tail - 1) / ((tail - 2) * mean + age)
  return {
    text,
    weight: ({ t, age, stream }) => repaid(hazard(age), coin(seed, stream, t)),
    chance: ({ age }) => ({ cut: hazard(age), kept: 1 / (1 - hazard(age)) }),
  }
}

/** The weight of an edge that is cut with chance c: 0 where the coin falls below c, else 1/(1 − c). */
const repaid = (c: number, toss: number): number => (toss < c ? 0 : 1 / (1 - c))

/**
 * Random cuts that are not repaid: 0 with chance c, else 1. Biased: in the mean, lag k is discounted by (1 − c)^k.
 * The negative control of ARTBP. c in [0, 1).
 * @throws GraphError `bad-schedule`.
 */
export function random({ c, seed = 0 }: { readonly c: number; readonly seed?: number }): Schedule {
  if (!Number.isFinite(c) || c < 0 || c >= 1)
    throw new GraphError(
      'bad-schedule',
      'random',
      `c is ${shown(c)}; the chance of a cut is a number in [0, 1)`,
      'every(1) cuts every edge, full() none',
    )
  coin(seed, 0, 0) // a seed that is no whole number ≥ 0 is refused here
  return {
    text: `random(${c}, seed ${seed})`,
    weight: ({ t, stream }) => (coin(seed, stream, t) < c ? 0 : 1),
    chance: () => ({ cut: c, kept: 1 }),
  }
}

/**
 * These weights, edge t → t+1 first at t = 1: for timelines of one step more. On a stream, which has no last step, 1 after them.
 * @throws GraphError `bad-schedule` where a weight is not finite.
 */
export function fixed(weights: readonly number[]): Schedule {
  const refuse = (detail: string): never => {
    throw new GraphError('bad-schedule', 'fixed', detail, '0 cuts an edge, 1 passes its credit unchanged')
  }
  if (!Array.isArray(weights))
    refuse(`weights are ${shown(weights)}; they are a list, of one number per edge`)
  const odd = weights.findIndex(weight => !Number.isFinite(weight))
  if (odd >= 0) refuse(`the weight of edge ${odd + 1} is ${shown(weights[odd])}; weights are finite`)
  return {
    text: `fixed(${weights.join(', ')})`,
    edges: weights.length,
    weight: ({ t }) => weights[t - 1] ?? 1,
  }
}

/**
 * The weights of the edges 1 → 2 … (steps − 1) → steps under a schedule; a weight of 0 starts the age anew.
 * @throws GraphError `bad-steps`; `bad-schedule` where it is none; `bad-credit` where it has weights for another number of edges.
 */
export function weightsOf(schedule: Schedule, steps: number, stream = 0): readonly number[] {
  if (steps !== 0) checkSteps('weightsOf', steps) // an empty sequence has no edges
  checkSchedule(schedule, steps)
  const weights: number[] = []
  let age = 1
  for (let t = 1; t < steps; t++) {
    const weight = schedule.weight({ t, age, stream })
    weights.push(weight)
    age = weight === 0 ? 1 : age + 1
  }
  return weights
}

function checkSchedule(schedule: Schedule, steps: number): void {
  if (typeof schedule?.weight !== 'function')
    throw new GraphError(
      'bad-schedule',
      'weightsOf',
      `the schedule is ${shown(schedule)}; a schedule names the weight of every edge`,
      'full(), every(K), artbp({ mean }), random({ c }) and fixed(weights) make schedules',
    )
  const { edges, text } = schedule
  if (edges !== undefined && edges !== steps - 1)
    throw new GraphError(
      'bad-credit',
      text,
      `has ${edges} weights for ${steps} steps; ${steps} steps have ${steps - 1} edges`,
      `${edges} weights are for ${edges + 1} steps`,
    )
}

/** Weights as a line, one sign an edge: `─` passes, `│` cuts, `━` passes more than it gets, `╌` less. */
export function draw(weights: readonly number[]): string {
  return weights.map(weight => (weight === 1 ? '─' : weight === 0 ? '│' : weight > 1 ? '━' : '╌')).join('')
}
