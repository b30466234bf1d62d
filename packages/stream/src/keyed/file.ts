import { GraphError, type Tensor } from '@bptt/graph'
import { decodeSafetensors, encodeSafetensors } from '../safetensors.js'
import { namedTensors, under, valuesOf } from './bytes.js'
import type { KeyedSnapshot, KeyedStream } from './state.js'

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
  const others = streams.map(({ values: _, ...stream }) => stream)
  const plain = { ...rest, ...(shared && { counters: shared.counters }), streams: others }
  return encodeSafetensors(tensors, { ...metadata, [KEY]: JSON.stringify(plain) })
}

/** @throws GraphError `bad-safetensors`; `bad-snapshot` where the bytes are something else. `where` names them. */
export function decodeKeyed(
  bytes: Uint8Array,
  where: string,
): { readonly snapshot: KeyedSnapshot; readonly metadata: Readonly<Record<string, string>> } {
  const { tensors, metadata } = decodeSafetensors(bytes, where)
  const { counters, streams, ...rest } = parsed(metadata[KEY], where)
  const named = Object.entries(tensors)
  const rows = under('streams.', named)
  const { params = {}, slots = {} } = valuesOf(under('shared.', named))
  const snapshot = {
    ...rest,
    ...(counters && { shared: { params, slots, counters } }),
    streams: streams.map((stream, i) => ({ ...stream, values: valuesOf(row(rows, i, streams.length)) })),
  }
  return { snapshot, metadata }
}

type Plain = Omit<KeyedSnapshot, 'shared' | 'streams'> & {
  readonly counters?: NonNullable<KeyedSnapshot['shared']>['counters']
  readonly streams: readonly Omit<KeyedStream, 'values'>[]
}

function parsed(text: string | undefined, where: string): Plain {
  try {
    const found = JSON.parse(text ?? '') as Plain
    if (isPlain(found)) return found
  } catch {
    // falls through: text that is no JSON is as foreign as none
  }
  throw new GraphError(
    'bad-snapshot',
    where,
    `holds no snapshot of a keyed trainer; it has no readable entry '${KEY}'`,
  )
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

const isPlain = ({ t, events, streams }: Plain): boolean =>
  isCount(t) && isCount(events) && Array.isArray(streams) && streams.every(isStream)

const isStream = ({ key, open }: Plain['streams'][number]): boolean =>
  typeof key === 'string' &&
  isCount(open.t) &&
  open.lanes.length === 1 &&
  open.lanes.every(({ samples, credit }) => Array.isArray(samples) && samples.length === credit.length)

const prefixed = (prefix: string, named: Named): Named => named.map(([name, value]) => [prefix + name, value])

/** Tensors of the same names and shapes, a row each. */
function stacked(rows: readonly Named[]): Named {
  const byName = rows.map(row => new Map(row))
  return (rows[0] ?? []).map(
    ([
      name,
      {
        shape,
        data: { length },
      },
    ]) => {
      const data = new Float64Array(rows.length * length)
      byName.forEach((row, i) => data.set(row.get(name)!.data, i * length))
      return [name, { shape: [rows.length, ...shape], data }]
    },
  )
}

/** Row i of n. */
function row(rows: Named, i: number, n: number): Named {
  return rows.map(([name, { shape, data }]) => {
    const size = data.length / n
    return [name, { shape: shape.slice(1), data: data.slice(i * size, (i + 1) * size) }]
  })
}
