import { exitCodes, systemCode } from './failure.js'

/** Why a run was asked to stop. */
export type Cause = 'Ctrl-C' | 'SIGTERM' | 'closed output'

/** Listens for requests to stop, from {@link interruption} until `release`. */
export interface Interruption {
  readonly signal: AbortSignal
  /** What asked first; undefined while nothing has. */
  readonly cause: Cause | undefined
  /** Goes back to the system's way with signals. */
  release(): void
}

/** The exit code that tells the parent process why the run ended. */
export function exitCodeOf(cause: Cause): number {
  return { 'Ctrl-C': exitCodes.interrupted, SIGTERM: exitCodes.terminated, 'closed output': exitCodes.ok }[
    cause
  ]
}

/** From now on the first SIGINT, SIGTERM or closed output aborts the signal; a second SIGINT or SIGTERM ends the process. */
export function interruption(): Interruption {
  const control = new AbortController()
  let cause: Cause | undefined
  const stop = (reason: Cause): void => {
    if (cause !== undefined && reason !== 'closed output') process.exit(exitCodeOf(reason))
    cause ??= reason
    control.abort()
  }
  const interrupted = (): void => stop('Ctrl-C')
  const terminated = (): void => stop('SIGTERM')
  const closed = (error: unknown): void => {
    if (systemCode(error) === 'EPIPE') stop('closed output')
  }
  process.on('SIGINT', interrupted).on('SIGTERM', terminated)
  for (const stream of [process.stdout, process.stderr]) stream.on('error', closed)
  return {
    signal: control.signal,
    get cause(): Cause | undefined {
      return cause
    },
    release(): void {
      process.off('SIGINT', interrupted).off('SIGTERM', terminated)
      for (const stream of [process.stdout, process.stderr]) stream.off('error', closed)
    },
  }
}
