import { type Credit, creditOf, type EstimatorOptions } from '../estimator.js'
import { Failure } from '../failure.js'
import { orNone, real, whole } from '../options.js'

/** An estimator that is compared with others. */
export interface Contender {
  /** As it was given: `artbp:50,4`. */
  readonly label: string
  readonly credit: Credit
}

/** What `compare` takes where nothing is given. */
export const usual = ['tbptt:8', 'tbptt:32', 'artbp:32,4'] as const

const flag = '--estimators'
const forms = "'full:N', 'tbptt:K', 'artbp:MEAN' or 'artbp:MEAN,TAIL'"

/**
 * The estimator of a label; random cuts are drawn from `seed`.
 * @throws Failure that says how labels are written.
 */
export function contender(label: string, seed: number): Contender {
  const [, name = '', first = '', second] = /^([a-z]+):([^,]+)(?:,(.+))?$/.exec(label) ?? []
  return { label, credit: creditOf({ seed, ...settings(label, name, first, second) }) }
}

function settings(
  label: string,
  name: string,
  first: string,
  second: string | undefined,
): Omit<EstimatorOptions, 'seed'> {
  const where = `${flag} ${label}`
  if (name === 'artbp')
    return {
      estimator: 'artbp',
      mean: real(where, { above: 1, max: 1e6 })(first),
      tail: second === undefined ? 'none' : orNone(real(where, { above: 2, max: 1000 }))(second),
    }
  if (name === 'tbptt' && second === undefined)
    return { estimator: 'tbptt', every: whole(where, 1, 1e6)(first) }
  if (name === 'full' && second === undefined)
    return { estimator: 'full', episode: whole(where, 2, 1e6)(first) }
  throw new Failure(`${flag} takes estimators written ${forms}, but one is '${label}'`)
}

/**
 * The estimators of some labels.
 * @throws Failure where one is not understood, or is there twice.
 */
export function contenders(labels: readonly string[], seed: number): readonly Contender[] {
  const twice = labels.find((label, i) => labels.indexOf(label) !== i)
  if (twice !== undefined) throw new Failure(`${flag} has '${twice}' twice; each is compared once`)
  return labels.map(label => contender(label, seed))
}
