import { GraphError } from '@bptt/graph'
import type { LawReport } from '@bptt/graph/laws'
import fc from 'fast-check'
import type { Cell } from '../cell.js'
import type { CellLaw } from './compare.js'
import { creditLaws } from './credit.js'
import { exactLaws } from './exact.js'
import { parallelLaws } from './parallel.js'
import { type SubjectOptions, subjectOf } from './subject.js'
import { timeLaws } from './time.js'

/** Every law of a cell in time; numbers are those of the catalogue of identities. */
export const everyCellLaw: readonly CellLaw[] = [...timeLaws, ...creditLaws, ...exactLaws, ...parallelLaws]

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

/** Tries the laws of unrolling, credit and exact gradients on a cell, over random lengths, batches, schedules and numbers. */
export function cellLaws(cell: Cell, options: CellLawOptions = {}): LawReport {
  const { runs = 5, seed = 1, steps = 5, batch = 2, laws = everyCellLaw } = options
  const size = fc.record({
    steps: fc.integer({ min: 1, max: steps }),
    batch: fc.integer({ min: 1, max: batch }),
    seed: fc.nat(1e6),
  })
  let found: { law: string; detail: string } | undefined
  const outcome = fc.check(
    fc.property(size, drawn => {
      const law = firstBroken(
        cell,
        drawn,
        options,
        found === undefined ? laws : laws.filter(({ name }) => name === found!.law),
      )
      if (law === undefined) return
      found = law
      throw new Error(law.detail)
    }),
    { numRuns: runs, seed },
  )
  const at = outcome.counterexample?.[0]
  const findings =
    found === undefined
      ? []
      : [
          {
            law: found.law,
            where: cell.name,
            case: `${at?.steps} steps, ${at?.batch} examples, seed ${at?.seed}`,
            detail: found.detail,
            seed,
          },
        ]
  return { ok: findings.length === 0, findings, skipped: [], checked: outcome.numRuns * laws.length, seed }
}

function firstBroken(
  cell: Cell,
  size: { steps: number; batch: number; seed: number },
  options: CellLawOptions,
  laws: readonly CellLaw[],
): { law: string; detail: string } | undefined {
  const subject = subjectOf(cell, size, options)
  for (const { name, broken } of laws) {
    const detail = caught(() => broken(subject))
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
 * As `cellLaws`, but throws where a law does not hold: one line in a test of your own cell.
 *
 * @example
 * test('my cell obeys the laws of time', () => expectCellLaws(myCell))
 * @throws GraphError `broken-law`, with the sequence, the numbers and the seed.
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
