/**
 * Laws of cells in time, for cells of one's own: `expectCellLaws(myCell)`. Needs fast-check.
 *
 * @module @bptt/unroll/laws
 */

export { type CellLawOptions, cellLaws, everyCellLaw, expectCellLaws } from './cells.js'
export type { CellLaw } from './compare.js'
export { type Found, lawLoss, type Subject, type SubjectOptions, subjectOf } from './subject.js'
