import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { from, lastValueFrom, Subject, toArray } from 'rxjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Report, type Sample, trainer } from '../src/index.js'
import { type Event, pack, unpack } from '../src/worker/pack.js'
import { build, script, scriptPath } from './process/child.js'
import { event, options } from './process/states.mjs'

const module = scriptPath('states.mjs')
const events = (count: number): Sample[] => Array.from({ length: count }, (_, i) => event(i + 1))

/** What the built package offers: the thread runs what is built. */
const { hosted } = (await import(new URL('../dist/node/index.js', import.meta.url).href).catch(
  () => ({}),
)) as typeof import('../src/node/index.js')

beforeAll(build, 120_000)

describe('a trainer in a worker thread', () => {
  test('gives the reports and the bits of one in this thread, which stays free', async () => {
    const [there, here] = [await hosted(module), trainer(options)]
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    const found = await lastValueFrom(from(events(3000)).pipe(there.train(), toArray()))
    clearInterval(timer)
    expect(found).toEqual(await lastValueFrom(from(events(3000)).pipe(here.train(), toArray())))
    expect(await there.snapshot()).toEqual(here.snapshot())
    expect(turns).toBeGreaterThan(0)
    there.close()
  })

  test('reads an iterable no further than a batch ahead', async () => {
    const there = await hosted(module)
    let [read, learned, ahead] = [0, 0, 0]
    function* source(): Generator<Sample> {
      for (const sample of events(500)) {
        read++
        ahead = Math.max(ahead, read - learned)
        yield sample
      }
    }
    await there.trainOn(source(), { batch: 16 }).forEach(report => {
      learned = report.events
    })
    expect([read, learned]).toEqual([500, 500])
    expect(ahead).toBeLessThanOrEqual(16 + 4) // a batch, and the window that was open before it
    there.close()
  })

  test('learns from events as they come, however slow they are, and passes on an error of the source', async () => {
    const there = await hosted(module)
    async function* slow(): AsyncGenerator<Sample> {
      for (const sample of events(9)) {
        yield sample
        await new Promise(resolve => setTimeout(resolve, 2))
      }
      throw new Error('the sensor is gone')
    }
    const seen: number[] = []
    const failed = there.trainOn(slow()).forEach(report => void seen.push(report.events))
    await expect(failed).rejects.toThrow('the sensor is gone')
    expect(seen).toEqual([4, 8])
    function* broken(): Generator<Sample> {
      yield* events(3)
      throw new Error('broken')
    }
    await expect(lastValueFrom(there.trainOn(broken()))).rejects.toThrow('broken')
    expect((await there.snapshot()).open.t).toBe(12)
    there.close()
  })

  test('unsubscribed, it keeps no process alive', async () => {
    expect(await script('idle.mjs', []).ended).toMatchObject({ code: 0, output: 'true\n' })
  })

  test('goes on from a snapshot, with settings', async () => {
    const [here, whole] = [trainer(options), trainer(options)]
    const stop = new Subject<Sample>()
    stop.pipe(here.train()).subscribe()
    for (const sample of events(10)) stop.next(sample)
    const there = await hosted(module, { from: here.snapshot() })
    await lastValueFrom(there.trainOn(events(40).slice(10)))
    await lastValueFrom(from(events(40)).pipe(whole.train()))
    expect(await there.snapshot()).toEqual(whole.snapshot())
    there.close()
  })

  test('passes on a bad event as the error it is, after the reports before it', async () => {
    const there = await hosted(module)
    const reports: Report[] = []
    const bad = [...events(9), { ...events(1)[0]!, reset: 'false' as never }]
    const failed = there.trainOn(bad).forEach(report => void reports.push(report))
    await expect(failed).rejects.toMatchObject({ code: 'bad-sample', where: 'event 10' })
    expect(reports.map(({ events: count }) => count)).toEqual([4, 8])
    expect((await there.snapshot()).open.t).toBe(9)
    there.close()
  })

  test('says what waits too long, and fails what is open when it is closed', async () => {
    const there = await hosted(module)
    const small = there.train({ buffer: { size: 3, policy: 'block' } })
    await expect(lastValueFrom(from(events(9)).pipe(small))).rejects.toMatchObject({
      code: 'buffer-overflow',
    })
    const open = lastValueFrom(new Subject<Sample>().pipe(there.train()))
    there.close()
    await expect(open).rejects.toMatchObject({ code: 'worker-failed' })
    await expect(there.snapshot()).rejects.toMatchObject({ code: 'worker-failed' })
  })

  test('refuses a module that has no options, or is none', async () => {
    const empty = join(tmpdir(), `bptt-empty-${process.pid}.mjs`)
    await writeFile(empty, 'export default 3')
    await expect(hosted(empty)).rejects.toMatchObject({ code: 'bad-module' })
    await rm(empty)
    await expect(hosted(empty)).rejects.toMatchObject({ code: 'worker-failed' })
  })
})

describe('packed events', () => {
  const value = fc.oneof(fc.double(), fc.array(fc.double(), { maxLength: 4 }))
  const sample: fc.Arbitrary<Event> = fc.record(
    { input: value, target: value, reset: fc.constant(true), weight: fc.double(), dropped: fc.nat() },
    { requiredKeys: ['input', 'target'] },
  )
  const event_: fc.Arbitrary<Event> = fc.oneof(
    sample,
    fc.array(sample as fc.Arbitrary<Sample>, { maxLength: 3 }),
  )

  test('come out as they went in', () => {
    fc.assert(
      fc.property(fc.array(event_, { maxLength: 5 }), list => {
        expect(unpack(pack(list)!)).toEqual(list)
      }),
    )
  })

  test('are left as they are where they hold more than numbers', () => {
    for (const odd of [
      { input: 'a', target: 0 },
      { input: 0, target: 0, key: 'k' },
      { input: [null], target: 0 },
      null,
    ])
      expect(pack([odd as unknown as Event])).toBe(undefined)
  })
})
