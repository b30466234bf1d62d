import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { squaredError } from '@bptt/graph'
import { artbp, elman, every, type Schedule, withReadout } from '@bptt/unroll'
import fc from 'fast-check'
import { from, type Observable } from 'rxjs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  adam,
  adaptive,
  bptt,
  type KeyedOptions,
  type KeyedReport,
  type KeyedSample,
  type KeyedSnapshot,
  type KeyedTrainer,
  keyed,
  type Sample,
  type StreamStore,
  sgd,
  type TrainerOptions,
  type TrainState,
  trainer,
  uoro,
} from '../src/index.js'
import { coinStream } from '../src/keyed/coins.js'
import { checkpoint, fileStore, loadKeyed, saveKeyed } from '../src/node/index.js'
import { Cutter } from '../src/window.js'
import { bits, collect, events, noise, speller, stopped } from './support.js'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bptt-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const options: Omit<TrainerOptions, 'from' | 'notFinite'> = {
  model: withReadout(elman({ inputs: 2, hidden: 2 }), { outputs: 1 }),
  loss: squaredError,
  estimator: every(3),
  optimizer: adam(0.01),
  engine: 'reference',
  seed: 7,
}

const KEYS = ['a', 'b.c', '__proto__', 'ä😀', ''] as const

/** Streams of some keys, mixed. */
const mixed = (length: number, seed: number, period = 6): KeyedSample[] => {
  const draws = noise(seed, length)
  return events(length, { seed, period }).map((sample, i) => ({
    ...sample,
    key: KEYS[Math.floor(((draws[i]! + 1) / 2) * KEYS.length)]!,
  }))
}

/** Takes events without ending the stream, or to its end. */
function feed(fleet: KeyedTrainer, samples: readonly KeyedSample[], end = true) {
  const given = (end ? samples : stopped(samples)) as unknown as Observable<KeyedSample>
  const reports: KeyedReport[] = []
  let error: unknown
  from(given)
    .pipe(fleet.train())
    .subscribe({
      next: report => reports.push(report),
      error: thrown => {
        error = thrown
      },
    })
  return { reports, error }
}

/** Everything a snapshot holds, with tensors as bits. */
const content = ({ shared, streams, ...rest }: KeyedSnapshot): unknown => ({
  ...rest,
  shared: shared && { params: bits(shared.params), slots: bits(shared.slots), counters: shared.counters },
  streams: streams.map(({ values, ...stream }) => ({
    ...stream,
    values: (['params', 'slots', 'carry', 'memory'] as const).map(part => bits(values[part] ?? {})),
  })),
})

const estimators: fc.Arbitrary<KeyedOptions['estimator']> = fc.oneof(
  fc.integer({ min: 1, max: 4 }).map(K => every(K)),
  fc.nat(1e6).map(seed => artbp({ mean: 3, tail: 4, seed })),
  fc.constant(bptt({ h: 4, every: 2 })),
  fc.constant(uoro({ seed: 3 })),
  fc.constant(adaptive({ bias: 0.3, max: 4, every: 2 })),
)

const settings = fc.record({
  estimator: estimators,
  models: fc.constantFrom('shared', 'own') as fc.Arbitrary<'shared' | 'own'>,
  engine: fc.constantFrom('reference', 'compiled') as fc.Arbitrary<'reference' | 'compiled'>,
})

describe('a keyed trainer', () => {
  test('of one model is a fold over the windows of all streams, each with its own carry and coins', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e4), (coins, seed) => {
        const schedule = artbp({ mean: 3, tail: 4, seed: coins })
        const samples = mixed(30, seed)
        const { step, snapshot } = trainer({ ...options, estimator: schedule })
        const { open, ...start } = snapshot()
        let state: TrainState = start
        const lanes = new Map(
          KEYS.map(key => {
            const weight: Schedule['weight'] = edge => schedule.weight({ ...edge, stream: coinStream(key) })
            return [
              key as string,
              { cutter: new Cutter({ weight, endsAtReset: true }, open), carry: start.carry },
            ]
          }),
        )
        const wanted: unknown[] = []
        const learn = (key: string, windows: ReturnType<Cutter['push']>): void => {
          const lane = lanes.get(key)!
          for (const window of windows) {
            const [next, report] = step({ ...state, carry: lane.carry }, window)
            state = next
            lane.carry = next.carry
            wanted.push({ ...report, key })
          }
        }
        for (const { key, ...sample } of samples) learn(key, lanes.get(key)!.cutter.push([sample]))
        for (const key of new Set(samples.map(sample => sample.key)))
          learn(key, lanes.get(key)!.cutter.flush())
        const fleet = keyed({ ...options, estimator: schedule })
        expect(feed(fleet, samples).reports).toEqual(wanted)
        const { shared, streams } = fleet.snapshot()
        expect(bits(shared!.params)).toEqual(bits(state.params))
        for (const { key, values } of streams) expect(bits(values.carry)).toEqual(bits(lanes.get(key)!.carry))
      }),
      { numRuns: 6 },
    )
  })

  test('of one model and one key is a trainer', () => {
    for (const engine of ['reference', 'compiled'] as const) {
      const samples = events(20, { period: 7 })
      const [fleet, alone] = [keyed({ ...options, engine }), trainer({ ...options, engine })]
      const { reports } = feed(
        fleet,
        samples.map(sample => ({ ...sample, key: 'k' })),
      )
      expect(reports).toEqual(
        collect(samples, alone.train()).reports.map(report => ({ ...report, key: 'k' })),
      )
      expect(bits(fleet.snapshot().shared!.params)).toEqual(bits(alone.snapshot().params))
    }
  })

  test('with a model per key is a trainer for each', () => {
    for (const engine of ['reference', 'compiled'] as const) {
      const samples = mixed(40, 3)
      const fleet = keyed({ ...options, engine, models: 'own', resident: 2 })
      const { reports } = feed(fleet, samples)
      expect(fleet.snapshot()).toMatchObject({ t: 40, events: 40 })
      expect(reports.at(-1)!.events).toBe(40)
      for (const { key, values, counters } of fleet.snapshot().streams) {
        const own = samples.filter(sample => sample.key === key)
        const alone = trainer({ ...options, engine })
        const wanted = collect(own as Sample[], alone.train()).reports
        const found = reports.filter(report => report.key === key)
        expect(found.map(({ key: _, events: __, ...report }) => report)).toEqual(
          wanted.map(({ events: _, ...report }) => report),
        )
        expect(counters).toEqual(alone.snapshot().counters)
        expect(bits(values.params)).toEqual(bits(alone.snapshot().params))
      }
    }
  })

  test('draws the random signs of every key on their own, by the key and not by the order of keys', () => {
    const samples = events(12)
    const learned = (keys: readonly string[]) => {
      const fleet = keyed({ ...options, models: 'own', estimator: uoro({ seed: 3 }) })
      feed(
        fleet,
        samples.flatMap(sample => keys.map(key => ({ ...sample, key }))),
      )
      return new Map(fleet.snapshot().streams.map(({ key, values }) => [key, bits(values.params)]))
    }
    const [together, turned, alone] = [learned(['a', 'b']), learned(['b', 'a']), learned(['b'])]
    expect(together.get('a')).not.toEqual(together.get('b')) // the same events, and other signs
    expect(turned).toEqual(together)
    expect(alone.get('b')).toEqual(together.get('b'))
  })

  test('gives the same bits however few streams it keeps in memory, and wherever the others lie', () => {
    fc.assert(
      fc.property(settings, fc.constantFrom(1, 2, 4), fc.nat(1e4), (setting, resident, seed) => {
        const samples = mixed(30, seed)
        const store = seed % 2 === 0 ? fileStore(join(folder, `store${seed}`)) : new Map<string, Uint8Array>()
        const [roomy, narrow] = [
          keyed({ ...options, ...setting }),
          keyed({ ...options, ...setting, resident, store }),
        ]
        const one = feed(roomy, samples, false)
        const two = feed(narrow, samples, false)
        expect(two.reports).toEqual(one.reports)
        expect(content(narrow.snapshot())).toEqual(content(roomy.snapshot()))
        expect(feed(narrow, []).reports).toEqual(feed(roomy, []).reports)
        expect(content(narrow.snapshot())).toEqual(content(roomy.snapshot()))
      }),
      { numRuns: 10 },
    )
  })

  test('stopped anywhere goes on with the same bits, from a file', async () => {
    await fc.assert(
      fc.asyncProperty(settings, fc.nat(30), fc.nat(1e4), async (setting, at, seed) => {
        const samples = mixed(30, seed)
        const whole = keyed({ ...options, ...setting })
        const { reports } = feed(whole, samples)
        const first = keyed({ ...options, ...setting, resident: 2 })
        const before = feed(first, samples.slice(0, at), false).reports
        const path = join(folder, 'fleet.safetensors')
        await saveKeyed(path, first.snapshot(), { note: 'x' })
        const { snapshot, metadata } = await loadKeyed(path)
        expect(metadata['note']).toBe('x')
        expect(content(snapshot)).toEqual(content(first.snapshot()))
        const seed2 = setting.models === 'own' ? options.seed! : 99 // draws the parameters of keys to come
        const second = keyed({ ...options, ...setting, resident: 3, seed: seed2, from: snapshot })
        const after = feed(second, samples.slice(snapshot.t)).reports
        expect([...before, ...after]).toEqual(reports)
        expect(content(second.snapshot())).toEqual(content(whole.snapshot()))
      }),
      { numRuns: 10 },
    )
  })

  test('forgets a stream with its open window; the key comes again as a new one', () => {
    const store = new Map<string, Uint8Array>()
    const fleet = keyed({ ...options, resident: 1, store })
    const [a, b] = ['a', 'b'].map(key => events(4).map(sample => ({ ...sample, key })))
    feed(fleet, [...a!, ...b!], false)
    expect([fleet.keys(), [...store.keys()]]).toEqual([['a', 'b'], ['a']])
    fleet.forget('a')
    fleet.forget('never seen')
    expect([fleet.keys(), store.size]).toEqual([['b'], 0])
    fleet.forget('b')
    feed(fleet, b!.slice(0, 1), false)
    const [stream] = fleet.snapshot().streams
    expect(stream).toMatchObject({ key: 'b', open: { t: 1, lanes: [{ first: 1 }] } })
    expect(bits(stream!.values.carry)).toEqual(bits({ h: { shape: [1, 2], data: new Float64Array(2) } }))
  })

  test('is saved beside its training by checkpoint', async () => {
    const [fleet, path] = [keyed({ ...options, resident: 2 }), join(folder, 'beside.safetensors')]
    await from(mixed(50, 1))
      .pipe(fleet.train(), checkpoint(fleet, path, { every: 20 }))
      .forEach(() => undefined)
    expect(content((await loadKeyed(path)).snapshot)).toEqual(content(fleet.snapshot()))
  })
})

describe('a keyed trainer with bad input', () => {
  const good = (key: string): KeyedSample => ({ ...events(1)[0]!, key })

  test('refuses an event as it arrives, by its place in the source and its key; nothing else changes', () => {
    const fleet = keyed(options)
    feed(fleet, [good('a'), good('b')], false)
    const before = content(fleet.snapshot())
    const failed = (event: unknown): unknown => feed(fleet, [event as KeyedSample]).error
    expect(failed({ ...good('new'), input: [1] })).toMatchObject({
      code: 'bad-sample',
      message: "event 3 (key 'new'): its input is a list of 1; the model's are [2]",
    })
    const { key: _, ...none } = good('a')
    expect(failed(none)).toMatchObject({
      code: 'bad-sample',
      message: 'event 3: its key is undefined; a keyed trainer tells streams apart by strings',
    })
    expect(content(fleet.snapshot())).toEqual(before)
  })

  test('leaves out a window that cannot be learned from, and names key and events; all goes on without it', () => {
    const run = (samples: readonly KeyedSample[], more: Partial<KeyedOptions> = {}) => {
      const fleet = keyed({ ...options, estimator: every(2), optimizer: sgd(0.1), ...more })
      return { fleet, ...feed(fleet, samples, false) }
    }
    const huge = { ...good('a'), target: [1e200] }
    const { fleet, error } = run([good('a'), good('b'), huge])
    expect(error).toMatchObject({
      code: 'not-finite',
      where: expect.stringMatching(/^events 1–2 of key 'a'$/),
    })
    const on = feed(fleet, [good('b'), good('a'), good('a')], false).reports
    const never = run([good('b'), good('b'), good('a'), good('a')])
    expect(on.map(({ loss, key }) => [loss, key])).toEqual(never.reports.map(({ loss, key }) => [loss, key]))
    expect(bits(fleet.snapshot().shared!.params)).toEqual(bits(never.fleet.snapshot().shared!.params))
    const skipping = run([good('a'), good('b'), huge, good('b'), good('a'), good('a')], { notFinite: 'skip' })
    expect(
      skipping.reports.map(({ key, notFinite, events: n }) => [key, notFinite === undefined, n]),
    ).toEqual([
      ['a', false, 0],
      ['b', true, 2],
      ['a', true, 4],
    ])
  })

  test('names the event of an unknown symbol by its key', () => {
    const fleet = keyed({ ...options, model: speller(4), estimator: every(2) })
    const { error } = feed(
      fleet,
      [0, 4].map(input => ({ input, target: [0, 0, 0, 0], key: 'k' })),
    )
    expect(error).toMatchObject({ code: 'bad-sample', where: "event 2 of key 'k'" })
  })

  test('cuts a long key in messages', () => {
    const fleet = keyed({ ...options, model: speller(4), estimator: every(2) })
    const { error } = feed(fleet, [{ input: 4, target: [0, 0, 0, 0], key: 'k'.repeat(300) }])
    expect(error).toMatchObject({ code: 'bad-sample', where: `event 1 of key '${'k'.repeat(59)}…'` })
  })

  test('stops where the store fails, and everything is as it was', () => {
    const broken: StreamStore = {
      get: () => undefined,
      set: () => {
        throw new Error('the disk is full')
      },
      delete: () => undefined,
    }
    const fleet = keyed({ ...options, resident: 1, store: broken })
    feed(fleet, [good('a')], false)
    const before = content(fleet.snapshot())
    expect(feed(fleet, [good('b')]).error).toMatchObject({ message: 'the disk is full' })
    expect(content(fleet.snapshot())).toEqual(before)
    const lossy = keyed({ ...options, resident: 1, store: { ...broken, set: () => undefined } })
    expect(feed(lossy, [good('a'), good('b'), good('a')]).error).toMatchObject({
      code: 'lost-stream',
      message:
        "key 'a': its state is not in the store; what a keyed trainer stores stays until it is forgotten",
    })
    const swapped: StreamStore = { ...broken, set: () => undefined, get: () => bytesFor('x') }
    const mistaken = keyed({ ...options, resident: 1, store: swapped })
    expect(feed(mistaken, [good('a'), good('b'), good('a')]).error).toMatchObject({ code: 'lost-stream' })
  })

  /** What a trainer stores for a key. */
  const bytesFor = (key: string): Uint8Array => {
    const store = new Map<string, Uint8Array>()
    feed(keyed({ ...options, resident: 1, store }), [good(key), good('other')], false)
    return store.get(key)!
  }

  test('refuses snapshots of another model and settings that are none', () => {
    const made =
      (more: Partial<KeyedOptions>): (() => unknown) =>
      () =>
        keyed({ ...options, ...more })
    const one = keyed(options)
    feed(one, [good('a')], false)
    const shared = one.snapshot()
    expect(made({ from: shared, optimizer: sgd(0.1) })).toThrow(
      expect.objectContaining({ code: 'bad-snapshot' }),
    )
    expect(made({ from: shared, estimator: bptt({ h: 4 }), changed: ['estimator'] })).toThrow(
      "key 'a': memory",
    )
    expect(made({ from: shared, models: 'own' })).toThrow(
      "keyed: models is 'own', and the snapshot is of one model",
    )
    const own = keyed({ ...options, models: 'own' })
    feed(own, [good('a')], false)
    expect(made({ from: own.snapshot() })).toThrow(
      "keyed: models is 'shared', and the snapshot is of a model per key",
    )
    expect(made({ resident: 0 })).toThrow('keyed: resident is 0; it is a whole number of streams ≥ 1')
    expect(made({ models: 'none' as never })).toThrow("keyed: models is 'none'; it is 'shared' or 'own'")
  })

  test('of a file that holds something else is told so, and of a broken one goes back to the one before', async () => {
    const path = join(folder, 'kept.safetensors')
    const fleet = keyed(options)
    await saveKeyed(path, fleet.snapshot())
    feed(fleet, mixed(10, 1), false)
    await saveKeyed(path, fleet.snapshot())
    rmSync(path)
    const { snapshot, warning } = await loadKeyed(path)
    expect(snapshot).toMatchObject({ t: 0, streams: [] })
    expect(warning).toMatch(/there is no such file.*; went back to the one before/)
    expect(readdirSync(folder).filter(name => name.endsWith('.tmp'))).toEqual([])
  })
})
