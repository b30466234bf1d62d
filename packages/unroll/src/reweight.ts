import { GraphError } from '@bptt/graph'
import { type Schedule, weightsOf } from './schedule.js'
import type { Timeline } from './timeline.js'
import { unroll } from './unroll.js'

/**
 * The timeline whose state edges pass the credit that a schedule names. Forward values are unchanged, bit for bit.
 *
 * If every weight has mean 1 given the ones before it, the gradient is unbiased [tallec-ollivier2017].
 * @throws GraphError `bad-credit` where the number of steps is not known.
 */
export function reweight(line: Timeline, schedule: Schedule): Timeline {
  const { steps } = line.options
  if (typeof steps === 'string')
    throw new GraphError(
      'bad-credit',
      'reweight',
      `a timeline of '${steps}' steps has no edges to count`,
      'unroll a number of steps, or with credit as an input',
    )
  return unroll(line.cell, {
    ...line.options,
    credit: { kind: 'weights', weights: weightsOf(schedule, steps) },
  })
}
