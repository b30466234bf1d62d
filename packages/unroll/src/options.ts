import { GraphError } from '@bptt/graph'
import { checkStepsOrAxis, isLength, shown } from './checks.js'
import type { Credit, TimelineOptions } from './timeline.js'

/**
 * Checks what a timeline is unrolled from.
 * @throws GraphError `bad-steps`, `bad-batch`, `bad-form`, `bad-clip`, `bad-credit`.
 */
export function checkOptions(options: TimelineOptions, credit: Credit): void {
  const { steps, batch, form = 'folded', clip } = options
  checkStepsOrAxis('unroll', steps)
  if (batch !== undefined && !isLength(batch))
    throw new GraphError(
      'bad-batch',
      'unroll',
      `batch is ${shown(batch)}; a batch has a whole number of examples ≥ 1, or a named axis`,
      "leave batch out for one example; batch: 'B' takes any number of them",
    )
  if (form !== 'folded' && form !== 'flat')
    throw new GraphError(
      'bad-form',
      'unroll',
      `form is ${shown(form)}; a timeline is 'folded' or 'flat'`,
      "'folded' to run it, 'flat' to look at every step",
    )
  if (form === 'flat' && typeof steps === 'string')
    throw new GraphError(
      'bad-steps',
      'unroll',
      `steps is '${steps}'; a flat timeline needs a number`,
      "use form: 'folded'",
    )
  if (clip !== undefined) checkClip(clip)
  checkCredit(credit, options)
}

function checkClip(clip: NonNullable<TimelineOptions['clip']>): void {
  const [name, bound]: [string, unknown] =
    typeof clip === 'object' && clip !== null ? ['clip.norm', clip.norm] : ['clip', clip]
  if (typeof bound !== 'number' || !(bound > 0))
    throw new GraphError(
      'bad-clip',
      'unroll',
      `${name} is ${shown(bound)}; the bound of credit is a number > 0`,
      'leave clip out to bound nothing',
    )
}

function checkCredit(credit: Credit, options: TimelineOptions): void {
  const kind: unknown = (credit as Credit | undefined)?.kind
  if (credit?.kind === 'weights') checkWeights(credit.weights, options)
  else if (kind !== 'full' && kind !== 'input')
    throw wrong(`the kind of credit is ${shown(kind)}; it is 'full', 'weights' or 'input'`)
}

function checkWeights(rows: unknown, { steps, batch }: TimelineOptions): void {
  if (typeof steps === 'string')
    throw wrong(
      `weights are given for a timeline of '${steps}' steps; fixed weights need a number of steps`,
      "credit: { kind: 'input', each: false } reads them at run time",
    )
  if (!Array.isArray(rows))
    throw wrong(`weights are ${shown(rows)}; they are a list, of one weight or row of weights per edge`)
  if (rows.length !== steps - 1)
    throw wrong(`has ${rows.length} weights for ${steps} steps; ${steps} steps have ${steps - 1} edges`)
  rows.forEach((given: unknown, i) => {
    const [edge, each] = [`edge ${i + 1} → ${i + 2}`, Array.isArray(given) ? (given as unknown[]) : [given]]
    if (Array.isArray(given) && given.length !== batch)
      throw wrong(
        `${edge} has ${given.length} weights for ${batch ?? 'no'} examples; an edge has one weight, or one per example`,
        'reweight(line, schedule, { each: true }) gives every example its own',
      )
    const odd = each.findIndex(weight => !Number.isFinite(weight))
    if (odd >= 0)
      throw wrong(
        `${edge} has the weight ${shown(each[odd])}; weights are finite`,
        '0 cuts the edge, 1 passes its credit unchanged',
      )
  })
}

const wrong = (detail: string, hint = 'reweight(line, schedule) gives every edge its weight'): GraphError =>
  new GraphError('bad-credit', 'unroll', detail, hint)
