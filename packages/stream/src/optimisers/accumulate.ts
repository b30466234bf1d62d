import { add, div, equal, floor, neg, type Ref, where } from '@bptt/graph'
import { branch, checkStep, type Optimizer, type Reports, zip } from '../optimiser.js'
import { alike, checkCount } from './settings.js'

/**
 * Gradient accumulation: adds up the gradients of `windows` windows, then makes one update of `inner`; in between parameters and
 * inner slots stay as they are, bit for bit. A sum, as losses are sums: the gradient of one window of all those events, cut where they
 * are cut. `inner` counts its own updates. An incomplete sum stays in the slots.
 * @throws GraphError `bad-setting`; `no-step` where inner makes no step.
 */
export function accumulate(windows: number, inner: Optimizer): Optimizer {
  checkCount('accumulate', 'windows', windows)
  checkStep('accumulate', inner)
  const { average } = inner
  return {
    text: `accumulate(${windows}, ${inner.text})`,
    slots: params => ({ held: [], sum: alike(params), inner: inner.slots(params) }),
    update(gradients, { params, slots, count }) {
      const held = add(branch(slots, 'held') as Ref, 1)
      const due = equal(held, windows)
      const old = branch(slots, 'inner')
      const sum = zip([branch(slots, 'sum'), gradients], (total, g) => add(total, g))
      const made = inner.update(sum, { params, slots: old, count: floor(div(count, windows)) })
      return {
        updates: zip([made.updates], u => neg(where(due, neg(u), 0))), // −0 where none is due: p + −0 is p to the bit
        slots: {
          held: where(due, 0, held),
          sum: zip([sum], total => where(due, 0, total)),
          inner: zip([made.slots, old], (next, kept) => where(due, next, kept)),
        },
        reports: whenDue(due, made.reports),
      }
    },
    ...(average && { average: (slots, params) => average(branch(slots, 'inner'), params) }),
  }
}

/** Nothing is clipped while nothing is due. */
function whenDue(due: Ref, reports: Reports = {}): Reports {
  const { clip } = reports
  return clip === undefined ? reports : { ...reports, clip: where(due, clip, 1) }
}
