import { abs, type Loss, mul, neg, softplus, sum } from '@bptt/graph'
import type { Sample } from '@bptt/stream'
import { coin } from '@bptt/unroll'

/** A stream of recall episodes. */
export interface RecallOptions {
  /** Steps from the bit to the question, at least. */
  readonly lag: number
  /** The lag is drawn from `lag` … `lag + spread − 1`. */
  readonly spread: number
  /** Events in all; the last episode may be cut short. */
  readonly events: number
  readonly seed: number
}

/**
 * Recall of one bit over a lag among noise, as the copy and adding problems ask it [hochreiter-schmidhuber1997]: inputs
 * (bit ±1, mark, question); the first bit of an episode is marked, those after it are noise, and at the question, in the
 * last step, the marked bit is to be told: target ±1, and 0 (no loss) before. Every episode starts from a zero carry.
 */
export function* recall({ lag, spread, events, seed }: RecallOptions): Generator<Sample> {
  let drawn = 0
  const toss = (): number => coin(seed, 0, drawn++)
  for (let n = 0; n < events; ) {
    const last = lag + Math.floor(spread * toss())
    const marked = toss() < 0.5 ? -1 : 1
    for (let t = 0; t <= last && n < events; t++, n++) {
      const bit = t === 0 ? marked : toss() < 0.5 ? -1 : 1
      const input = [bit, t === 0 ? 1 : 0, t === last ? 1 : 0]
      yield { input, target: [t === last ? marked : 0], reset: t === 0 }
    }
  }
}

/** log(1 + e^(−target · y)) where target is ±1, nothing where it is 0: the nats that telling a bit costs. */
export const told: Loss = (y, target) => sum(mul(softplus(neg(mul(y, target))), abs(target)), { axis: -1 })
