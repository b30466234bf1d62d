import type { Attrs } from '../attrs.js'
import type { OpSpec } from '../graph.js'
import { codedErrors, honestShape, noMutation, soundCost } from './conduct.js'
import { adjoint, finiteDifference, linearity, type OpLaw, secondOrder, selection } from './derivatives.js'
import { accumulated, lowered, mappedOver } from './equivalents.js'
import type { Finding, LawReport } from './finding.js'
import { keepingFold } from './folding.js'
import { randomFrom } from './random.js'
import { declaredSaves, readNames } from './saves.js'
import { showCase, siteOf } from './site.js'

/** Settings of `opLaws`. */
export interface OpLawOptions {
  readonly seed?: number
  /** Random points per case, 3 by default. */
  readonly points?: number
  /** Lengths of named axes in the op's cases; 3 where not given. */
  readonly axes?: Readonly<Record<string, number>>
  /** Further input shapes and settings to try. */
  readonly cases?: OpSpec['samples']['cases']
}

/** Laws of one application, by name. */
const laws: Readonly<Record<string, OpLaw>> = {
  shape: honestShape,
  'finite-difference': finiteDifference,
  adjoint,
  linear: linearity,
  selection,
  'second-order': secondOrder,
  saves: declaredSaves,
  fold: keepingFold,
  lower: lowered,
  map: mappedOver,
  accumulate: accumulated,
  mutation: noMutation,
  cost: soundCost,
  errors: codedErrors,
}

const analyticOnly = new Set(['finite-difference', 'second-order'])

/**
 * Holds an op to its own declaration: for every case of its samples, at random points, that the shape rule is honest,
 * both derivative modes agree with finite differences and with each other, `saves` is all that is read and nothing
 * more, `fold` changes neither value nor derivative, inputs stay as they are, costs and errors are well formed.
 *
 * @returns what does not hold, as data; an op that throws is a finding, too.
 */
export function opLaws(op: OpSpec | { readonly spec: OpSpec }, options: OpLawOptions = {}): LawReport {
  const spec = 'spec' in op ? op.spec : op
  const seed = options.seed ?? 1
  const cases = [...spec.samples.cases, ...(options.cases ?? [])]
  const applicable = Object.keys(laws).filter(law => spec.analytic || !analyticOnly.has(law))
  const findings = cases.flatMap(({ shapes, attrs = {} }) =>
    Array.from({ length: options.points ?? 3 }, (_, point) =>
      caseFindings(spec, { shapes, attrs }, applicable, seed + point, options),
    ).flat(),
  )
  const unread = cases.length > 0 && findings.length === 0 ? unreadSaves(spec, cases, seed, options) : []
  return {
    ok: findings.length + unread.length === 0,
    findings: [...findings, ...unread],
    skipped: Object.keys(laws)
      .filter(law => !applicable.includes(law))
      .map(law => ({ law, reason: `the derivative of ${spec.name} is declared, not that of its value` })),
    checked: cases.length * (options.points ?? 3) * applicable.length,
    seed,
  }
}

interface Case {
  readonly shapes: readonly OpSpec['samples']['cases'][number]['shapes'][number][]
  readonly attrs: Attrs
}

const axesOf = ({ axes = {} }: OpLawOptions): ReadonlyMap<string, number> => new Map(Object.entries(axes))

function caseFindings(
  spec: OpSpec,
  { shapes, attrs }: Case,
  names: readonly string[],
  seed: number,
  options: OpLawOptions,
): readonly Finding[] {
  return names.flatMap(law => {
    const detail = caught(() => laws[law]!(siteOf(spec, shapes, attrs, randomFrom(seed), axesOf(options))))
    if (detail === undefined) return []
    return [{ law, where: spec.name, case: showCase(shapes, attrs), detail, seed }]
  })
}

function caught(law: () => string | undefined): string | undefined {
  try {
    return law()
  } catch (error) {
    return `throws ${String(error)}`
  }
}

/** Names in `saves` that no derivative reads in any case. */
function unreadSaves(
  spec: OpSpec,
  cases: OpSpec['samples']['cases'],
  seed: number,
  options: OpLawOptions,
): readonly Finding[] {
  const read = new Set(
    cases.flatMap(({ shapes, attrs = {} }) =>
      readNames(siteOf(spec, shapes, attrs, randomFrom(seed), axesOf(options))),
    ),
  )
  const unread = spec.saves.filter(name => !read.has(name))
  if (unread.length === 0) return []
  const detail = `saves declares ${unread.join(', ')}, which no derivative reads`
  return [{ law: 'saves', where: spec.name, case: 'in every case', detail, seed }]
}
