import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CsvReader } from '../../src/sources/csv-records.js'
import { csv, type Mapping } from '../../src/sources/index.js'
import { all, cut, outcome, places, utf8 } from './support.js'

const mapping: Mapping = { input: ['x', { column: 'state', categories: ['on', 'off'] }], target: ['y'] }
const read = (text: string, options = {}) => outcome(csv(text, mapping, { name: 'a.csv', ...options }))
const records = (pieces: readonly string[], separator = ',') => {
  const reader = new CsvReader('a.csv', separator)
  return [...pieces.flatMap(piece => [...reader.push(piece)]), ...reader.end()]
}

describe('csv', () => {
  test('maps named columns to vectors, categories to one-hot parts', async () => {
    const { values } = await read('y,state,x\n1.5,on,2\r\n-3e2,off,.5\n')
    expect(values).toEqual([
      { input: [2, 1, 0], target: [1.5] },
      { input: [0.5, 0, 1], target: [-300] },
    ])
  })

  test('maps single columns to numbers, and reads resets, weights and keys', async () => {
    const text = 'w;first;who;s\n0.5;1;ann;b\n2;false;"bo;b";a\n'
    const id = { column: 's', categories: ['a', 'b'], as: 'id' } as const
    const events = await all(
      csv(text, { input: 'w', target: id, reset: 'first', weight: 'w', key: 'who' }, { separator: ';' }),
    )
    expect(events).toEqual([
      { input: 0.5, target: 1, reset: true, weight: 0.5, key: 'ann' },
      { input: 2, target: 0, reset: false, weight: 2, key: 'bo;b' },
    ])
  })

  test('takes names for a file without header', async () => {
    const { values } = await read('1,on,2\n', { columns: ['x', 'state', 'y'] })
    expect(values).toEqual([{ input: [1, 1, 0], target: [2] }])
  })

  test.each([
    [
      'x,state,y\n1,on,2\n1,on\n',
      'bad-width',
      'a.csv, line 3: has 2 fields; the header has 3, and so has every record',
    ],
    [
      'x,state,y\n\n"1",on,NaN\n',
      'bad-number',
      `a.csv, line 3, column 'y': is "NaN"; events are finite decimal numbers\nhint: leave such records out with skip, or list the categories of the column`,
    ],
    ['x,state,y\n,on,2', 'bad-number', `a.csv, line 2, column 'x': is ""; events are finite decimal numbers`],
    ['x,state,y\n0x10,on,2', 'bad-number', `a.csv, line 2, column 'x': is "0x10"; events`],
    ['x,state,y\n1e999,on,2', 'bad-number', `a.csv, line 2, column 'x': is "1e999"; events`],
    [
      'x,state,y\n1,"o\nn",2',
      'unknown-category',
      `a.csv, line 2, column 'state': "o\\nn" is no category; there are 2: "on", "off"\nhint: list every category the source has`,
    ],
    [
      'x,y\n1,2',
      'bad-header',
      `a.csv, line 1: has no column 'state'; the columns are 'x', 'y'\nhint: where the first record is no header, give columns`,
    ],
    ['x,x\n1,2', 'bad-header', `a.csv, line 1: names 'x' twice; a column has a name of its own`],
    [
      'x,state,y\n1,on,2\n1,o"n,2',
      'bad-line',
      'a.csv, line 3, field 2: has a quote inside a field that is not quoted; a field with',
    ],
    [
      'x,state,y\n1,"on"s,2',
      'bad-line',
      'a.csv, line 2, field 2: goes on after a closing quote; a field with',
    ],
    ['x,state,y\n1,on\r,2', 'bad-line', 'a.csv, line 2, field 2: has a CR without LF; a field with'],
    [
      'x,state,y\n1,on,"2\n\n',
      'bad-line',
      'a.csv, line 2: opens a quote that is never closed; a quoted field ends with a quote',
    ],
  ])('refuses %j', async (text, code, message) => {
    const found = await read(text)
    expect(found.code).toBe(code)
    expect(found.message).toContain(message)
  })

  test('gives what came before the bad record, and leaves bad records out where told to', async () => {
    const text = 'x,state,y\n1,on,1\n2,of,2\n3,on,3\n'
    expect((await read(text)).values).toHaveLength(1)
    const skipped: string[] = []
    const { values } = await read(text, { skip: (error: Error) => skipped.push(error.message) })
    expect(values.map(({ target }) => target)).toEqual([[1], [3]])
    expect(skipped.map(message => message.split(':')[0])).toEqual(["a.csv, line 3, column 'state'"])
  })

  test('refuses mappings that cannot hold', async () => {
    const bad = (given: Partial<Mapping>) => outcome(csv('x\n1', { input: 'x', target: 'x', ...given }))
    expect((await bad({ input: [] })).message).toBe('input: names no column; a vector has one at least')
    expect((await bad({ input: { column: 'x', width: 0 } })).code).toBe('bad-mapping')
    expect((await bad({ target: { column: 'x', categories: ['a', 'a'] } })).code).toBe('bad-mapping')
    expect((await outcome(csv('', mapping, { separator: '"' }))).code).toBe('bad-mapping')
  })

  test('refuses a record without end before it fills the memory', async () => {
    let pulled = 0
    async function* endless() {
      for (;;) {
        pulled++
        yield await Promise.resolve(`"${'a'.repeat(1 << 20)}`.slice(pulled > 1 ? 1 : 0))
      }
    }
    const { code, message } = await outcome(csv(endless(), mapping))
    expect(code).toBe('bad-line')
    expect(message).toContain(
      'csv, line 1: has more than 16777216 characters; that is the longest record\nhint: is a quote',
    )
    expect(pulled).toBeLessThan(20)
  })
})

describe('RFC 4180', () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', '😀'), maxLength: 6 })
  const table = fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { maxLength: 6 })

  /** As the standard says: quoted where needed, and here sometimes where not. */
  const written = (rows: readonly (readonly string[])[], end: string, always: boolean): string =>
    rows
      .map(row =>
        row
          .map(text =>
            always || /[",\r\n]/.test(text) || (row.length === 1 && text === '')
              ? `"${text.replaceAll('"', '""')}"`
              : text,
          )
          .join(','),
      )
      .join(end)

  test('any table that is written is read back, wherever the text is cut', () => {
    fc.assert(
      fc.property(table, fc.constantFrom('\n', '\r\n'), fc.boolean(), places, (rows, end, always, at) => {
        const text = written(rows, end, always)
        const ends = at.map(place => place % (text.length + 1)).sort((a, b) => a - b)
        const pieces = [...ends, text.length].map((to, i) => text.slice(ends[i - 1] ?? 0, to))
        const found = records(pieces)
        expect(found.map(({ fields }) => fields)).toEqual(rows)
        const lineOf = (i: number) =>
          written(rows.slice(0, i), end, always).split('\n').length + (i > 0 ? 1 : 0)
        expect(found.map(({ line }) => line)).toEqual(rows.map((_, i) => lineOf(i)))
      }),
      { numRuns: 1000 },
    )
  })

  test('10,000 hostile texts end in events or in a coded error, the same wherever the bytes are cut', async () => {
    const unit = fc.constantFrom(
      '1',
      'on',
      'off',
      '"',
      ',',
      '\n',
      '\r',
      '\r\n',
      '""',
      '2.5',
      'NaN',
      '\0',
      '😀',
      ' ',
    )
    const hostile = fc.array(unit, { maxLength: 24 }).map(parts => `x,state,y\n1,on,2\n${parts.join('')}`)
    const bytes = fc
      .tuple(hostile, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 1 }))
      .map(([text, flips]) => {
        const all = utf8(text)
        for (const [at, value] of flips) all[at % all.length] = value
        return all
      })
    await fc.assert(
      fc.asyncProperty(bytes, places, async (given, at) => {
        const whole = await outcome(csv(given, mapping))
        expect(await outcome(csv(cut(given, at), mapping))).toEqual(whole)
        for (const { input, target } of whole.values)
          expect([input, target].flat().every(value => Number.isFinite(value))).toBe(true)
      }),
      { numRuns: 10_000 },
    )
  })
})
