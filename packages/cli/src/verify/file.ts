import { GraphError } from '@bptt/graph'
import { checkBase } from './base.js'
import { caseAt } from './case.js'
import { type Finding, unchecked } from './compare.js'
import { checkExpectations } from './expectation.js'
import { checkInfluence } from './influence.js'
import { checkLags } from './lags.js'
import { checkOptim } from './optim.js'
import { checkProducts } from './products.js'
import { bad, field, fields, items, optional, type Spot, textAt } from './read.js'
import { checkTruncations } from './truncations.js'

/** The version of the format that is read here. */
const SCHEMA = 1

const base = ['name', 'config', 'params', 'initial_carry']
const data = ['inputs', 'targets', 'reset']
const results = [
  'outputs',
  'carries',
  'final_carry',
  'step_losses',
  'step_losses_per_example',
  'loss',
  'grads',
]
const parts = {
  network: [...base, ...data, ...results, 'truncations', 'products', 'lags', 'expectations'],
  optim: [...base, 'batches', 'runs'],
  influence: ['name', 'n', 'positive', 'theta0', 'state0', 'A', 'v', 'fixed_point', 'gradients', 'traces'],
} as const

/**
 * What a file of reference values says against what this library computes: one finding an entry, in the order of
 * the file. `json` is the parsed file, `where` its name in messages.
 * @throws GraphError `bad-golden` where the file is not as described in `test/golden/README.md`.
 */
export function verifyFile(json: unknown, where: string): readonly Finding[] {
  const root: Spot = { value: json, path: '', file: where }
  const schema = field(root, 'schema')
  if (schema.value !== SCHEMA) throw bad(schema, `this version reads schema ${SCHEMA}`)
  const cases = items(field(root, 'cases'))
  if (cases.length === 0) throw bad(field(root, 'cases'), 'there must be at least one case', 'empty')
  return cases.flatMap(verifyCase)
}

function verifyCase(spot: Spot): readonly Finding[] {
  const name = textAt(field(spot, 'name'))
  const kind =
    optional(spot, 'A') !== undefined
      ? 'influence'
      : optional(spot, 'batches') !== undefined
        ? 'optim'
        : 'network'
  const known: readonly string[] = parts[kind]
  const unknown = fields(spot).filter(([part]) => !known.includes(part))
  try {
    const found = { influence: checkInfluence, optim: checkOptim, network: checkNetwork }[kind](spot, name)
    return [...found, ...unknown.map(([part]) => unchecked(name, part, 'no part of the format'))]
  } catch (error) {
    throw placed(error, spot)
  }
}

function checkNetwork(spot: Spot, name: string): readonly Finding[] {
  const of = caseAt(spot, name)
  return [checkBase, checkTruncations, checkProducts, checkLags, checkExpectations].flatMap(check =>
    check(of),
  )
}

/** What the library itself refuses, such as a target that is no class, as an error of the file. */
function placed(error: unknown, { file, path }: Spot): unknown {
  if (!(error instanceof GraphError) || error.code === 'bad-golden') return error
  return new GraphError('bad-golden', file, `${path}: ${error.where}: ${error.detail}`, error.hint)
}
