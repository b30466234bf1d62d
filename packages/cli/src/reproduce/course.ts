import type { Table } from './table.js'

/** How far an experiment is: `done` of `total`, in `unit`s. */
export interface Advance {
  readonly kind: 'advance'
  readonly done: number
  readonly total: number
  /** In the plural, such as `steps`. */
  readonly unit: string
  /** What is being done now. */
  readonly what: string
}

/** A result: a table for people, records for programs. */
export interface Part {
  readonly kind: 'part'
  /** The `part` of its records. */
  readonly name: string
  readonly title: string
  readonly table: Table
  /** Flat objects of numbers, texts and lists of numbers. */
  readonly records: readonly object[]
}

/** Something that a source claims, and whether it was found so. */
export interface Claim {
  readonly claim: string
  readonly held: boolean
  /** The figures that decide. */
  readonly found: string
}

/** The claim that all of these runs keep a rule. */
export function claim<R>(text: string, runs: readonly R[], rule: (run: R) => boolean): Claim {
  const keeping = runs.filter(rule).length
  return { claim: text, held: keeping === runs.length, found: `${keeping} of ${runs.length} runs` }
}

/** An experiment under way: it says how far it is and what it found; in the end, which claims held. Stopped between any two. */
export type Course = Generator<Advance | Part, readonly Claim[], void>
