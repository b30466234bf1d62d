import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { squaredError } from '@bptt/graph'
import { artbp, every, full, gru, type Schedule, withReadout } from '@bptt/unroll'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  adam,
  chain,
  clipByGlobalNorm,
  encodeSafetensors,
  type Kept,
  type Sample,
  type Snapshot,
  sgd,
  type TrainerOptions,
  trainer,
} from '../src/index.js'
import { load, save } from '../src/node/index.js'
import { bits, collect, events, net } from './support.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bptt-'))
})
afterEach(() => rm(folder, { recursive: true }))

const base: Omit<TrainerOptions, 'estimator'> = {
  model: net,
  loss: squaredError,
  optimizer: chain(clipByGlobalNorm(1), adam(0.01)),
  seed: 7,
}

/** Everything a snapshot, or a state it keeps, holds, with tensors as bits. */
function content(state: Omit<Snapshot, 'counters' | 'open'> & Partial<Snapshot & Kept>): unknown {
  const { params, slots, carry, memory, counters, open, updates } = state
  return {
    params: bits(params),
    slots: bits(slots),
    carry: bits(carry),
    memory: bits(memory),
    counters,
    open,
    updates,
  }
}

/** Takes events without ending the stream: the window stays open. */
function feed(online: ReturnType<typeof trainer>, samples: readonly Sample[]): unknown[] {
  const seen: unknown[] = []
  const stop = new Error('stop')
  const source = function* (): Generator<Sample> {
    yield* samples
    throw stop
  }
  const { reports, error } = collect(source() as unknown as Sample[], online.train())
  expect(error).toBe(stop)
  seen.push(...reports)
  return seen
}

const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  fc.constant(full()),
  fc.integer({ min: 1, max: 6 }).map(K => every(K)),
  fc.nat(1e6).map(seed => artbp({ mean: 4, tail: 4, seed })),
)

describe('a trainer made from a snapshot', () => {
  test('goes on with the same bits as one that never stopped, wherever it stopped', () => {
    fc.assert(
      fc.property(schedules, fc.nat(30), fc.integer({ min: 2, max: 12 }), (estimator, at, period) => {
        const samples = events(30, { period })
        const whole = trainer({ ...base, estimator })
        const { reports } = collect(samples, whole.train())
        const first = trainer({ ...base, estimator })
        const before = feed(first, samples.slice(0, at))
        const snapshot = first.snapshot()
        expect(snapshot.open.t).toBe(snapshot.counters.events + snapshot.open.lanes[0]!.samples.length)
        expect(snapshot.open.t).toBe(at)
        const second = trainer({ ...base, estimator, seed: 99, from: snapshot })
        collect(events(9, { seed: 5 }), first.train()) // what the first does now is its own business
        const after = collect(samples.slice(at), second.train()).reports
        expect([...before, ...after]).toEqual(reports)
        expect(content(second.snapshot())).toEqual(content(whole.snapshot()))
      }),
      { numRuns: 12 },
    )
  })
})

describe('save and load', () => {
  const path = (): string => join(folder, 'model.safetensors')

  test('keep every bit: parameters, slots, carry, counters, the open window', async () => {
    for (const estimator of [every(4), artbp({ mean: 6, tail: 4, seed: 2 })])
      for (const at of [0, 1, 6, 8, 23]) {
        const samples = events(30, { period: 7 })
        const whole = trainer({ ...base, estimator })
        collect(samples, whole.train())
        const first = trainer({ ...base, estimator })
        feed(first, samples.slice(0, at))
        await save(path(), first.snapshot())
        const loaded = await load(path())
        expect(content(loaded)).toEqual(content(first.snapshot()))
        const second = trainer({ ...base, estimator, from: loaded })
        collect(samples.slice(at), second.train())
        expect(content(second.snapshot())).toEqual(content(whole.snapshot()))
        expect(second.snapshot()).not.toHaveProperty('metadata')
      }
  })

  test('keep an open window of typed arrays and of optimisers without slots', async () => {
    const options = { ...base, optimizer: chain(clipByGlobalNorm(1), sgd(0.1)), estimator: full() }
    const online = trainer(options)
    const typed = events(5).map(({ input, target }) => ({
      input: Float32Array.from(input as number[]),
      target: Float64Array.from(target as number[]),
    }))
    feed(online, typed)
    await save(path(), online.snapshot())
    const second = trainer({ ...options, from: await load(path()) })
    expect(content(second.snapshot())).toEqual(content(online.snapshot()))
    const [one, two] = [collect([], online.train()), collect([], second.train())]
    expect(one.reports).toHaveLength(1)
    expect(two).toEqual(one)
  })

  test('keep numbers that text would round, and signs of zero', async () => {
    const online = trainer({ ...base, estimator: every(2) })
    const snapshot = online.snapshot()
    const odd = [0.1 + 0.2, -0, 5e-324, 1.7976931348623157e308]
    const carry = { h: { shape: [1, 3], data: Float64Array.from(odd.slice(0, 3)) } }
    const counters = { ...snapshot.counters, prequential: { weight: 3, sum: 0.1 + 0.2, lost: 1e-17 } }
    const lanes = [{ ...snapshot.open.lanes[0]!, pending: 1 / 0.7 }]
    await save(path(), { ...snapshot, carry, counters, open: { ...snapshot.open, lanes } })
    const loaded = await load(path())
    expect(bits(loaded.carry)).toEqual(bits(carry))
    expect(loaded.counters).toEqual(counters)
    expect(loaded.open.lanes[0]!.pending).toBe(1 / 0.7)
  })

  test('keep metadata of one’s own, also over a second save', async () => {
    const { snapshot } = trainer({ ...base, estimator: every(2) })
    await save(path(), snapshot(), { alphabet: '["ä","😀"]', note: 'line\nline' })
    const loaded = await load(path())
    expect(loaded.metadata).toMatchObject({ alphabet: '["ä","😀"]', note: 'line\nline' })
    await save(path(), loaded, loaded.metadata)
    const again = await load(path())
    expect(again.metadata).toEqual(loaded.metadata)
    expect(content(again)).toEqual(content(loaded))
  })

  test('keep the states to roll back to', async () => {
    const options = { ...base, estimator: every(2), notFinite: 'rollback', rollbackEvery: 2 } as const
    const online = trainer(options)
    feed(online, events(13))
    const { kept } = online.snapshot()
    expect(kept!.map(({ updates }) => updates)).toEqual([4, 6])
    await save(path(), online.snapshot())
    const loaded = await load(path())
    expect(content(loaded)).toEqual(content(online.snapshot()))
    expect(loaded.kept!.map(content)).toEqual(kept!.map(content))
    expect(
      trainer({ ...options, from: loaded })
        .snapshot()
        .kept!.map(content),
    ).toEqual(kept!.map(content))
  })

  test('write the same file for the same state', async () => {
    const online = trainer({ ...base, estimator: every(3) })
    feed(online, events(8))
    await save(path(), online.snapshot())
    await save(join(folder, 'other'), online.snapshot())
    expect(await readFile(path())).toEqual(await readFile(join(folder, 'other')))
  })

  test('refuse a file that holds something else', async () => {
    const tensors = { w: { shape: [1], data: Float64Array.of(1) } }
    const foreign = [
      encodeSafetensors(tensors),
      encodeSafetensors(tensors, { 'bptt.snapshot': '{' }),
      encodeSafetensors(tensors, { 'bptt.snapshot': 'null' }),
    ]
    for (const bytes of foreign) {
      await writeFile(path(), bytes)
      await expect(load(path())).rejects.toMatchObject({
        code: 'bad-snapshot',
        message: `${path()}: holds no snapshot of a trainer; it has no readable entry 'bptt.snapshot'`,
      })
    }
    await writeFile(path(), 'no tensors at all')
    await expect(load(path())).rejects.toMatchObject({ code: 'bad-safetensors' })
    await expect(load(join(folder, 'none'))).rejects.toMatchObject({ code: 'cannot-read' })
  })

  test('lead a snapshot of another model to bad-snapshot', async () => {
    await save(path(), trainer({ ...base, estimator: full() }).snapshot())
    const from = await load(path())
    const model = withReadout(gru({ inputs: 2, hidden: 3 }), { outputs: 1 })
    expect(() => trainer({ ...base, model, estimator: full(), from })).toThrow(
      expect.objectContaining({ code: 'bad-snapshot' }),
    )
  })
})
