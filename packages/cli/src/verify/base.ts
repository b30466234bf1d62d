import type { Tensor } from '@bptt/graph'
import { carriesOf } from './carries.js'
import { type Case, gradsAt, valuesOf } from './case.js'
import { compare, type Finding, type Named, type Pair, pairUp, scalar, unchecked } from './compare.js'
import { bad, field, fields, numberAt, optional, type Spot, tensorAt } from './read.js'
import { forms, lineOf, run, runnerOf } from './run.js'

interface Results {
  readonly form: (typeof forms)[number]
  readonly outputs: Named
  readonly gradients: Named
}

/** Outputs, carries, losses and gradients of a case, each in both forms of the timeline. */
export function checkBase(of: Case): readonly Finding[] {
  const results = forms.map(form => ({ form, ...computed(of, form) }))
  const checks = [checkOutputs, checkCarries, checkLosses, checkGradients]
  const found = checks.flatMap(check => check(of, results))
  const nothing = 'it gives neither outputs, carries, losses nor gradients'
  return found.length > 0 ? found : [unchecked(of.name, 'case', nothing)]
}

function computed(of: Case, form: 'folded' | 'flat'): { outputs: Named; gradients: Named } {
  const line = lineOf(of, { form })
  if (of.values.has('targets')) return runnerOf(of, line)()
  const { weights: _, ...values } = valuesOf(of)
  return { outputs: run(line.graph, values), gradients: new Map() }
}

function checkOutputs(of: Case, results: readonly Results[]): readonly Finding[] {
  const spot = optional(of.spot, 'outputs')
  if (spot === undefined) return []
  const expected = tensorAt(spot, results[0]!.outputs.get('ys')!.shape)
  return [
    compareForms(of, 'outputs', results, ({ outputs }) => [
      { name: 'outputs', got: outputs.get('ys')!, expected },
    ]),
  ]
}

function checkCarries(of: Case, results: readonly Results[]): readonly Finding[] {
  const every = optional(of.spot, 'carries')
  const last = optional(of.spot, 'final_carry')
  if (every === undefined && last === undefined) return []
  const pairs = ({ form, outputs }: Results): Pair[] => [
    ...(every === undefined ? [] : carryPairs(of, every, 'carries', carriesOf(of, form))),
    ...(last === undefined ? [] : carryPairs(of, last, 'final_carry', outputs)),
  ]
  return [compareForms(of, 'carries', results, pairs)]
}

/** The carries in a file, `{h_l0: tensor, …}`, beside ours. */
function carryPairs({ model }: Case, spot: Spot, label: string, ours: Named): Pair[] {
  const byName = new Map<string, Tensor>()
  for (const [name, theirs] of model.names)
    if (theirs.startsWith('initial_carry.'))
      byName.set(theirs.slice('initial_carry.'.length), ours.get(name)!)
  return fields(spot).map(([name, at]) => {
    const got = byName.get(name)
    if (got === undefined)
      throw bad(at, `the carry is ${[...byName.keys()].join(', ')}`, 'no part of the carry')
    return { name: `${label}.${name}`, got, expected: tensorAt(at, got.shape) }
  })
}

function checkLosses(of: Case, results: readonly Results[]): readonly Finding[] {
  const names = ['step_losses', 'step_losses_per_example', 'loss'].filter(
    name => optional(of.spot, name) !== undefined,
  )
  if (names.length === 0) return []
  needTargets(of, names[0]!)
  const read: Readonly<Record<string, (spot: Spot) => Tensor>> = {
    step_losses: spot => tensorAt(spot, [of.steps]),
    step_losses_per_example: spot => tensorAt(spot, [of.steps, of.batch]),
    loss: spot => scalar(numberAt(spot)),
  }
  return [
    compareForms(of, 'losses', results, ({ outputs }) => {
      const each = outputs.get('losses')!
      const got: Readonly<Record<string, Tensor>> = {
        step_losses: overBatch(each),
        step_losses_per_example: each,
        loss: outputs.get('loss')!,
      }
      return names.map(name => ({ name, got: got[name]!, expected: read[name]!(field(of.spot, name)) }))
    }),
  ]
}

/** Sums over the second axis: [T, B] → [T]. */
export function overBatch({ shape, data }: Tensor): Tensor {
  const [steps = 0, batch = 0] = shape
  const sums = Float64Array.from({ length: steps }, (_, t) =>
    data.subarray(t * batch, (t + 1) * batch).reduce((sum, x) => sum + x, 0),
  )
  return { shape: [steps], data: sums }
}

function checkGradients(of: Case, results: readonly Results[]): readonly Finding[] {
  const spot = optional(of.spot, 'grads')
  if (spot === undefined) return []
  needTargets(of, 'grads')
  const expected = gradsAt(spot, of)
  return [compareForms(of, 'gradients', results, ({ gradients }) => pairUp('', gradients, expected))]
}

/** @throws GraphError where a case has no targets, but `part`, which needs them. */
export function needTargets({ spot, values }: Case, part: string): void {
  if (!values.has('targets')) throw bad(field(spot, part), 'it needs targets', 'without targets')
}

function compareForms(
  of: Case,
  entry: string,
  results: readonly Results[],
  pairs: (of: Results) => readonly Pair[],
): Finding {
  const labelled = results.flatMap(result =>
    pairs(result).map(pair => ({ ...pair, name: `${result.form}: ${pair.name}` })),
  )
  return compare(of.name, entry, labelled)
}
