import fc from 'fast-check'
import { from, lastValueFrom, of, toArray } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { type Mapping, ndjson, toEvents } from '../../src/sources/index.js'
import { all, cut, outcome, places, utf8 } from './support.js'

const mapping: Mapping = {
  input: ['x', { column: 'list', width: 2 }],
  target: { column: 'c', categories: ['a', 'b'], as: 'id' },
}
const read = (text: string) => outcome(ndjson(text, mapping, { name: 'a.jsonl' }))

describe('ndjson', () => {
  test('maps fields to events, leaves out empty lines, and needs no last line end', async () => {
    const { values } = await read(
      '{"x":1,"list":[2,3],"c":"b"}\r\n \n{"c":"a","x":"4","list":[5,6],"z":null}',
    )
    expect(values).toEqual([
      { input: [1, 2, 3], target: 1 },
      { input: [4, 5, 6], target: 0 },
    ])
  })

  test.each([
    [
      '\n{"x":1,}',
      'bad-line',
      'a.jsonl, line 2, column 8: is no JSON: "{\\"x\\":1,}"; a line is one JSON object',
    ],
    ['[1]', 'bad-line', 'a.jsonl, line 1: is [1]; a record is a JSON object'],
    ['null', 'bad-line', 'a.jsonl, line 1: is null; a record is a JSON object'],
    [
      '{"x":1}',
      'missing-column',
      "a.jsonl, line 1, column 'list': is not there; every record has every column",
    ],
    [
      '{"x":null,"list":[1,2],"c":"a"}',
      'bad-number',
      "a.jsonl, line 1, column 'x': is null; events are finite",
    ],
    [
      '{"x":true,"list":[1,2],"c":"a"}',
      'bad-number',
      "a.jsonl, line 1, column 'x': is true; events are finite",
    ],
    [
      '{"x":1e999,"list":[1,2],"c":"a"}',
      'bad-number',
      "a.jsonl, line 1, column 'x': is null; events are finite",
    ],
    [
      '{"x":1,"list":[1],"c":"a"}',
      'bad-width',
      "a.jsonl, line 1, column 'list': is a list of 1; it is a list of 2",
    ],
    [
      '{"x":1,"list":9,"c":"a"}',
      'bad-width',
      "a.jsonl, line 1, column 'list': is 9; it is a list of 2 numbers",
    ],
    [
      '{"x":1,"list":[1,[]],"c":"a"}',
      'bad-number',
      "a.jsonl, line 1, column 'list': is []; events are finite",
    ],
    [
      '{"x":1,"list":[1,2],"c":"toString"}',
      'unknown-category',
      `"toString" is no category; there are 2: "a", "b"`,
    ],
  ])('refuses %j', async (text, code, message) => {
    const found = await read(text)
    expect(found.code).toBe(code)
    expect(found.message).toContain(message)
  })

  test('takes no column from the prototype of an object', async () => {
    const { code } = await outcome(ndjson('{}', { input: 'constructor', target: 'x' }))
    expect(code).toBe('missing-column')
  })

  test('10,000 hostile lines end in events or in a coded error, the same wherever the bytes are cut', async () => {
    const part = fc.constantFrom(
      '{',
      '}',
      '"x"',
      ':',
      ',',
      '1',
      '[1,2]',
      '"list"',
      '"c"',
      '"a"',
      '\n',
      '\\',
      'NaN',
      '-',
      '\0',
      'é',
    )
    const good = '{"x":1,"list":[2,3],"c":"b"}\n'
    const hostile = fc.oneof(
      fc.array(part, { maxLength: 20 }).map(parts => utf8(good + parts.join(''))),
      fc.tuple(fc.nat(), fc.nat(255)).map(([at, value]) => {
        const bytes = utf8(good + good)
        bytes[at % bytes.length] = value
        return bytes
      }),
    )
    await fc.assert(
      fc.asyncProperty(hostile, places, async (bytes, at) => {
        const whole = await outcome(ndjson(bytes, mapping))
        expect(await outcome(ndjson(cut(bytes, at), mapping))).toEqual(whole)
        for (const { input } of whole.values) expect([input].flat().every(x => Number.isFinite(x))).toBe(true)
      }),
      { numRuns: 10_000 },
    )
  })

  test('reads no chunk before the events of the one before are taken', async () => {
    let pulled = 0
    async function* chunks() {
      for (;;) {
        pulled++
        yield await Promise.resolve('{"x":1,"y":2}\n'.repeat(3))
      }
    }
    let taken = 0
    for await (const _ of ndjson(chunks(), { input: 'x', target: 'y' })) {
      taken++
      expect(pulled).toBe(Math.ceil(taken / 3))
      if (taken === 30) break
    }
  })
})

describe('toEvents', () => {
  test('maps objects, and counts them in messages', async () => {
    const map = toEvents({ input: ['x'], target: 'y' }, { name: 'prices' })
    expect(await lastValueFrom(of({ x: 1, y: 2 }).pipe(map, toArray()))).toEqual([{ input: [1], target: 2 }])
    await expect(lastValueFrom(from([{ x: 1, y: 2 }, { x: 1 }]).pipe(map))).rejects.toThrow(
      "prices, record 2, column 'y': is not there",
    )
    await expect(lastValueFrom(of(3).pipe(map))).rejects.toThrow(
      'prices, record 1: is 3; a record is a JSON object',
    )
  })

  test('gives the events of the same lines', async () => {
    const objects = [
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ]
    const text = objects.map(object => JSON.stringify(object)).join('\n')
    const wanted = await all(ndjson(text, { input: 'x', target: 'y' }))
    expect(await lastValueFrom(from(objects).pipe(toEvents({ input: 'x', target: 'y' }), toArray()))).toEqual(
      wanted,
    )
  })
})
