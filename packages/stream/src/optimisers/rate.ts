import { evaluate, GraphError, graph, item, neg, type Ref, type Tensor } from '@bptt/graph'
import type { Reports } from '../optimiser.js'

/** A learning rate that changes as updates are made: a value, compiled into the training step. */
export interface RateSchedule {
  readonly text: string
  /** The rate of the update that comes after `count` others: 0 at the first. */
  readonly at: (count: Ref) => Ref
}

/** A learning rate: a number > 0, or a schedule. */
export type Rate = number | RateSchedule

/** The rate of the update that comes after `count` others, as a number. */
export function rateAt(rate: Rate, count: number): number {
  if (typeof rate === 'number') return rate
  const alone = graph({ count: [] }, ({ count }) => ({ rate: rate.at(count) }))
  return item((evaluate(alone, { count }) as unknown as { readonly rate: Tensor }).rate)
}

/** A rate as text, as it would be written in code. */
export const rateText = (rate: Rate): string => (typeof rate === 'number' ? String(rate) : rate.text)

/** @throws GraphError `bad-setting` where a learning rate is not a number > 0. */
export function checkRate(where: string, rate: Rate): void {
  const isRate =
    typeof rate === 'number'
      ? rate > 0 && rate < Number.POSITIVE_INFINITY
      : typeof rate?.text === 'string' && typeof rate.at === 'function'
  if (isRate) return
  throw new GraphError(
    'bad-setting',
    where,
    `the learning rate is ${String(rate)}; it is a number > 0`,
    '1e-3 is a usual start',
  )
}

/** A rate in the step graph: its negative, which leads down, and what to report of it. */
export interface RateNow {
  readonly down: Ref | number
  readonly reports: Reports
}

/** A rate at this update. Only one that changes is reported. */
export function rateNow(rate: Rate, count: Ref): RateNow {
  if (typeof rate === 'number') return { down: -rate, reports: {} }
  const now = rate.at(count)
  return { down: neg(now), reports: { rate: now } }
}
