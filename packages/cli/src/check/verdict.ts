import { checkGradients, type GradientReport, type LawReport, opLaws, showReport } from '@bptt/graph/laws'
import { type CellLaw, cellLaws, everyCellLaw } from '@bptt/unroll/laws'
import type { Found } from '../module.js'
import { type Differences, differencesOf } from './steps.js'

/** How hard laws are tried. */
export interface Effort {
  /** Random sequences for a cell, points for an op, directions for a graph. */
  readonly runs: number
  /** The most steps of a sequence. */
  readonly steps: number
  readonly seed: number
  /** The inputs of cells are whole numbers below this. */
  readonly symbols?: number
  /** Inputs of graphs that hold whole numbers, and below what. */
  readonly integers?: Readonly<Record<string, number>>
}

/** What the laws say of one export. */
export interface Verdict {
  readonly name: string
  readonly kind: Found['kind']
  readonly ok: boolean
  /** Laws of cells or ops; undefined for a graph. */
  readonly laws: LawReport | undefined
  /** Derivatives beside finite differences; undefined for an op, whose laws have them. */
  readonly gradients: GradientReport | undefined
  /** Of a cell: where its worst derivative is. */
  readonly place: Pick<Differences, 'parameter' | 'step'> | undefined
}

/**
 * Holds an export to the laws of its kind; `tell` hears how many of how many trials of a cell are done. Throws GraphError where it cannot be
 * evaluated at all.
 */
export function verdictOf(
  found: Found,
  { runs, steps, seed, symbols, integers = {} }: Effort,
  tell: (done: number, all: number) => void = () => {},
): Verdict {
  const { name, kind } = found
  if (found.kind === 'op') {
    const laws = opLaws(found.op, { points: runs, seed })
    return { name, kind, ok: laws.ok, laws, gradients: undefined, place: undefined }
  }
  if (found.kind === 'graph') {
    const gradients = checkGradients(found.graph, { directions: runs, seed, integers })
    return { name, kind, ok: gradients.ok, laws: undefined, gradients, place: undefined }
  }
  const laws = cellLaws(found.cell, {
    ...{ runs, steps, seed, laws: counted(runs, tell) },
    ...(symbols === undefined ? {} : { symbols }),
  })
  const { report: gradients, ...place } = differencesOf(found.cell, steps, seed, symbols)
  return { name, kind, ok: laws.ok && gradients.ok, laws, gradients, place }
}

/** The laws of cells, each trial told before it is made; the search for a smaller counterexample is not counted. */
function counted(runs: number, tell: (done: number, all: number) => void): readonly CellLaw[] {
  const all = runs * everyCellLaw.length
  let done = 0
  return everyCellLaw.map(law => ({
    ...law,
    broken: subject => {
      tell(Math.min(done++, all), all)
      return law.broken(subject)
    },
  }))
}

/** A verdict as lines: one where all holds, more where something does not. */
export function verdictText({
  name,
  kind,
  ok,
  laws,
  gradients,
  place,
}: Verdict): readonly [string, ...string[]] {
  const tried = [
    ...(laws === undefined ? [] : [`${laws.checked} trials of laws`]),
    ...(gradients === undefined ? [] : [`${gradients.checked} derivatives`]),
  ].join(', ')
  const head = `${ok ? '✓' : '✗'} ${name} (${kind}): ${ok ? `${tried} hold` : 'a law does not hold'}`
  const seed = laws?.seed ?? gradients?.seed
  const worst = gradients === undefined || gradients.ok ? [] : worstLines(gradients, place)
  const all = laws?.findings ?? []
  const firsts = all.filter((one, i) => all.findIndex(({ law }) => law === one.law) === i)
  const broken = firsts.map(({ law, case: at, detail }) => `    breaks     ${law}, ${at}: ${detail}`)
  return [head, ...worst, ...broken, ...(ok ? [] : [`    repeat     --seed ${seed}`])]
}

function worstLines(report: GradientReport, place: Verdict['place']): readonly string[] {
  const { worst } = report
  const step = place?.step === undefined ? '' : ` at step ${place.step}`
  return [
    `    gradient   ${showReport(report)}`,
    ...(place?.parameter === undefined ? [] : [`    parameter  ${place.parameter}${step}`]),
    ...(worst?.node === undefined ? [] : [`    node       ${worst.node}`]),
  ]
}
