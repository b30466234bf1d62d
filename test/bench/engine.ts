import type { Workload } from './workloads.js'

/** A workload in an engine: its state goes on from step to step. */
export interface Runner {
  /** One training step; the loss before its update. */
  readonly step: () => number
  readonly close: () => void
}

/** Something that can train. */
export interface Engine {
  readonly name: string
  /** For ours: `portable` or `fast`. */
  readonly flavour?: 'portable' | 'fast'
  readonly prepare: (work: Workload) => Runner
}
