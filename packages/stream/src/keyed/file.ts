import { GraphError, type Tensor } from '@bptt/graph'
import { parsedJson } from '../checks.js'
import { decodeSafetensors, encodeSafetensors } from '../safetensors.js'
import { namedTensors, under, valuesOf } from './bytes.js'
import { checkKeyed, type KeyedPlain } from './restore.js'
import type { KeyedSnapshot } from './state.js'

const KEY = 'bptt.keyed'

type Named = readonly (readonly [string, Tensor])[]

/**
 * A keyed snapshot as a safetensors file: what is shared as `shared.params.…`, what the streams have of their own stacked, a row per stream,
 * as `streams.carry.…` [streams, ...]; the rest as JSON in the metadata, beside entries of one's own.
 */
export function encodeKeyed(snapshot: KeyedSnapshot, metadata: Readonly<Record<string, string>>): Uint8Array {
  const { shared, streams, ...rest } = snapshot
  const tensors = Object.fromEntries([
    ...(shared === undefined ? [] : prefixed('shared.', namedTensors(shared))),
    ...prefixed('streams.', stacked(streams.map(({ values }) => namedTensors(values)))),
  ])
  const plain: KeyedPlain = {
    ...rest,
    ...(shared && { shared: { counters: shared.counters } }),
    streams: streams.map(({ values: _, ...stream }) => stream),
  }
  return encodeSafetensors(tensors, { ...metadata, [KEY]: JSON.stringify(plain) })
}

/** @throws GraphError `bad-safetensors`; `bad-snapshot` where the bytes are something else, or do not hold together. `where` names them. */
export function decodeKeyed(
  bytes: Uint8Array,
  where: string,
): { readonly snapshot: KeyedSnapshot; readonly metadata: Readonly<Record<string, string>> } {
  const { tensors, metadata } = decodeSafetensors(bytes, where)
  const { t, events, shared, streams, schema } = parsed(metadata[KEY], where)
  const named = Object.entries(tensors)
  const rows = under('streams.', named)
  checkRows(rows, streams.length, where)
  const { params = {}, slots = {} } = valuesOf(under('shared.', named))
  const snapshot = {
    ...{ t, events },
    ...(schema && { schema }),
    ...(shared && { shared: { params, slots, counters: shared.counters } }),
    streams: streams.map(({ key, open, counters }, i) => ({
      ...{ key, open },
      ...(counters && { counters }),
      values: valuesOf(row(rows, i, streams.length)),
    })),
  }
  return { snapshot, metadata }
}

function parsed(text: string | undefined, where: string): KeyedPlain {
  const value = text === undefined ? undefined : parsedJson(text)
  if (typeof value !== 'object' || value === null)
    throw new GraphError(
      'bad-snapshot',
      where,
      `holds no snapshot of a keyed trainer; it has no readable entry '${KEY}'`,
    )
  checkKeyed(value, where)
  return value
}

function checkRows(rows: Named, streams: number, where: string): void {
  for (const [name, { shape }] of rows)
    if (shape[0] !== streams)
      throw new GraphError(
        'bad-snapshot',
        where,
        `'streams.${name}' is [${shape.join(', ')}], and there are ${streams} streams; it has a row for each`,
      )
}

const prefixed = (prefix: string, named: Named): Named => named.map(([name, value]) => [prefix + name, value])

/** Tensors of the same names and shapes, a row each. */
function stacked(rows: readonly Named[]): Named {
  const byName = rows.map(row => new Map(row))
  return (rows[0] ?? []).map(([name, { shape, data: first }]) => {
    const data = new Float64Array(rows.length * first.length)
    byName.forEach((row, i) => data.set(row.get(name)!.data, i * first.length))
    return [name, { shape: [rows.length, ...shape], data }]
  })
}

/** Row i of n. */
function row(rows: Named, i: number, n: number): Named {
  return rows.map(([name, { shape, data }]) => {
    const size = data.length / n
    return [name, { shape: shape.slice(1), data: data.slice(i * size, (i + 1) * size) }]
  })
}
