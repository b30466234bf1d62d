import { GraphError } from '@bptt/graph'
import { applyPatches as applyTo, enablePatches, Immer, type Patch } from 'immer'
import { type Schedule, weightsOf } from './schedule.js'
import type { Timeline } from './timeline.js'
import { unroll } from './unroll.js'
import { windows } from './windows.js'

/** What the credit of a timeline is as a document: edge t → t+1 first at t = 1, one weight or one per example. */
export interface CreditDocument {
  readonly weights: readonly (number | readonly number[])[]
}

/** A timeline whose credit was changed, and what changed: patches of its `CreditDocument`, and those that undo them. */
export interface Reweighted extends Timeline {
  readonly patches: readonly Patch[]
  readonly inverse: readonly Patch[]
}

/** How a schedule is applied. */
export interface ReweightOptions {
  /** True gives every example of a batch weights of its own: example b is stream b of the schedule. */
  readonly each?: boolean
}

const immer = new Immer({ autoFreeze: false })

/**
 * The timeline whose state edges pass the credit that a schedule names. Forward values are unchanged, bit for bit.
 *
 * If every weight has mean 1 given the ones before it, the gradient is unbiased [tallec-ollivier2017].
 * `patchCredit(reweighted, reweighted.inverse)` has the credit from before.
 * @throws GraphError `bad-credit` where the number of steps, or with `each` that of examples, is not known, or the schedule has weights
 * for another number of edges; `bad-schedule`.
 */
export function reweight(
  line: Timeline,
  schedule: Schedule,
  { each = false }: ReweightOptions = {},
): Reweighted {
  const steps = stepsOf(line)
  const { batch } = line.options
  if (each && typeof batch !== 'number')
    throw new GraphError(
      'bad-credit',
      'reweight',
      `each asks for weights per example of ${batch === undefined ? 'no batch' : `a batch of '${batch}'`}; it needs a number of examples`,
      'unroll(cell, { steps, batch: 8 })',
    )
  const rows = each
    ? byEdge(Array.from({ length: batch as number }, (_, b) => weightsOf(schedule, steps, b)))
    : weightsOf(schedule, steps)
  enablePatches()
  const [after, patches, inverse] = immer.produceWithPatches(creditDocument(line), draft => {
    rows.forEach((row, t) => {
      if (String(draft.weights[t]) !== String(row)) draft.weights[t] = row as number | number[]
    })
  })
  return { ...withWeights(line, after), patches, inverse }
}

/**
 * The timeline with patches applied that `reweight` gave.
 * @throws GraphError `patch` where the patches do not fit; `bad-credit`.
 */
export function patchCredit(line: Timeline, patches: readonly Patch[]): Timeline {
  enablePatches()
  try {
    return withWeights(line, applyTo(creditDocument(line), patches))
  } catch (error) {
    if (error instanceof GraphError) throw error
    throw new GraphError(
      'patch',
      'patchCredit',
      `the patches do not fit the timeline: ${(error as Error).message}`,
      'apply patches to the timeline that was reweighted, and inverse patches to the result',
    )
  }
}

/**
 * The weights of a timeline's state edges; all 1 for full BPTT.
 * @throws GraphError `bad-credit` where they are an input, or the number of steps is not known.
 */
export function creditDocument(line: Timeline): CreditDocument {
  const steps = stepsOf(line)
  const { credit } = line
  if (credit.kind === 'weights') return { weights: credit.weights }
  return { weights: new Array<number>(steps - 1).fill(1) }
}

function withWeights(line: Timeline, { weights }: CreditDocument): Timeline {
  const credit = { kind: 'weights', weights: weights as readonly number[] } as const
  const made = unroll(line.cell, {
    ...line.options,
    credit: weights.every(each => each === 1) ? { kind: 'full' } : credit,
  })
  return line.windows === undefined ? made : windows(made, line.windows)
}

function stepsOf(line: Timeline): number {
  const { steps } = line.options
  if (typeof steps === 'number') return steps
  throw new GraphError(
    'bad-credit',
    'reweight',
    `a timeline of '${steps}' steps has no edges to count`,
    'unroll a number of steps, or with credit as an input',
  )
}

const byEdge = (streams: readonly (readonly number[])[]): readonly (readonly number[])[] =>
  (streams[0] ?? []).map((_, t) => streams.map(weights => weights[t]!))
