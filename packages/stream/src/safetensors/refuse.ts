import { GraphError } from '@bptt/graph'
import { cut } from '../cut.js'

/** Ends reading or writing: `where: what; rule`, code `bad-safetensors`. */
export function refuse(where: string, what: string, rule: string, hint?: string): never {
  throw new GraphError('bad-safetensors', where, `${what}; ${rule}`, hint)
}

/** A name from a file, fit for a message: quoted, escaped, not longer than 60 characters. */
export function quote(name: string): string {
  return JSON.stringify(cut(name))
}

/** A shape from a file, fit for a message. */
export function printed(shape: readonly number[]): string {
  return `[${cut(shape.join(', '))}]`
}
