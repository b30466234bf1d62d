import { GraphError } from '@bptt/graph'
import { encodeUtf8 } from '@bptt/graph/bytes'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeSafetensors, type Safetensors } from '../src/index.js'

/** A header's entry before it becomes text: fields may be anything. */
interface Field {
  readonly name: string
  readonly entry: unknown
}

/** A file before it becomes bytes. */
interface Draft {
  readonly fields: readonly Field[]
  readonly data: number
  /** Added to the announced length of the header. */
  readonly announced: bigint
  /** Bytes cut off the end. */
  readonly cut: number
}

const sizes = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, U8: 1, BOOL: 1 } as const
type Name = keyof typeof sizes

/** An honest file. */
const honest: fc.Arbitrary<Draft> = fc
  .array(
    fc.record({
      dtype: fc.constantFrom(...(Object.keys(sizes) as Name[])),
      shape: fc.array(fc.nat(3), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map(tensors => {
    let at = 0
    const fields = tensors.map(({ dtype, shape }, i) => {
      const begin = at
      at += sizes[dtype] * shape.reduce((a, b) => a * b, 1)
      return { name: `t${i}`, entry: { dtype, shape, data_offsets: [begin, at] } }
    })
    return { fields, data: at, announced: 0n, cut: 0 }
  })

const odd = fc.oneof(
  fc.constantFrom<unknown>(-1, 0.5, 1e308, 2 ** 53, 2 ** 32, 2 ** 31, '8', null, true, {}, [], [[1]], -0),
  fc.nat(40),
)

/** Replaces an element of a list by an odd one, drops it, or doubles it. */
const bent = (list: readonly unknown[], at: number, what: unknown, how: number): readonly unknown[] => {
  const i = at % Math.max(1, list.length)
  return [...list.slice(0, i), ...[[what], [], [list[i], list[i]]][how % 3]!, ...list.slice(i + 1)]
}

type Change = (draft: Draft) => Draft

/** Changes one field of one tensor. */
const inField = (change: (entry: Record<string, unknown>) => unknown): fc.Arbitrary<Change> =>
  fc.nat().map(at => draft => {
    const i = at % Math.max(1, draft.fields.length)
    const fields = draft.fields.map((field, k) =>
      k === i && typeof field.entry === 'object' && field.entry !== null
        ? { ...field, entry: change(field.entry as Record<string, unknown>) }
        : field,
    )
    return { ...draft, fields }
  })

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const number = (value: unknown): number => (typeof value === 'number' ? value : 0)

const changes: Readonly<Record<string, fc.Arbitrary<Change>>> = {
  lengths: fc
    .oneof(
      fc.bigInt({ min: -20n, max: 20n }),
      fc.constantFrom(2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 99_999_000n),
    )
    .map(announced => draft => ({ ...draft, announced })),
  offsets: fc
    .tuple(fc.nat(2), odd, fc.nat(2))
    .chain(([at, what, how]) =>
      inField(entry => ({ ...entry, data_offsets: bent(list(entry['data_offsets']), at, what, how) })),
    ),
  overlaps: fc.integer({ min: -9, max: 9 }).chain(by =>
    inField(entry => ({
      ...entry,
      data_offsets: list(entry['data_offsets']).map(place => number(place) + by),
    })),
  ),
  shapes: fc
    .tuple(fc.nat(3), odd, fc.nat(2))
    .chain(([at, what, how]) =>
      inField(entry => ({ ...entry, shape: bent(list(entry['shape']), at, what, how) })),
    ),
  'long shapes': fc
    .constantFrom(0, 1, 2)
    .chain(axis => inField(entry => ({ ...entry, shape: Array(3000).fill(axis) }))),
  dtypes: fc
    .constantFrom<unknown>('F8_E4M3', 'f64', 8, null, 'x'.repeat(5000))
    .chain(dtype => inField(entry => ({ ...entry, dtype }))),
  entries: odd.chain(entry => inField(() => entry)),
  'lost fields': fc
    .constantFrom('dtype', 'shape', 'data_offsets')
    .chain(key => inField(({ [key]: _, ...rest }) => rest)),
  'repeated keys': fc.nat().map(at => draft => ({
    ...draft,
    fields: [...draft.fields, draft.fields[at % draft.fields.length]!],
  })),
  metadata: odd.map(entry => draft => ({
    ...draft,
    fields: [...draft.fields, { name: '__metadata__', entry: { a: entry } }],
  })),
  'huge headers': fc.integer({ min: 50, max: 300 }).map(count => draft => ({
    ...draft,
    fields: [
      ...draft.fields,
      ...Array.from({ length: count }, (_, i) => ({
        name: `${i}${'n'.repeat(i % 50)}`,
        entry: { dtype: 'F32', shape: [0, i], data_offsets: [draft.data, draft.data] },
      })),
    ],
  })),
  truncation: fc.nat(200).map(cut => draft => ({ ...draft, cut })),
  'more data': fc.integer({ min: 1, max: 40 }).map(more => draft => ({ ...draft, data: draft.data + more })),
}

function bytesOf({ fields, data, announced, cut }: Draft): Uint8Array {
  const json = fields.map(({ name, entry }) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`)
  const header = encodeUtf8(`{${json.join(',')}}`)
  const bytes = new Uint8Array(8 + header.length + data)
  const length = BigInt.asUintN(64, BigInt(header.length) + announced)
  new DataView(bytes.buffer).setBigUint64(0, length, true)
  bytes.set(header, 8)
  return bytes.slice(0, Math.max(0, bytes.length - cut))
}

const FILE = 'a/model.safetensors'

/** What is read, or the error; anything but a coded error that names the file and a rule, in a short message, is thrown. */
function outcome(bytes: Uint8Array): Safetensors | GraphError {
  try {
    return decodeSafetensors(bytes, FILE)
  } catch (error) {
    if (!(error instanceof GraphError)) throw error
    expect(error.code).toBe('bad-safetensors')
    expect(error.where).toBe(FILE)
    expect(error.detail).toMatch(/^[^;].*; .+/s)
    expect(error.message.length).toBeLessThan(500)
    return error
  }
}

describe('hostile safetensors', () => {
  test('are honest before they are changed: every one of them is read', () => {
    fc.assert(
      fc.property(honest, draft => {
        expect(outcome(bytesOf(draft))).not.toBeInstanceOf(GraphError)
      }),
      { numRuns: 300 },
    )
  })

  const same: Change = draft => draft
  const another = fc.oneof(fc.constant(same), ...Object.values(changes))

  test.each(Object.entries(changes))('%s: a coded error or a whole file, 1,000 cases', (_, change) => {
    let refused = 0
    fc.assert(
      fc.property(honest, change, another, (draft, first, second) => {
        const bytes = bytesOf(second(first(draft)))
        const found = outcome(bytes)
        if (found instanceof GraphError) refused++
        else {
          const held = Object.values(found.tensors).reduce((sum, { data }) => sum + data.byteLength, 0)
          expect(held).toBeLessThanOrEqual(8 * bytes.length)
        }
      }),
      { numRuns: 1000 },
    )
    expect(refused).toBeGreaterThan(0)
  })
})
