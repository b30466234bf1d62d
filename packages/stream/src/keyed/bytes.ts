import { GraphError, grow, isTensor, leaves, type Tensor } from '@bptt/graph'
import { parsedJson } from '../checks.js'
import { decodeSafetensors, encodeSafetensors } from '../safetensors.js'
import { PARTS, type Values } from '../state.js'
import { keyName } from './keys.js'
import { checkStream } from './restore.js'
import type { KeyedStream } from './state.js'

const KEY = 'bptt.stream'

/** A stream as bytes: a safetensors file that keeps every bit. */
export function bytesOf({ values, ...rest }: KeyedStream): Uint8Array {
  return encodeSafetensors(Object.fromEntries(namedTensors(values)), { [KEY]: JSON.stringify(rest) })
}

/**
 * The other way; `own` where it has a model of its own.
 * @throws GraphError `bad-safetensors`, `bad-snapshot`; `lost-stream` where the bytes are those of another stream.
 */
export function streamOf(bytes: Uint8Array, key: string, own: boolean): KeyedStream {
  const where = `${keyName(key)} in the store`
  const { tensors, metadata } = decodeSafetensors(bytes, where)
  const found = parsedJson(metadata[KEY] ?? '')
  checkStream(found, own, where)
  const { open, counters } = found
  if (found.key === key)
    return { key, open, ...(counters && { counters }), values: valuesOf(Object.entries(tensors)) }
  throw new GraphError('lost-stream', where, `is the state of another stream, ${keyName(found.key)}`)
}

/** The tensors of a state by name: `carry.h`. */
export const namedTensors = (values: Partial<Values>): readonly (readonly [string, Tensor])[] =>
  PARTS.flatMap(part =>
    leaves<Tensor>(values[part] ?? {}, isTensor, part).map(
      ([name, value]) => [`${part}.${name}`, value] as const,
    ),
  )

/** The other way: the parts of which there are tensors. */
export function valuesOf(named: readonly (readonly [string, Tensor])[]): Partial<Values> {
  const found = PARTS.map(part => [part, under(`${part}.`, named)] as const)
  return Object.fromEntries(found.flatMap(([part, own]) => (own.length === 0 ? [] : [[part, grow(own)]])))
}

/** Tensors whose names begin so, without it. */
export const under = (
  prefix: string,
  named: readonly (readonly [string, Tensor])[],
): readonly (readonly [string, Tensor])[] =>
  named.flatMap(([name, value]) =>
    name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
  )
