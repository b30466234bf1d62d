import type { Sample } from '@bptt/stream'
import type { Unit, Yardsticks } from '../material.js'
import { isObject } from '../model.js'

/** What the two predictors remember and have lost: plain data. */
interface Memory {
  readonly mean: readonly number[]
  /** The last target; undefined at the beginning of a sequence. */
  readonly last?: readonly number[]
  /** Sums of the weights of events, and of weighted losses; the mean is weighted too. */
  readonly weight: number
  readonly lost: readonly [mean: number, last: number]
}

const vector = (value: Sample['target']): readonly number[] =>
  typeof value === 'number' ? [value] : Array.from(value)

/**
 * The predictors of numbers: the mean of the targets so far, and the last target (the mean, where a sequence begins). Each event counts as
 * for a model: predicted first, then known; one of weight 0 does not.
 */
export function numberYardsticks(
  width: number,
  unit: Unit,
  loss: (error: number) => number,
  state?: unknown,
): Yardsticks {
  let memory: Memory = isMemory(state, width)
    ? state
    : { mean: Array<number>(width).fill(0), weight: 0, lost: [0, 0] }
  return {
    see: sample => {
      if (sample.weight !== 0) memory = after(memory, sample, loss)
    },
    get baselines() {
      const of = (sum: number): number => unit.of(sum / memory.weight)
      return [
        { name: 'mean so far', value: of(memory.lost[0]) },
        { name: 'last value', value: of(memory.lost[1]) },
      ]
    },
    get state() {
      return memory
    },
  }
}

function after(
  { mean, last, weight, lost }: Memory,
  { target, reset, weight: own = 1 }: Sample,
  loss: (error: number) => number,
): Memory {
  const y = vector(target)
  const before = (reset ? undefined : last) ?? mean
  const cost = (guess: readonly number[]): number =>
    own * y.reduce((sum, value, i) => sum + loss(value - guess[i]!), 0)
  return {
    mean: mean.map((m, i) => m + (own * (y[i]! - m)) / (weight + own)),
    last: y,
    weight: weight + own,
    lost: [lost[0] + cost(mean), lost[1] + cost(before)],
  }
}

function isMemory(value: unknown, width: number): value is Memory {
  if (!isObject(value)) return false
  const { mean, last = [], weight, lost } = value
  const numbers = [weight, mean, last, lost].flat()
  return Array.isArray(mean) && mean.length === width && numbers.every(Number.isFinite)
}
