/**
 * Laws of ops, gradients and transforms, for ops and graphs of one’s own, and fast-check arbitraries for both. Needs fast-check.
 *
 * @module @bptt/graph/laws
 */

export {
  arbitraryGraph,
  arbitraryProgram,
  arbitraryShape,
  arbitraryTensor,
  type ProgramOptions,
} from './arbitrary.js'
export type { Comparison, Mode } from './compare.js'
export type { Verdict } from './difference.js'
export { expectGradients, showReport } from './expect.js'
export { type Finding, type LawReport, showFinding } from './finding.js'
export { checkGradients, type GradientOptions, type GradientReport, type Mismatch } from './gradients.js'
export { type GraphLaw, type Subject, subjectOf } from './graph/subject.js'
export { checkGraphLaws, type GraphLawOptions, graphLaws } from './graphs.js'
export type { Mapping } from './mapping.js'
export { type MatcherResult, toHaveCorrectGradients } from './matcher.js'
export { type OpLawOptions, opLaws } from './ops.js'
export type { PointOptions } from './point.js'
export type { Instruction } from './program/code.js'
export type { Program, Recipe } from './program/program.js'
export type { Vector } from './vectors.js'
