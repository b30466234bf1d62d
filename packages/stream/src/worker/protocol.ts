import { GraphError } from '@bptt/graph'
import type { Snapshot } from '../state.js'
import type { Report } from '../update.js'
import type { Event } from './pack.js'

/** One end of a channel between two threads. */
export interface Port {
  readonly send: (message: unknown, transfer?: readonly ArrayBuffer[]) => void
  /** `heard` gets every message from the other end; `failed` is told where that end is no more. */
  readonly listen: (heard: (message: never) => void, failed: (error: unknown) => void) => void
  readonly close: () => void
  /** Whether the process is to stay alive for an answer. */
  readonly hold?: (awaited: boolean) => void
}

/** Events as they cross: packed, or as they are where they cannot be packed. */
export type Load = { readonly packed: Float64Array } | { readonly events: readonly Event[] }

/** What a trainer's thread is asked. `run` counts subscriptions. */
export type Request =
  | { readonly kind: 'open'; readonly module: string; readonly settings: unknown; readonly from?: Snapshot }
  | { readonly kind: 'begin' | 'end' | 'leave'; readonly run: number }
  | { readonly kind: 'events'; readonly run: number; readonly load: Load }
  | { readonly kind: 'snapshot'; readonly id: number }

/** What it answers. Every `events` and `end` is answered by one `reports`, `open` and `snapshot` by one answer. */
export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly error: Failure }
  | {
      readonly kind: 'reports'
      readonly run: number
      readonly reports: readonly Report[]
      readonly error?: Failure
      readonly done?: true
    }
  | { readonly kind: 'snapshot'; readonly id: number; readonly snapshot: Snapshot }

/** An error as it crosses. */
export interface Failure {
  readonly code: string
  readonly where: string
  readonly detail: string
  readonly hint?: string
}

/** @returns the error as plain data; one that is not of ours as `worker-failed`. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof GraphError))
    return {
      code: 'worker-failed',
      where: 'worker',
      detail: String(error instanceof Error ? error.message : error),
    }
  const { code, where, detail, hint } = error
  return { code, where, detail, ...(hint !== undefined && { hint }) }
}

/** The error it was. */
export function errorOf({ code, where, detail, hint }: Failure): GraphError {
  return new GraphError(code, where, detail, hint)
}
