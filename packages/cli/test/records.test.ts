import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { evaluate, graph } from '@bptt/graph'
import type { Sample } from '@bptt/stream'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { losses, type SourceOptions } from '../src/commands/source.js'
import type { Subject } from '../src/material.js'
import type { NumberModel } from '../src/model.js'
import { columnsOf, quantities, widthOf } from '../src/records/columns.js'
import { lossOf, unitOf } from '../src/records/loss.js'
import { noScale } from '../src/records/scale.js'
import { numberYardsticks } from '../src/records/yardsticks.js'
import { subjectOf } from '../src/subject.js'

const csv = `t,state,load,new,how
0,on,1,1,1
10,off,2,0,1
20,on,3,0,2
30,on,5,1,1
40,off,8,0,1
`
const json = csv
  .trimEnd()
  .split('\n')
  .slice(1)
  .map(line => line.split(','))
  .map(([t, state, load, fresh, how]) =>
    JSON.stringify({
      t: Number(t),
      state,
      load: Number(load),
      new: fresh === '1',
      how: Number(how),
      v: [1, Number(t)],
    }),
  )
  .join('\n')

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bptt-records-'))
  const files = {
    'a.csv': csv,
    'a.TSV': csv.replaceAll(',', '\t'),
    'a.ndjson': json,
    'a.data': json,
    'header.csv': 't,load\n',
    'bare.csv': '1;2\n3;4\n',
    'bad.csv': `${csv}50,on,?,0,1\n`,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
})
afterAll(() => rm(folder, { recursive: true }))

const subject = (name: string, options: SourceOptions): Promise<Subject> =>
  subjectOf({ data: join(folder, name), cell: 'gru', hidden: 3, scale: 0, ...options })

async function read({ samples }: Subject, steps?: number, from = 0): Promise<Sample[]> {
  const found: Sample[] = []
  const { signal } = new AbortController()
  for await (const sample of samples({ limits: steps === undefined ? {} : { steps }, from, signal }))
    found.push(sample)
  return found
}

describe('records', () => {
  const columns = { input: 't,state:on|off', target: 'load' }

  test.each(['a.csv', 'a.TSV', 'a.ndjson'])('of %s are the same events', async name => {
    const made = await subject(name, columns)
    expect(await read(made)).toEqual([
      { input: [0, 1, 0], target: [1] },
      { input: [10, 0, 1], target: [2] },
      { input: [20, 1, 0], target: [3] },
      { input: [30, 1, 0], target: [5] },
      { input: [40, 0, 1], target: [8] },
    ])
    expect([made.length, made.size]).toEqual([5, '5 records; t, state → load'])
    expect(made.described).toMatchObject({ model: { inputs: 3, outputs: 1 } })
  })

  test('are read again with a reset until the limit, and from any place on', async () => {
    const made = await subject('a.csv', columns)
    const twice = await read(made, 12)
    expect(twice.map(({ reset }) => reset === true)).toEqual(
      Array.from({ length: 12 }, (_, t) => t === 5 || t === 10),
    )
    for (const from of [3, 5, 7]) expect(await read(made, 12, from)).toEqual(twice.slice(from))
  })

  test('of lists, with a format by name', async () => {
    const made = await subject('a.data', { input: 'v:2', target: 'load', format: 'ndjson' })
    expect((await read(made, 2)).map(({ input }) => input)).toEqual([
      [1, 0],
      [1, 10],
    ])
  })

  test('with --ahead have the target of later, within their sequence, and the weight of its record', async () => {
    const made = await subject('a.csv', { ...columns, ahead: 1, reset: 'new', weight: 'how' })
    expect(await read(made)).toEqual([
      { input: [0, 1, 0], target: [2], weight: 1, reset: true },
      { input: [10, 0, 1], target: [3], weight: 2 },
      { input: [30, 1, 0], target: [8], weight: 1, reset: true },
    ])
    expect(made.size).toBe('3 records; t, state → load, 1 record ahead')
  })

  test('lie at mean 0 and deviation 1 where a scale is asked for, words excepted; its first events say where', async () => {
    const all = await read(await subject('a.csv', { ...columns, scale: 1000 }))
    const ts = all.map(({ input }) => (input as number[])[0]!)
    expect(ts.map(t => Math.round(t * Math.SQRT2 * 1e9) / 1e9)).toEqual([-2, -1, 0, 1, 2])
    expect(all.map(({ input }) => (input as number[]).slice(1))).toEqual([
      [1, 0],
      [0, 1],
      [1, 0],
      [1, 0],
      [0, 1],
    ])
    const first = await subject('a.csv', { ...columns, scale: 2 })
    expect((first.described as NumberModel).numbers.target).toEqual({ mean: [1.5], deviation: [0.5] })
    expect((await read(first)).map(({ target }) => target)).toEqual([[-1], [1], [3], [7], [13]])
    expect(first.unit.of(4)).toBe(1)
  })

  test('with --skip are left out where they do not fit, and counted', async () => {
    const made = await subject('bad.csv', { ...columns, skip: true })
    expect([made.length, (await read(made)).length]).toEqual([5, 5])
    expect(made.leftOut?.()).toMatch(
      /^1 record left out, the first: .+bad\.csv, line 7, column 'load': is "\?"/,
    )
    expect((await subject('a.csv', { ...columns, skip: true })).leftOut?.()).toBeUndefined()
  })

  test('with another separator and without a header', async () => {
    const made = await subject('bare.csv', { input: 'b', target: 'a', separator: ';', columns: 'a, b' })
    expect(await read(made)).toEqual([
      { input: [2], target: [1] },
      { input: [4], target: [3] },
    ])
  })

  test.each([
    ['a.csv', { input: 't' }, '--data needs --target, the columns that are predicted, with commas between'],
    ['a.csv', { target: 't' }, '--data needs --input, the columns that are read, with commas between'],
    [
      'a.csv',
      { input: 't,', target: 't' },
      "--input names columns with commas between, as in a,b,c, but is 't,'",
    ],
    ['a.csv', { input: 't,t', target: 't' }, "--input has the column 't' twice; each is read once"],
    [
      'a.csv',
      { input: 't', target: 'state:on|off' },
      "--target takes numbers, but 'state:on|off' has a column of words; words may be read, with --input",
    ],
    [
      'a.csv',
      { input: 'x', target: 't' },
      "a.csv, line 1: has no column 'x'; the columns are 't', 'state', 'load', 'new', 'how'",
    ],
    [
      'bad.csv',
      { input: 't', target: 'load' },
      `bad.csv, line 7, column 'load': is "?"; events are finite decimal numbers`,
    ],
    [
      'header.csv',
      { input: 't', target: 'load' },
      'header.csv has nothing to learn from; there must be at least one record',
    ],
    [
      'a.csv',
      { input: 't', target: 'load', ahead: 5 },
      'a.csv has nothing to learn from; there must be more than 5 records, as --ahead says',
    ],
    [
      'a.data',
      { input: 't', target: 'load' },
      'a.data is not known; --format says how records are written: csv, tsv, ndjson (.csv, .tsv, .ndjson and .jsonl need none)',
    ],
    ['none.csv', { input: 't', target: 'load' }, 'none.csv: cannot be read: there is no such file or folder'],
    [
      'a.csv',
      { input: 't', target: 'load', text: 'a.txt' },
      '--text and --data are both given; a run learns one of them',
    ],
  ])('of %s with %j are refused: %s', async (name, options, sentence) => {
    await expect(subject(name, options)).rejects.toThrow(sentence)
  })

  test('options of theirs are refused for a text', async () => {
    const text = { text: 'a.txt', cell: 'gru', hidden: 3, ahead: 2 } as const
    await expect(subjectOf(text)).rejects.toThrow('--ahead belongs to --data, but --text is given')
    await expect(subjectOf({ cell: 'gru', hidden: 3 })).rejects.toThrow('give --text FILE or --data FILE')
  })
})

test.each([
  ['a,b', ['a', 'b'], [1, 1], [true, true]],
  ['a b:c', ['a b:c'], [1], [true]],
  ['a:x|y|z', [{ column: 'a', categories: ['x', 'y', 'z'] }], [3], [false, false, false]],
  ['a: b:2', [{ column: 'a: b', width: 2 }], [2], [true, true]],
] as const)('columns written %s', (text, columns, widths, scaled) => {
  const made = columnsOf('--input', text)
  expect([made, made.map(widthOf), quantities(made)]).toEqual([columns, widths, scaled])
})

describe('a loss by its name', () => {
  const number = fc.double({ min: -4, max: 4, noNaN: true })

  test.each(losses)('%s is in numbers what it is in the graph', name => {
    const { loss, of } = lossOf(name)
    const program = graph({ y: [2], target: [2] }, ({ y, target }) => ({ loss: loss(y, target) }))
    fc.assert(
      fc.property(fc.array(number, { minLength: 4, maxLength: 4 }), ([a, b, c, d]) => {
        const { loss: value } = evaluate(program, { y: [a!, b!], target: [c!, d!] })
        expect(value.data[0]).toBeCloseTo(of(a! - c!) + of(b! - d!), 12)
      }),
      { numRuns: 50 },
    )
  })

  test('is told in the unit of the data for one number, in deviations for several', () => {
    const [one, two] = [
      { mean: [5], deviation: [3] },
      { mean: [5, 6], deviation: [3, 9] },
    ]
    expect([unitOf('squared', one).name, unitOf('squared', one).of(4)]).toEqual(['RMSE', 6])
    expect([unitOf('absolute', one).name, unitOf('absolute', one).of(4)]).toEqual(['MAE', 12])
    expect([unitOf('huber', one).name, unitOf('huber', one).of(4)]).toEqual([
      'Huber loss in standard deviations',
      4,
    ])
    expect([unitOf('squared', two).name, unitOf('squared', two).of(8)]).toEqual([
      'RMSE in standard deviations',
      2,
    ])
    expect(unitOf('squared', noScale(2)).name).toBe('RMSE')
  })
})

describe('the predictors of numbers', () => {
  const event = fc.record({
    y: fc.double({ min: -9, max: 9, noNaN: true }),
    weight: fc.integer({ min: 0, max: 3 }),
    reset: fc.boolean(),
  })
  const unit = unitOf('absolute', noScale(1))

  test('lose what one would who computes it from all events at once, also where they go on from their state', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 12 }), fc.nat(12), (events, cut) => {
        let rivals = numberYardsticks(1, unit, Math.abs)
        for (const [i, { y, weight, reset }] of events.entries()) {
          if (i === cut)
            rivals = numberYardsticks(1, unit, Math.abs, JSON.parse(JSON.stringify(rivals.state)))
          rivals.see({ input: [0], target: [y], weight, reset })
        }
        const seen = events.filter(({ weight }) => weight > 0)
        const total = seen.reduce((sum, { weight }) => sum + weight, 0)
        const meanBefore = (i: number): number => {
          const before = seen.slice(0, i)
          const sum = before.reduce((all, { weight }) => all + weight, 0)
          return sum === 0 ? 0 : before.reduce((all, { weight, y }) => all + weight * y, 0) / sum
        }
        const lost = (guess: (i: number) => number): number =>
          seen.reduce((sum, { y, weight }, i) => sum + weight * Math.abs(y - guess(i)), 0) / total
        const last = (i: number): number => (i === 0 || seen[i]!.reset ? meanBefore(i) : seen[i - 1]!.y)
        if (total === 0) return
        const [mean, before] = rivals.baselines
        expect(mean!.value).toBeCloseTo(lost(meanBefore), 9)
        expect(before!.value).toBeCloseTo(lost(last), 9)
      }),
      { numRuns: 100 },
    )
  })

  test.each([
    null,
    7,
    {},
    { mean: [1, 2] },
    { mean: ['1'], weight: 1, lost: [0, 0] },
    { mean: [1], weight: 1, lost: 'x' },
  ])('begin anew where what is remembered is %j', state => {
    const rivals = numberYardsticks(1, unit, Math.abs, state)
    rivals.see({ input: [0], target: [2] })
    expect(rivals.baselines.map(({ value }) => value)).toEqual([2, 2])
  })
})
