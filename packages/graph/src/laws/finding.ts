/** A law that does not hold, as data. */
export interface Finding {
  /** Short name of the law: `adjoint`, `saves`. */
  readonly law: string
  /** The op or the graph that breaks it. */
  readonly where: string
  /** The case of an op, or the path to a random program. */
  readonly case: string
  /** What was found, with the numbers. */
  readonly detail: string
  /** Repeats the run. */
  readonly seed: number
}

/** A finding as one line. */
export function showFinding({ law, where, case: at, detail, seed }: Finding): string {
  return `${where} ${at}: breaks '${law}': ${detail} (seed ${seed})`
}

/** What laws found: nothing, where `ok`. */
export interface LawReport {
  readonly ok: boolean
  readonly findings: readonly Finding[]
  /** Laws that do not apply, and why. */
  readonly skipped: readonly { readonly law: string; readonly reason: string }[]
  /** Laws times cases that were tried. */
  readonly checked: number
  readonly seed: number
}
