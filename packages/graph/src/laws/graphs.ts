import fc from 'fast-check'
import { ops as builtIn } from '../ops/all.js'
import { print } from '../print.js'
import { arbitraryProgram, type ProgramOptions } from './arbitrary.js'
import type { Finding, LawReport } from './finding.js'
import { coreLaws } from './graph/core.js'
import { homogeneousLaws } from './graph/homogeneous.js'
import { incrementalLaws } from './graph/incremental.js'
import { invariantLaws } from './graph/invariants.js'
import { rewriteLaws } from './graph/rewrites.js'
import { type GraphLaw, subjectOf } from './graph/subject.js'
import { sumLaws } from './graph/sums.js'
import type { Program } from './program/program.js'
import { randomFrom } from './random.js'

/** The laws of automatic differentiation over whole programs; numbers are those of the catalogue of identities. */
export const graphLaws: readonly GraphLaw[] = [
  ...coreLaws,
  ...sumLaws,
  ...invariantLaws,
  ...homogeneousLaws,
  ...rewriteLaws,
  ...incrementalLaws,
]

/** How many programs, of which kind, and which laws. */
export interface GraphLawOptions extends ProgramOptions {
  /** Random programs per law, 100 by default. */
  readonly runs?: number
  readonly seed?: number
  /** Repeats one program: the path that a finding names. */
  readonly path?: string
  readonly laws?: readonly GraphLaw[]
  /** Looks for a smaller program that breaks the same law; true by default. */
  readonly shrink?: boolean
}

/**
 * Tries laws on random programs, all of them on each. A finding holds the smallest program found that breaks the law,
 * printed, and the path that repeats it.
 */
export function checkGraphLaws(options: GraphLawOptions = {}): LawReport {
  const { runs = 100, seed = 1, laws = graphLaws, path, shrink = true } = options
  let broken: string | undefined
  const property = fc.property(arbitraryProgram(options), program => {
    const found = firstBroken(
      program,
      broken === undefined ? laws : laws.filter(({ name }) => name === broken),
      options,
    )
    broken ??= found?.law
    if (found !== undefined) throw new Error(found.detail)
  })
  const outcome = fc.check(property, {
    numRuns: runs,
    seed,
    endOnFailure: !shrink,
    ...(path === undefined ? {} : { path }),
  })
  const findings = outcome.failed ? [asFinding(outcome, broken ?? 'program', seed)] : []
  return { ok: !outcome.failed, findings, skipped: [], checked: outcome.numRuns * laws.length, seed }
}

function firstBroken(
  program: Program,
  laws: readonly GraphLaw[],
  { ops = builtIn }: GraphLawOptions,
): { readonly law: string; readonly detail: string } | undefined {
  const subject = subjectOf(program, ops)
  for (const { name, analytic, broken } of laws) {
    if (analytic && !program.analytic) continue
    const detail = caught(() => broken({ ...subject, next: randomFrom(program.seed) }))
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

function asFinding(outcome: fc.RunDetails<[Program]>, law: string, seed: number): Finding {
  const program = outcome.counterexample?.[0]
  const error = outcome.errorInstance
  const detail = error instanceof Error ? error.message : String(error)
  return {
    law,
    where: program === undefined ? 'a program' : print(program.graph),
    case: `path '${outcome.counterexamplePath ?? ''}'`,
    detail,
    seed,
  }
}
