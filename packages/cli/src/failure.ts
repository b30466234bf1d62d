/** What the exit codes of every command mean; `bptt --help` prints them. */
export const exitCodes = { ok: 0, finding: 1, badInput: 2, interrupted: 130, terminated: 143 } as const

/** The command cannot do what was asked; the message is one sentence for the person at the terminal. */
export class Failure extends Error {
  /** The exit code of the process: 2 for bad input, 1 for a finding such as a loss that is not finite. */
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.badInput) {
    super(message)
    this.name = 'Failure'
    this.exitCode = exitCode
  }
}

/** The sentence of a caught value: its message on one line, a second line (`hint: …`) set in brackets. */
export function sentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const [first = '', ...rest] = message
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
  return rest.length === 0 ? first : `${first} ${bracketed(rest.join(' '))}`
}

function bracketed(text: string): string {
  return text.startsWith('(') ? text : `(${text})`
}

/** The operating system's error code (`ENOENT`, `EPIPE`, …) of a caught value, or undefined. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
