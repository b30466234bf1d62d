import type { Tensor } from '@bptt/graph'
import { combined } from '../numbers.js'
import type { Found, Subject } from './subject.js'

/** A law of a cell in time: what is found wrong, or nothing. */
export interface CellLaw {
  /** With its number in the catalogue of identities. */
  readonly name: string
  /** Why the law says nothing of a subject; undefined where it does. */
  readonly skip?: (subject: Subject) => string | undefined
  /** What is wrong, in words with numbers; undefined where the law holds. */
  readonly broken: (subject: Subject) => string | undefined
}

/** What is wrong where leaves differ by more than `within` of the greatest number of the leaf (or 1). */
export function apart(what: string, a: Found, b: Found, within: number): string | undefined {
  for (const [name, left] of a) {
    const right = b.get(name)
    if (right === undefined) return `${what}: '${name}' is missing`
    const at = worst(left, right, within)
    if (at !== undefined) return `${what}: '${name}'[${at}] is ${left.data[at]} and ${right.data[at]}`
  }
  return a.size === b.size ? undefined : `${what}: ${a.size} values and ${b.size}`
}

function worst({ data }: Tensor, other: Tensor, within: number): number | undefined {
  if (data.length !== other.data.length) return 0
  const size = Math.max(1, ...other.data.map(Math.abs))
  const at = data.findIndex(
    (x, i) => !(Math.abs(x - other.data[i]!) <= within * size) && !Object.is(x, other.data[i]),
  )
  return at < 0 ? undefined : at
}

/** True where a leaf differs by more than `by`. */
export function differ(a: Found, b: Found, by: number): boolean {
  return apart('', a, b, by) !== undefined
}

/** Σ w(t, s) ∂L_t/∂θ_s over all steps s ≤ t: what an estimator with these weights is. */
export function lagSum(subject: Subject, weight: (t: number, s: number) => number): Found {
  const terms: (readonly [number, Found])[] = []
  for (let t = 1; t <= subject.steps; t++)
    for (let s = 1; s <= t; s++) terms.push([weight(t, s), subject.lag(t, s)])
  return combined(terms)
}

/** The weight of a path from loss t to step s over edges of these weights, edge t → t+1 first at t = 1. */
export function pathWeight(weights: readonly number[], t: number, s: number): number {
  return weights.slice(s - 1, t - 1).reduce((product, weight) => product * weight, 1)
}

/** Leaves under `params`, which the oracle knows. */
export function paramsOf(found: Found): Found {
  return new Map(
    [...found].flatMap(([name, value]) =>
      name.startsWith('params.') ? [[name.slice(7), value] as const] : [],
    ),
  )
}

/** Leaves without those under a name. */
export function without(found: Found, ...prefixes: readonly string[]): Found {
  return new Map(
    [...found].filter(([name]) => !prefixes.some(prefix => name === prefix || name.startsWith(`${prefix}.`))),
  )
}

/** The first sentence of a list of checks that finds something. */
export function firstOf(checks: Iterable<string | undefined>): string | undefined {
  for (const found of checks) if (found !== undefined) return found
  return undefined
}
