import { GraphError, type Tensor } from '@bptt/graph'
import { encodeUtf8 } from '@bptt/graph/bytes'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeSafetensors, encodeSafetensors } from '../src/safetensors.js'

/** A file with any header and data, honest or not. */
function file(header: string | Uint8Array, data: ArrayLike<number> = [], announced?: bigint): Uint8Array {
  const json = typeof header === 'string' ? encodeUtf8(header) : header
  const bytes = new Uint8Array(8 + json.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, announced ?? BigInt(json.length), true)
  bytes.set(json, 8)
  bytes.set(data, 8 + json.length)
  return bytes
}

/** A file with one tensor `w`. */
function one(
  dtype: string,
  shape: string,
  data: ArrayLike<number>,
  offsets = `[0,${data.length}]`,
): Uint8Array {
  return file(`{"w":{"dtype":${JSON.stringify(dtype)},"shape":${shape},"data_offsets":${offsets}}}`, data)
}

function bitsOf(data: Float64Array): readonly bigint[] {
  return [...new BigUint64Array(data.buffer, data.byteOffset, data.length)]
}

function record<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  const result: Record<string, T> = Object.create(null)
  for (const [name, value] of entries) result[name] = value
  return result
}

function messageOf(bytes: Uint8Array, where?: string): string {
  try {
    decodeSafetensors(bytes, where)
  } catch (error) {
    if (error instanceof GraphError && error.code === 'bad-safetensors') return error.message
    throw error
  }
  return 'no error'
}

const anyBits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const strange = [0n, 1n, 0x8000000000000000n, 0x7ff0000000000000n, 0xfff8000000000001n, 0x7ff0000000000001n]
const tensors: fc.Arbitrary<Tensor> = fc.array(fc.nat(3), { maxLength: 3 }).chain(shape => {
  const length = shape.reduce((a, b) => a * b, 1)
  const bits = fc.array(fc.oneof(fc.constantFrom(...strange), anyBits), {
    minLength: length,
    maxLength: length,
  })
  return bits.map(words => ({ shape, data: new Float64Array(new BigUint64Array(words).buffer) }))
})
const names = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '__proto__',
    'constructor',
    '0',
    '10',
    '',
    '"',
    '\\',
    '\u0000',
    '\ud800',
    'h.W',
    'вес',
    '重み',
    '😀',
  ),
)
const contents = fc.tuple(
  fc.uniqueArray(fc.tuple(names, tensors), { selector: ([name]) => name, maxLength: 5 }),
  fc.uniqueArray(fc.tuple(names, names), { selector: ([name]) => name, maxLength: 3 }),
)

describe('a safetensors file', () => {
  test('holds exactly these bytes for a matrix and a label', () => {
    const bytes = encodeSafetensors(
      { w: { shape: [1, 2], data: Float64Array.of(1, -2) } },
      { made: 'by hand' },
    )
    const json = '{"__metadata__":{"made":"by hand"},"w":{"dtype":"F64","shape":[1,2],"data_offsets":[0,16]}}'
    expect(json).toHaveLength(91)
    const golden = [
      ...[96, 0, 0, 0, 0, 0, 0, 0],
      ...Array.from(json, symbol => symbol.charCodeAt(0)),
      ...[0x20, 0x20, 0x20, 0x20, 0x20],
      ...[0, 0, 0, 0, 0, 0, 0xf0, 0x3f],
      ...[0, 0, 0, 0, 0, 0, 0x00, 0xc0],
    ]
    expect([...bytes]).toEqual(golden)
    expect(decodeSafetensors(Uint8Array.from(golden))).toEqual({
      tensors: { w: { shape: [1, 2], data: Float64Array.of(1, -2) } },
      metadata: { made: 'by hand' },
    })
  })

  test('gives back every bit of what was put in, under any names', () => {
    fc.assert(
      fc.property(contents, fc.nat(9), ([named, labels], offset) => {
        const bytes = encodeSafetensors(record(named), record(labels))
        const shifted = new Uint8Array(bytes.length + offset).subarray(offset)
        shifted.set(bytes)
        const back = decodeSafetensors(shifted)
        expect(Object.keys(back.tensors).sort()).toEqual(named.map(([name]) => name).sort())
        for (const [name, { shape, data }] of named) {
          expect(back.tensors[name]?.shape).toEqual(shape)
          expect(bitsOf((back.tensors[name] as Tensor).data)).toEqual(bitsOf(data))
        }
        expect({ ...back.metadata }).toEqual({ ...record(labels) })
      }),
    )
  })

  test('keeps NaN payloads, -0, infinities and subnormals', () => {
    const data = new Float64Array(new BigUint64Array(strange).buffer)
    const back = decodeSafetensors(encodeSafetensors({ x: { shape: [6], data } }))
    expect(bitsOf((back.tensors['x'] as Tensor).data)).toEqual(strange)
  })

  test('does not depend on the order of tensors or metadata, and begins its data at a multiple of 8', () => {
    fc.assert(
      fc.property(contents, ([named, labels]) => {
        const bytes = encodeSafetensors(record(named), record(labels))
        expect(encodeSafetensors(record(named.toReversed()), record(labels.toReversed()))).toEqual(bytes)
        expect(new DataView(bytes.buffer).getBigUint64(0, true) % 8n).toBe(0n)
      }),
    )
  })

  test('stores F32 rounded to nearest, on request', () => {
    const data = Float64Array.of(0.1, -0, Number.POSITIVE_INFINITY, Number.NaN, 1e-50)
    const bytes = encodeSafetensors({ x: { shape: [5], data } }, {}, { dtype: 'F32' })
    expect(bytes.length % 8).toBe(4)
    expect(decodeSafetensors(bytes).tensors['x']?.data).toEqual(Float64Array.from(data, Math.fround))
  })

  test('writes a part of a larger buffer as that part', () => {
    const data = Float64Array.of(1, 2, 3, 4).subarray(1, 3)
    const back = decodeSafetensors(encodeSafetensors({ x: { shape: [2], data } }))
    expect(back.tensors['x']?.data).toEqual(Float64Array.of(2, 3))
  })

  test('pollutes no prototype', () => {
    const entry = '{"dtype":"U8","shape":[],"data_offsets":[0,1]}'
    const { tensors, metadata } = decodeSafetensors(
      file(`{"__metadata__":{"__proto__":"m"},"__proto__":${entry}}`, [7]),
    )
    expect(Object.keys(tensors)).toEqual(['__proto__'])
    expect(Object.values(tensors)[0]?.data).toEqual(Float64Array.of(7))
    expect(Object.entries(metadata)).toEqual([['__proto__', 'm']])
    expect(Object.getPrototypeOf(decodeSafetensors(file('{}')).metadata)).toBe(null)
    expect(Object.getPrototypeOf({})).toBe(Object.prototype)
    expect(Object.hasOwn(Object.prototype, 'dtype')).toBe(false)
  })
})

describe('decodeSafetensors', () => {
  const cases: readonly (readonly [string, string, number[], number[]])[] = [
    ['F32', '[2]', [0, 0, 0x80, 0x3f, 0, 0, 0x80, 0xff], [1, Number.NEGATIVE_INFINITY]],
    [
      'F16',
      '[4]',
      [0x00, 0x3c, 0x01, 0x00, 0xff, 0xfb, 0x00, 0x7c],
      [1, 2 ** -24, -65504, Number.POSITIVE_INFINITY],
    ],
    ['F16', '[3]', [0x00, 0x80, 0x01, 0x7c, 0x00, 0x04], [-0, Number.NaN, 2 ** -14]],
    ['BF16', '[3]', [0x80, 0x3f, 0x00, 0xc0, 0x80, 0x7f], [1, -2, Number.POSITIVE_INFINITY]],
    ['I8', '[3]', [0, 127, 128], [0, 127, -128]],
    ['U8', '[2]', [0, 255], [0, 255]],
    ['I16', '[2]', [0xff, 0x7f, 0x00, 0x80], [32767, -32768]],
    ['U16', '[1]', [0x01, 0x80], [32769]],
    ['I32', '[1]', [0xfe, 0xff, 0xff, 0xff], [-2]],
    ['U32', '[1]', [0xfe, 0xff, 0xff, 0xff], [4294967294]],
    ['I64', '[1]', [1, 0, 0, 0, 0, 0, 0xe0, 0xff], [-Number.MAX_SAFE_INTEGER]],
    ['U64', '[1]', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], [Number.MAX_SAFE_INTEGER]],
    ['BOOL', '[1,2]', [0, 1], [0, 1]],
    ['F64', '[0,3]', [], []],
  ]
  test.each(cases)('reads %s of shape %s', (dtype, shape, data, values) => {
    const tensor = decodeSafetensors(one(dtype, shape, data)).tensors['w']
    expect(tensor?.data).toEqual(Float64Array.from(values))
    expect(tensor?.shape).toEqual(JSON.parse(shape))
  })

  test('reads tensors in any order, unaligned, and a header with blanks around its fields', () => {
    const header = `{ "b" :{"data_offsets":[0,1],"dtype":"I8","shape":[]},
      "a":{"dtype":"F64","shape":[1],"data_offsets":[1,9]},
      "empty":{"dtype":"F64","shape":[0],"data_offsets":[1,1]} }  `
    const { tensors } = decodeSafetensors(file(header, [255, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]))
    expect({ ...tensors }).toEqual({
      a: { shape: [1], data: Float64Array.of(1) },
      b: { shape: [], data: Float64Array.of(-1) },
      empty: { shape: [0], data: new Float64Array(0) },
    })
  })

  test('reads bytes from the middle of a larger buffer', () => {
    const bytes = one('I16', '[2]', [1, 2, 3, 4])
    const shifted = new Uint8Array(bytes.length + 8).subarray(3, 3 + bytes.length)
    shifted.set(bytes)
    expect(decodeSafetensors(shifted)).toEqual(decodeSafetensors(bytes))
    expect(decodeSafetensors(shifted).tensors['w']?.data).toEqual(Float64Array.of(0x201, 0x403))
  })

  test('does not share memory with the bytes it read', () => {
    const bytes = Buffer.from(one('F64', '[1]', [0, 0, 0, 0, 0, 0, 0xf0, 0x3f]))
    const { tensors } = decodeSafetensors(bytes)
    bytes.fill(0)
    expect(tensors['w']?.data).toEqual(Float64Array.of(1))
  })

  const entry = '{"dtype":"U8","shape":[1],"data_offsets":[0,1]}'
  const pair = (a: string, b: string) =>
    `{"a":{"dtype":"U8","shape":[2],"data_offsets":${a}},"b":{"dtype":"U8","shape":[2],"data_offsets":${b}}}`
  const object = 'the header must be a JSON object'
  const offsets = 'they are two integers from 0 to 2^53 - 1, the second not smaller'
  const cover = 'each byte after the header belongs to exactly one tensor'
  const wide = 'an integer must lie within ±(2^53 - 1), the range float64 holds exactly'
  const axes = 'is not a list of integers from 0 to 2^53 - 1; each is an axis length'
  const strings = '__metadata__ maps strings to strings'
  const maximum = [0, 0, 0, 0, 0, 0, 0x20, 0]

  const refused: readonly (readonly [string, Uint8Array, string])[] = [
    [
      'an empty file',
      new Uint8Array(0),
      'has 0 bytes; a safetensors file begins with 8 bytes for the length of its header',
    ],
    [
      'a header past the limit',
      file('{}', [], 2n ** 63n),
      'bytes 0 to 7 announce a header of 9223372036854775808 bytes; a header has at most 100000000',
    ],
    [
      'a header past the end',
      file('{}', [], 3n),
      'bytes 0 to 7 announce a header of 3 bytes; only 2 follow\nhint: is the file cut off?',
    ],
    ['no header', file(''), `byte 8 is not {; ${object}`],
    ['a header that is a list', file('[]'), `byte 8 is not {; ${object}`],
    ['a header that begins with a blank', file(' {}'), `byte 8 is not {; ${object}`],
    ['a header with a byte order mark', file('\ufeff{}'), `byte 8 is not {; ${object}`],
    [
      'broken UTF-8',
      file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22)),
      'byte 10 of the header is not UTF-8; a header is JSON in UTF-8',
    ],
    ['broken JSON', file('{"a":'), `the header, bytes 8 to 12, is not JSON; ${object}`],
    ['more than one object', file('{}{}'), `the header, bytes 8 to 11, is not JSON; ${object}`],
    [
      'a repeated tensor',
      file(`{"a":${entry},"\\u0061":${entry}}`, [0]),
      'the header has the key "a" twice; a key stands once in an object',
    ],
    [
      'a repeated field',
      file('{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}', [0]),
      'the header has the key "shape" twice; a key stands once in an object',
    ],
    [
      'a tensor that is a list',
      file('{"a":[]}'),
      'tensor "a" is not an object; it needs dtype, shape and data_offsets',
    ],
    [
      'a tensor that is null',
      file('{"a":null}'),
      'tensor "a" is not an object; it needs dtype, shape and data_offsets',
    ],
    [
      'an unknown dtype',
      one('C64', '[1]', maximum),
      'tensor "w" has dtype "C64"; known are F64, F32, F16, BF16, I64, U64, I32, U32, I16, U16, I8, U8, BOOL',
    ],
    [
      'a missing dtype',
      file('{"w":{}}'),
      'tensor "w" names no dtype; known are F64, F32, F16, BF16, I64, U64, I32, U32, I16, U16, I8, U8, BOOL',
    ],
    ['a missing shape', file('{"w":{"dtype":"U8"}}'), `the shape of tensor "w" ${axes}`],
    ['a negative axis', one('U8', '[-1]', [0]), `the shape of tensor "w" ${axes}`],
    ['a fractional axis', one('U8', '[0.5]', [0]), `the shape of tensor "w" ${axes}`],
    ['an axis past 2^53', one('U8', '[9007199254740992]', [0]), `the shape of tensor "w" ${axes}`],
    [
      'a shape that overflows',
      one('U8', '[4294967296,4294967296]', [0]),
      'the shape of tensor "w" multiplies to 2^50 elements or more; no file can hold that many',
    ],
    [
      'missing offsets',
      file('{"w":{"dtype":"U8","shape":[1]}}'),
      `the data_offsets of tensor "w" are not two byte positions; ${offsets}`,
    ],
    [
      'three offsets',
      one('U8', '[1]', [0], '[0,1,1]'),
      `the data_offsets of tensor "w" are not two byte positions; ${offsets}`,
    ],
    [
      'a negative offset',
      one('U8', '[1]', [0], '[-1,0]'),
      `the data_offsets of tensor "w" are not two byte positions; ${offsets}`,
    ],
    [
      'reversed offsets',
      one('U8', '[1]', [0], '[1,0]'),
      `the data_offsets of tensor "w" run backwards, from 1 to 0; ${offsets}`,
    ],
    [
      'offsets past the end',
      one('U8', '[2]', [0], '[0,2]'),
      'tensor "w" ends at byte 63; the file has 62 bytes\nhint: is the file cut off?',
    ],
    [
      'too many bytes for a shape',
      one('F32', '[2,1]', [0, 0, 0, 0]),
      'tensor "w" has 4 bytes, from 64 to 68; F32 of shape [2, 1] takes 8',
    ],
    [
      'overlapping tensors',
      file(pair('[0,2]', '[1,3]'), [0, 0, 0]),
      `tensor "b" at byte 114 overlaps tensor "a"; ${cover}`,
    ],
    [
      'a hole between tensors',
      file(pair('[0,2]', '[3,5]'), [0, 0, 0, 0, 0]),
      `bytes 115 to 116 belong to no tensor; ${cover}`,
    ],
    [
      'bytes after the last tensor',
      file(`{"a":${entry}}`, [0, 0]),
      `bytes 62 to 63 belong to no tensor; ${cover}`,
    ],
    ['metadata that are a list', file('{"__metadata__":[]}'), `__metadata__ is not an object; ${strings}`],
    [
      'metadata with a number',
      file('{"__metadata__":{"n":1}}'),
      `the metadata "n" is not a string; ${strings}`,
    ],
    [
      'an I64 past 2^53',
      one('I64', '[1]', maximum),
      `tensor "w" has a value at byte 62 that cannot be read; ${wide}`,
    ],
    [
      'a U64 past 2^53',
      one('U64', '[1]', maximum),
      `tensor "w" has a value at byte 62 that cannot be read; ${wide}`,
    ],
    [
      'a BOOL that is 2',
      one('BOOL', '[2]', [1, 2]),
      'tensor "w" has a value at byte 64 that cannot be read; a BOOL byte must be 0 or 1',
    ],
    [
      'a very long name',
      file(`{"${'n'.repeat(1000)}":1}`),
      `tensor "${'n'.repeat(59)}…" is not an object; it needs dtype, shape and data_offsets`,
    ],
  ]
  test.each(refused)('refuses %s', (_, bytes, message) => {
    expect(messageOf(bytes, 'model')).toBe(`model: ${message}`)
  })

  test('calls the bytes safetensors when they have no name', () => {
    expect(messageOf(file('['))).toBe(`safetensors: byte 8 is not {; ${object}`)
  })

  test('refuses nesting of any depth without exhausting the stack', () => {
    const deep = 200_000
    expect(messageOf(file(`{"a":${'['.repeat(deep)}${']'.repeat(deep)}}`))).toContain(
      'tensor "a" is not an object',
    )
    expect(messageOf(file(`{"a":${'{"a":'.repeat(deep)}0${'}'.repeat(deep)}}`))).toContain(
      'tensor "a" names no dtype',
    )
  })

  const random = fc.uint8Array({ maxLength: 200 })
  const header = fc.stringMatching(
    /^\{("(a|__proto__|__metadata__|dtype)":(\{\}|\[1\]|"U8"|0|,|\}){1,3}){0,4}\}?$/,
  )
  const files = contents.map(([named, labels]) => encodeSafetensors(record(named), record(labels)))
  const edits = fc.array(fc.record({ at: fc.nat(), value: fc.nat(255) }), { minLength: 1, maxLength: 4 })
  const edited = fc.tuple(files, edits, fc.boolean()).map(([bytes, changes, early]) => {
    for (const { at, value } of changes)
      bytes[at % (early ? Math.min(16, bytes.length) : bytes.length)] = value
    return bytes
  })
  const cut = fc.tuple(files, fc.nat()).map(([bytes, length]) => bytes.slice(0, length % bytes.length))
  const longer = fc.tuple(files, random).map(([bytes, rest]) => Uint8Array.from([...bytes, ...rest]))
  const digits = fc
    .tuple(files, fc.nat(), fc.constantFrom(...'0123456789-.e[]{},":'))
    .map(([bytes, at, symbol]) => {
      const places = [...bytes.keys()].filter(
        i => i >= 8 && (bytes[i] as number) >= 0x30 && (bytes[i] as number) <= 0x39,
      )
      const place = places[at % Math.max(1, places.length)]
      if (place !== undefined) bytes[place] = symbol.charCodeAt(0)
      return bytes
    })
  const hostile = fc.oneof(
    random,
    header.map(json => file(json)),
    edited,
    cut,
    longer,
    digits,
  )

  test('throws nothing but bad-safetensors on 10,000 hostile files', () => {
    const seen = { refused: 0, read: 0 }
    fc.assert(
      fc.property(hostile, bytes => {
        if (messageOf(bytes) === 'no error') seen.read += 1
        else seen.refused += 1
      }),
      { numRuns: 10_000, seed: 20 },
    )
    expect(seen.refused + seen.read).toBe(10_000)
    expect(seen.refused).toBeGreaterThan(5_000)
    expect(seen.read).toBeGreaterThan(100)
  })
})

describe('encodeSafetensors', () => {
  const bad = (tensors: Record<string, Tensor>, metadata: Record<string, string> = {}) => {
    return () => encodeSafetensors(tensors, metadata, { dtype: 'F32' })
  }
  const x = (shape: number[], ...data: number[]) => ({ x: { shape, data: Float64Array.from(data) } })

  test('refuses what the format cannot hold, naming it', () => {
    expect(bad(x([2, 2], 1, 2))).toThrow(
      'encodeSafetensors: tensor "x" has 2 numbers; its shape [2, 2] takes 4',
    )
    expect(bad(x([0.5], 1))).toThrow(
      'encodeSafetensors: tensor "x" has shape [0.5]; an axis length is an integer from 0 to 2^53 - 1',
    )
    expect(bad({ __metadata__: { shape: [0], data: new Float64Array(0) } })).toThrow(
      'encodeSafetensors: a tensor is named "__metadata__"; that name is reserved for the metadata',
    )
    expect(bad(x([2], 0, -1e39))).toThrow(
      'encodeSafetensors: tensor "x" has -1e+39 at index 1; F32 ends at ±3.4028234663852886e38\n' +
        'hint: write it as F64',
    )
    expect(bad({}, { n: 1 as unknown as string })).toThrow(
      'encodeSafetensors: the metadata "n" is not a string; __metadata__ maps strings to strings',
    )
    expect(bad(x([2, 2]))).toThrow(expect.objectContaining({ code: 'bad-safetensors' }))
  })

  test('refuses a header past the limit', () => {
    expect(bad({}, { n: '€'.repeat(33_400_000) })).toThrow(
      'encodeSafetensors: the header has 100200032 bytes; a header has at most 100000000',
    )
  })
})
