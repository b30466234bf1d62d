import { GraphError } from '@bptt/graph'
import { coin } from '@bptt/unroll'
import type { Sample } from '../../sample.js'
import { checkPositive, checkWhole, computed, type Sequence, sequence, tabulated } from './sequence.js'

/** One wave: amplitude · sin(2π t / period + phase). */
export interface Wave {
  /** In steps, > 0. */
  readonly period: number
  /** 1 where not given. */
  readonly amplitude?: number
  /** In radians; 0 where not given. */
  readonly phase?: number
}

/** Noise on a signal. */
export interface NoiseOptions {
  /** Standard deviation of Gaussian noise; 0 where not given. */
  readonly noise?: number
  readonly seed?: number
}

/**
 * A sum of sines, with noise where wished: value t is [Σ amplitude · sin(2π t / period + phase) + noise · N(seed, t)].
 * @throws GraphError `bad-setting`.
 */
export function sines(
  waves: readonly Wave[],
  { noise = 0, seed = 0 }: NoiseOptions = {},
): Sequence<readonly number[]> {
  for (const { period } of waves) checkPositive('sines', 'period', period)
  const clean = (t: number): number =>
    waves.reduce(
      (sum, { period, amplitude = 1, phase = 0 }) =>
        sum + amplitude * Math.sin((2 * Math.PI * t) / period + phase),
      0,
    )
  return tabulated('sines', t => [noise === 0 ? clean(t) : clean(t) + noise * gaussian(seed, t)])
}

/** A number of the standard normal distribution for every t, by Box and Muller's transform of two coins. */
function gaussian(seed: number, t: number): number {
  const radius = Math.sqrt(-2 * Math.log1p(-coin(seed, 1, t)))
  return radius * Math.cos(2 * Math.PI * coin(seed, 2, t))
}

/**
 * NARMA-10: target y_{t+1} = 0.3 y_t + 0.05 y_t Σ_{i=0…9} y_{t−i} + 1.5 u_{t−9} u_t + 0.1 for inputs u uniform in [0, ½); all is 0 before
 * t = 0 [atiya-parlos2000].
 */
export function narma10({ seed = 0 }: { readonly seed?: number } = {}): Sequence<Sample> {
  return computed('narma10', function* () {
    const [us, ys] = [new Array<number>(10).fill(0), new Array<number>(10).fill(0)]
    for (let t = 0; ; t++) {
      us[t % 10] = coin(seed, 0, t) / 2
      const [u, oldest, y] = [us[t % 10]!, us[(t + 1) % 10]!, ys[t % 10]!]
      const next = 0.3 * y + 0.05 * y * ys.reduce((sum, each) => sum + each, 0) + 1.5 * oldest * u + 0.1
      ys[(t + 1) % 10] = next
      yield { input: [u], target: [next] }
    }
  })
}

/** Size and start of influence balancing. */
export interface BalancingOptions {
  /** The one parameter; 0.5 where not given. */
  readonly theta?: number
  /** States that it raises; 10 where not given. */
  readonly positive?: number
  /** States that it lowers; 13 where not given. */
  readonly negative?: number
}

/**
 * The states of influence balancing: s_{t+1} = A s_t + θ v from s_0 = 1, with A = ½ on the diagonal and above it, v = 1 for the first `positive` states and −1 for the
 * others. θ raises s[0] at first and lowers it in the long run, so truncated gradients of ½ (s[0] − 1)² have the wrong sign [tallec-ollivier2017].
 */
export function influenceBalancing(options: BalancingOptions = {}): Sequence<readonly number[]> {
  const { theta = 0.5, positive = 10, negative = 13 } = options
  checkWhole('influenceBalancing', 'positive', positive, 0)
  checkWhole('influenceBalancing', 'negative', negative, 0)
  return computed('influenceBalancing', function* () {
    let state = new Array<number>(positive + negative).fill(1)
    for (;;) {
      yield state
      state = state.map((s, i) => 0.5 * s + 0.5 * (state[i + 1] ?? 0) + (i < positive ? theta : -theta))
    }
  })
}

/** Which sequences take turns, and for how long. */
export interface RegimeOptions<T> {
  readonly regimes: readonly Sequence<T>[]
  /** Steps until the next one takes over, ≥ 1. */
  readonly every: number
}

/**
 * Drift: the regimes take turns, each from where time stands, so value t is value t of the regime that is in force then.
 * @throws GraphError `bad-setting`, `empty-list`.
 */
export function regimeChange<T>({ regimes, every }: RegimeOptions<T>): Sequence<T> {
  checkWhole('regimeChange', 'every', every, 1)
  if (regimes.length === 0)
    throw new GraphError('empty-list', 'regimeChange', 'has no regime; give one at least')
  return sequence('regimeChange', function* (start) {
    const running = regimes.map(regime => regime.from(start)[Symbol.iterator]())
    for (let t = start; ; t++) {
      const now = running.map(values => values.next().value as T)
      yield now[Math.floor(t / every) % regimes.length]!
    }
  })
}
