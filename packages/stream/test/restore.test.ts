import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GraphError, mul, tanh } from '@bptt/graph'
import { artbp, cell, elman, every, linearNet, withReadout } from '@bptt/unroll'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  adam,
  bptt,
  encodeSafetensors,
  halfSquaredError,
  rtrl,
  type Sample,
  type Snapshot,
  sgd,
  snap,
  squaredError,
  type Trainer,
  type TrainerOptions,
  trainer,
  uoro,
} from '../src/index.js'
import { load, save, writeAtomic } from '../src/node/index.js'
import { checkPlain } from '../src/restore.js'
import { change, changed, places } from './hostile.js'
import { bits, collect, events, numbersOf, stopped } from './support.js'

const base: TrainerOptions = {
  model: withReadout(elman({ inputs: 2, hidden: 2 }), { outputs: 1 }),
  loss: squaredError,
  estimator: every(4),
  optimizer: adam(0.01),
  seed: 7,
  engine: 'reference',
}

/** The state of a trainer in the middle of a stream. */
function stateOf(options: TrainerOptions, count = 10): Snapshot {
  const online = trainer(options)
  collect(stopped(events(count)), online.train())
  return online.snapshot()
}

describe('a snapshot says what it was made with', () => {
  const own = stateOf(base)

  test.each<[string, Partial<TrainerOptions>, string, string]>([
    ['optimizer', { optimizer: adam(0.02) }, 'adam(0.01)', 'adam(0.02)'],
    ['estimator', { estimator: every(5) }, 'every(4)', 'every(5)'],
    ['estimator', { estimator: artbp({ mean: 4, tail: 4, seed: 1 }) }, 'every(4)', 'artbp('],
  ])('and another %s is refused by its name, unless that is meant', (part, other, there, here) => {
    const options = { ...base, ...other, from: own }
    const sentence = `trainer: the ${part} of the snapshot is ${there}, and here it is ${here}`
    expect(() => trainer(options)).toThrow(expect.objectContaining({ code: 'bad-snapshot' }))
    expect(() => trainer(options)).toThrow(sentence)
    expect(() => trainer(options)).toThrow(`hint: where that is meant: changed: ['${part}']`)
    const changed = [part] as NonNullable<TrainerOptions['changed']>
    expect(bits(trainer({ ...options, changed }).snapshot().params)).toEqual(bits(own.params))
    expect(() => trainer({ ...options, changed: ['loss', 'model'] })).toThrow(sentence)
  })

  test('and another loss or model of the same shapes is refused', () => {
    expect(() => trainer({ ...base, loss: halfSquaredError, from: own })).toThrow(
      /the loss of the snapshot is #[0-9a-f]{16}, and here it is #[0-9a-f]{16}; /,
    )
    const scale = (odd: boolean) =>
      cell({
        name: 'scale',
        params: () => ({ a: [2] }),
        carry: () => ({}),
        step: ({ a }, carry, x) => [carry, odd ? tanh(mul(a, x)) : mul(a, x)],
      })({ inputs: 2, hidden: 2 })
    const [even, odd] = [scale(false), scale(true)].map(model => ({ ...base, model, optimizer: sgd(0.1) }))
    const from = trainer(even!).snapshot()
    expect(() => trainer({ ...even!, from })).not.toThrow()
    expect(() => trainer({ ...odd!, from })).toThrow(
      /^trainer: the model of the snapshot is scale #[0-9a-f]{16}, and here it is scale #[0-9a-f]{16}; /,
    )
  })

  test('and another number of lanes is refused', () => {
    const options = { ...base, model: linearNet({ inputs: 2, hidden: 2, outputs: 1 }) }
    expect(() => trainer({ ...options, lanes: 2, from: trainer(options).snapshot() })).toThrow(
      "trainer: carry 'h' is [1, 2] in the snapshot and [2, 2] here",
    )
    const lanes = [...own.open.lanes, ...own.open.lanes]
    expect(() => trainer({ ...base, from: { ...own, open: { ...own.open, lanes } } })).toThrow(
      'trainer: the snapshot has 2 lanes, and here there are 1',
    )
  })

  test('and one that says nothing is taken by its shapes', () => {
    const { schema, ...rest } = own
    expect(schema).toMatchObject({ optimizer: 'adam(0.01)', estimator: 'every(4)', lanes: 1 })
    expect(() => trainer({ ...base, estimator: every(9), from: rest })).not.toThrow()
  })

  test('and numbers that are not finite, and open events that do not fit, are refused', () => {
    const carry = { h: { shape: [1, 2], data: Float64Array.of(1, Number.NaN) } }
    expect(() => trainer({ ...base, from: { ...own, carry } })).toThrow(
      "trainer: carry 'h' holds NaN in the snapshot; a state is finite numbers",
    )
    const lane = own.open.lanes[0]!
    const samples = [{ input: [1], target: [0] }, ...lane.samples.slice(1)]
    expect(() =>
      trainer({ ...base, from: { ...own, open: { ...own.open, lanes: [{ ...lane, samples }] } } }),
    ).toThrow("event 9 of the snapshot: its input is a list of 1; the model's are [2]")
  })
})

describe('an estimator with memory', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bptt-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const kinds: Readonly<Record<string, TrainerOptions['estimator']>> = {
    'bptt(5; 2)': bptt({ h: 5, every: 2 }),
    rtrl: rtrl(),
    'snap every 2': snap({ every: 2 }),
    'uoro every 3': uoro({ seed: 3, every: 3 }),
  }

  test.each(Object.keys(kinds))(
    '%s: its memory goes through a file, and on, with the same bits',
    async kind => {
      for (const [lanes, at, engine] of [
        [1, 7, 'compiled'],
        [2, 4, 'reference'],
      ] as const) {
        const path = join(folder, `${lanes}.safetensors`)
        const options = { ...base, estimator: kinds[kind]!, engine }
        const make = (from?: Snapshot): Trainer =>
          trainer({
            ...options,
            ...(lanes > 1 && { lanes }),
            ...(from && { from }),
          } as never) as unknown as Trainer
        const rows = events(12, { period: 5 }).map(one =>
          lanes > 1 ? [one, one] : one,
        ) as unknown as Sample[]
        const [whole, first] = [make(), make()]
        collect(rows, whole.train())
        collect(stopped(rows.slice(0, at)), first.train())
        const before = first.snapshot()
        await save(path, before)
        const loaded = await load(path)
        expect(bits(loaded.memory)).toEqual(bits(before.memory))
        expect(Object.keys(bits(before.memory)).length).toBeGreaterThan(0)
        const second = make(loaded)
        collect(rows.slice(at), second.train())
        const [a, b] = [whole.snapshot(), second.snapshot()]
        for (const part of ['params', 'slots', 'carry', 'memory'] as const)
          expect(bits(b[part])).toEqual(bits(a[part]))
        expect([b.counters, b.open, b.schema]).toEqual([a.counters, a.open, a.schema])
      }
    },
  )

  test.each(Object.keys(kinds))(
    '%s: one by one, in chunks or replayed is the same trace (identity 49)',
    kind => {
      const options = { ...base, estimator: kinds[kind]! }
      const samples = events(14, { period: 5 })
      const trace = (chunks: readonly (readonly Sample[])[]): unknown => {
        const online = trainer(options)
        const seen = chunks.map(chunk => {
          collect(stopped(chunk), online.train())
          return bits(online.snapshot().params)
        })
        return [seen.at(-1), bits(online.snapshot().memory)]
      }
      const whole = trace([samples])
      expect(trace(samples.map(sample => [sample]))).toEqual(whole)
      expect(trace([samples.slice(0, 3), [], samples.slice(3, 10), samples.slice(10)])).toEqual(whole)
      expect(trace([samples])).toEqual(whole)
    },
  )
})

describe('hostile snapshots', () => {
  const model = linearNet({ inputs: 2, hidden: 1, outputs: 1 })
  const options: TrainerOptions = { ...base, model, estimator: every(4), optimizer: sgd(0.01) }
  const honest = stateOf(options)
  const { counters, open, schema } = honest
  const text = JSON.stringify({ counters, open, schema })

  const at = places(JSON.parse(text))

  test('lead to a coded error in few words, or to a trainer that goes on', () => {
    let refused = 0
    fc.assert(
      fc.property(fc.array(change(at), { minLength: 1, maxLength: 3 }), changes => {
        const hostile = changes.reduce<unknown>(changed, JSON.parse(text))
        try {
          checkPlain(hostile, 'a.safetensors')
          const online = trainer({ ...options, from: { ...honest, ...hostile } })
          const { error } = collect(events(9), online.train())
          if (error !== undefined) throw error
          for (const values of numbersOf(online.snapshot().params).values())
            expect(values.every(Number.isFinite)).toBe(true)
        } catch (error) {
          if (!(error instanceof GraphError)) throw error
          refused++
          expect(['bad-snapshot', 'bad-sample', 'not-finite']).toContain(error.code)
          expect(error.message.length).toBeLessThan(400)
        }
      }),
      { numRuns: 1000 },
    )
    expect(refused).toBeGreaterThan(100)
  })

  test.each<[string, string, unknown, string]>([
    ['a count that is none', 'counters.events', -1, 'counters.events is -1; it is a whole number ≥ 0'],
    ['a count in words', 'open.t', '9', 'open.t is "9"; it is a whole number ≥ 0'],
    ['no lanes', 'open.lanes', [], 'open.lanes is a list of 0; there is one lane or more'],
    [
      'a sum that is none',
      'counters.prequential.sum',
      null,
      'counters.prequential.sum is null; it is a finite number',
    ],
    [
      'an event without an input',
      'open.lanes.0.samples.0.input',
      undefined,
      'open.lanes[0].samples[0].input is undefined; it is a list',
    ],
    [
      'a weight too few',
      'open.lanes.0.credit',
      [1],
      'open.lanes[0].credit is a list of 1; it has a weight for each of the 2 samples',
    ],
    [
      'a lane that is elsewhere',
      'open.lanes.0.first',
      3,
      'open.lanes[0].first is 3; with 2 samples behind it the lane does not stand at t = 10',
    ],
    ['more ended than held', 'open.lanes.0.ended', 3, 'open.lanes[0].ended is 3; the lane holds 2 samples'],
    ['a schema that is none', 'schema.lanes', 0, 'schema.lanes is 0; it is a whole number ≥ 1'],
  ])('name the file and the place: %s', async (_, place, to, sentence) => {
    const path = join(tmpdir(), `bptt-hostile-${process.pid}.safetensors`)
    const hostile = changed(JSON.parse(text), { path: place.split('.'), to })
    const tensors = { 'params.U': { shape: [1], data: Float64Array.of(1) } }
    await writeAtomic(path, encodeSafetensors(tensors, { 'bptt.snapshot': JSON.stringify(hostile) }))
    await expect(load(path)).rejects.toMatchObject({
      code: 'bad-snapshot',
      message: `${path}: snapshot.${sentence}`,
    })
    await rm(path)
  })
})
