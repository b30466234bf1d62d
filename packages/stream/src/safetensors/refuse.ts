import { GraphError } from '@bptt/graph'

/** Ends reading or writing: `where: what; rule`, code `bad-safetensors`. */
export function refuse(where: string, what: string, rule: string, hint?: string): never {
  throw new GraphError('bad-safetensors', where, `${what}; ${rule}`, hint)
}

const longest = 60

/** A name from a file, fit for a message: quoted, escaped, not longer than 60 characters. */
export function quote(name: string): string {
  return JSON.stringify(name.length > longest ? `${name.slice(0, longest - 1)}…` : name)
}

/** A shape from a file, fit for a message. */
export function printed(shape: readonly number[]): string {
  const text = shape.join(', ')
  return `[${text.length > longest ? `${text.slice(0, longest - 1)}…` : text}]`
}
