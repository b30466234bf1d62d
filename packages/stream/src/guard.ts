import { GraphError } from '@bptt/graph'
import { type NotFinite, NotFiniteError } from './finite.js'
import { weigh } from './grid.js'
import type { Learner } from './learner.js'
import type { Counters, Kept, TrainState } from './state.js'
import { prequentialOf, type Report, withLost } from './update.js'
import type { Window } from './window.js'

/** What a trainer does where an update would not be finite. It is never made. */
export interface GuardOptions {
  /**
   * `stop`, where not given: the stream fails with `not-finite`, and the trainer stands before the window. `skip` passes over the window's
   * events, as if they had not been in the stream; where one of them began a new sequence, the next event does. `rollback` also goes back to
   * the parameters of some time ago, with their slots, carry and memory, and the next event begins anew: where parameters have run away
   * before anything is infinite, passing over events does not help. Reports of windows that are passed over say so: `notFinite`.
   */
  readonly notFinite?: 'stop' | 'skip' | 'rollback'
  /** `rollback` goes back so many updates or up to twice as many, or to the start; a whole number ≥ 1, 1000 where not given. */
  readonly rollbackEvery?: number
}

/** A learner that passes over what it cannot learn from; its report says so. */
export interface Guarded extends Pick<Learner, 'learn' | 'state'> {
  /** States to go back to, the oldest first; none unless it rolls back. */
  readonly kept: () => readonly Kept[]
}

/** @throws GraphError `bad-setting`. */
export function checkGuard({ notFinite = 'stop', rollbackEvery = 1000 }: GuardOptions): void {
  if (!['stop', 'skip', 'rollback'].includes(notFinite))
    throw new GraphError(
      'bad-setting',
      'trainer',
      `notFinite is '${notFinite}'; it is 'stop', 'skip' or 'rollback'`,
    )
  if (!(Number.isInteger(rollbackEvery) && rollbackEvery >= 1))
    throw new GraphError(
      'bad-setting',
      'trainer',
      `rollbackEvery is ${rollbackEvery}; it is a whole number of updates ≥ 1`,
    )
}

/** A learner under a policy; `kept` are states that it may go back to, where it is made from a snapshot. */
export function guarded(
  own: Learner,
  { notFinite = 'stop', rollbackEvery = 1000 }: GuardOptions,
  kept: readonly Kept[] = [],
): Guarded {
  if (notFinite === 'stop') return { ...own, kept: () => [] }
  if (notFinite === 'skip') return { ...own, learn: passing(own, () => undefined), kept: () => [] }
  let held = kept.length > 0 ? kept : [keptOf(own.state())]
  const back = (): void => {
    const [{ updates, ...values }] = held as [Kept]
    own.restore({ ...values, counters: { ...own.counters(), updates } })
    held = held.slice(0, 1)
  }
  const pass = passing(own, back)
  const learn = (window: Window): Report => {
    const report = pass(window)
    if (report.notFinite === undefined && report.updates % rollbackEvery === 0)
      held = [held.at(-1)!, keptOf(own.state())]
    return report
  }
  return { ...own, learn, kept: () => held }
}

/** The report of a window that nothing was learned from. */
function passedOver(counters: Counters, length: number, notFinite: NotFinite): Report {
  const { events, updates, dropped = 0 } = counters
  const nothing = { weight: 0, loss: 0, gradientNorm: 0, clipped: false }
  const prequential = prequentialOf(counters)
  return { events, updates, length, ...nothing, prequential, dropped, notFinite }
}

const keptOf = ({ counters: { updates }, ...values }: TrainState): Kept => ({ ...values, updates })

/** Learns from windows, or passes over them. Of several in a row that are passed over, the node is looked for in the first. */
function passing(own: Learner, pass: () => void): (window: Window) => Report {
  let find = true
  return window => {
    try {
      const report = own.learn(window, find)
      find = true
      return report
    } catch (error) {
      if (!(error instanceof NotFiniteError)) throw error
      find = false
      pass()
      const { length, dropped } = weigh(window)
      own.restore({ counters: withLost(own.counters(), dropped) })
      return passedOver(own.counters(), length, error.found)
    }
  }
}
