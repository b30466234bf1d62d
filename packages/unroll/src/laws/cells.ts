import { GraphError } from '@bptt/graph'
import type { LawReport } from '@bptt/graph/laws'
import fc from 'fast-check'
import type { Cell } from '../cell.js'
import { checkCell, isWhole, shown } from '../checks.js'
import { batchLaws } from './batch.js'
import { closedLaws } from './closed.js'
import type { CellLaw } from './compare.js'
import { creditLaws } from './credit.js'
import { exactLaws } from './exact.js'
import { parallelLaws } from './parallel.js'
import { relativeLaws } from './relatives.js'
import { sampledLaws } from './sampled.js'
import { type Subject, type SubjectOptions, subjectOf } from './subject.js'
import { symmetryLaws } from './symmetry.js'
import { timeLaws } from './time.js'

/** Every law of a cell in time; numbers are those of the catalogue of identities. */
export const everyCellLaw: readonly CellLaw[] = [
  ...timeLaws,
  ...batchLaws,
  ...creditLaws,
  ...exactLaws,
  ...closedLaws,
  ...parallelLaws,
  ...symmetryLaws,
  ...relativeLaws,
  ...sampledLaws,
]

/** How many sequences, and which laws. */
export interface CellLawOptions extends SubjectOptions {
  /** Random sequences, 5 by default; each law is tried on each. */
  readonly runs?: number
  readonly seed?: number
  /** The most steps, 5 by default. Enumeration takes 2^(steps − 1) patterns. */
  readonly steps?: number
  /** The most examples side by side, 2 by default. */
  readonly batch?: number
  readonly laws?: readonly CellLaw[]
}

/**
 * Tries the laws of unrolling, credit, estimators and exact gradients on a cell, over random lengths, batches, schedules and numbers.
 *
 * `skipped` names the laws that say nothing of the cell, and why: those of Jacobians where the carry is large, of units
 * where exchanging them is no symmetry of the step.
 * @throws GraphError `bad-cell`; `bad-samples` where there is no run, step, example or law; what the engine finds wrong with a sequence for the cell.
 */
export function cellLaws(cell: Cell, options: CellLawOptions = {}): LawReport {
  const { runs = 5, seed = 1, steps = 5, batch = 2, laws = everyCellLaw } = options
  checkCell('cellLaws', cell)
  checkTrials({ runs, steps, batch, laws: laws.length })
  const size = fc.record({
    steps: fc.integer({ min: 1, max: steps }),
    batch: fc.integer({ min: 1, max: batch }),
    seed: fc.nat(1e6),
  })
  const trials: Trials = { tried: new Set(), skipped: new Map(), checked: 0 }
  let found: { law: string; detail: string } | undefined
  const outcome = fc.check(
    fc.property(size, drawn => {
      const left = found === undefined ? laws : laws.filter(({ name }) => name === found!.law)
      const law = firstBroken(subjectOf(cell, drawn, options), left, trials)
      if (law === undefined) return
      found = law
      throw new Error(law.detail)
    }),
    { numRuns: runs, seed },
  )
  if (outcome.failed && found === undefined) throw outcome.errorInstance // no law has said anything
  const at = outcome.counterexample?.[0]
  const where = cell.name
  const findings =
    found === undefined
      ? []
      : [{ ...found, where, case: `${at?.steps} steps, ${at?.batch} examples, seed ${at?.seed}`, seed }]
  const skipped = [...trials.skipped].filter(([law]) => !trials.tried.has(law))
  return {
    ok: findings.length === 0,
    findings,
    skipped: skipped.map(([law, reason]) => ({ law, reason })),
    checked: trials.checked,
    seed,
  }
}

/** Laws that are tried on nothing hold for all cells. */
function checkTrials(numbers: Readonly<Record<string, number>>): void {
  for (const [name, number] of Object.entries(numbers))
    if (!isWhole(number, 1))
      throw new GraphError(
        'bad-samples',
        'cellLaws',
        `${name} is ${shown(number)}; laws are tried on a whole number ≥ 1 of them`,
        'leave it out for the usual number',
      )
}

/** What was tried so far. */
interface Trials {
  readonly tried: Set<string>
  /** Why, by law. */
  readonly skipped: Map<string, string>
  checked: number
}

function firstBroken(
  subject: Subject,
  laws: readonly CellLaw[],
  trials: Trials,
): { law: string; detail: string } | undefined {
  for (const { name, skip, broken } of laws) {
    const detail = caught(() => {
      const reason = skip?.(subject)
      if (reason !== undefined) {
        trials.skipped.set(name, reason)
        return undefined
      }
      trials.tried.add(name)
      trials.checked++
      return broken(subject)
    })
    if (detail !== undefined) return { law: name, detail }
  }
  return undefined
}

function caught(law: () => string | undefined): string | undefined {
  try {
    return law()
  } catch (error) {
    return `throws ${error instanceof Error ? error.message : String(error)}`
  }
}

/**
 * As `cellLaws`, but throws where a law does not hold: one line in a test of your own cell. It takes a few seconds, more for large
 * cells and on slow machines: sizes of 2 or 3 find what there is to find.
 *
 * @example
 * test('my cell obeys the laws of time', () => expectCellLaws(myCell))
 * @throws GraphError `broken-law`, with the sequence, the numbers and the seed; as `cellLaws`.
 */
export function expectCellLaws(cell: Cell, options?: CellLawOptions): LawReport {
  const report = cellLaws(cell, options)
  const [first] = report.findings
  if (first === undefined) return report
  throw new GraphError(
    'broken-law',
    cell.name,
    `breaks '${first.law}' at ${first.case}: ${first.detail}`,
    `seed ${first.seed} repeats it`,
  )
}
