import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GraphError } from '@bptt/graph'
import { concatMap, from, lastValueFrom, of, Subject, takeUntil, timer, toArray } from 'rxjs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Report, type Sample, type Snapshot, trainer } from '../src/index.js'
import { checkpoint, load } from '../src/node/index.js'
import { event, options } from './process/states.mjs'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bptt-'))
})
afterEach(() => rm(folder, { recursive: true }))

const path = (): string => join(folder, 'model.safetensors')
const events = (count: number): Sample[] => Array.from({ length: count }, (_, i) => event(i + 1))
const make = (): ReturnType<typeof trainer> => trainer({ ...options, engine: 'reference' })

describe('checkpoint', () => {
  test('passes every report on and has saved the last state when the stream completes', async () => {
    const [online, plain] = [make(), make()]
    const reports = await lastValueFrom(
      from(events(30)).pipe(online.train(), checkpoint(online, path(), { every: 8 }), toArray()),
    )
    expect(reports).toEqual(await lastValueFrom(from(events(30)).pipe(plain.train(), toArray())))
    const { params, counters, open } = await load(path())
    expect({ params, counters, open }).toEqual(
      (({ params, counters, open }) => ({ params, counters, open }))(plain.snapshot()),
    )
  })

  test('takes a snapshot whenever a multiple is passed, and none while one is being saved', async () => {
    const online = make()
    const taken: number[] = []
    const gates: (() => void)[] = []
    const keeper = {
      snapshot: (): Promise<Snapshot> => {
        const snapshot = online.snapshot()
        taken.push(snapshot.counters.events)
        return new Promise(resolve => gates.push(() => resolve(snapshot)))
      },
    }
    const source = new Subject<Sample>()
    const done = lastValueFrom(source.pipe(online.train(), checkpoint(keeper, path(), { every: 8 })))
    const all = events(400)
    const feed = (count: number): void => all.splice(0, count).forEach(sample => source.next(sample))
    feed(7)
    expect(taken).toEqual([])
    feed(33) // 8, 16, 24, 32 and 40 are passed while the first is being saved
    expect(taken).toEqual([8])
    gates[0]!()
    const more = (): number => {
      feed(4)
      return taken.length
    }
    await expect.poll(more).toBe(2) // at the first report after the save
    const second = 400 - all.length
    source.complete()
    gates[1]!()
    await expect.poll(() => taken.length).toBe(3)
    gates[2]!()
    await done
    const [, between] = taken
    expect(between).toBeGreaterThan(40)
    expect(taken).toEqual([8, between, second]) // fewer than were fed by then, where a window was open
    expect((await load(path())).counters.events).toBe(second)
  })

  test('saves the last good state before it passes an error of the source on', async () => {
    const online = make()
    const source = new Subject<Sample>()
    const failed = lastValueFrom(source.pipe(online.train(), checkpoint(online, path(), { every: 1000 })))
    for (const sample of events(10)) source.next(sample)
    source.error('lost')
    await expect(failed).rejects.toBe('lost')
    const { counters, open } = await load(path())
    expect({ counters, open }).toEqual((({ counters, open }) => ({ counters, open }))(online.snapshot()))
    expect(open.t).toBe(10)
  })

  test('keeps the open window where the stream is stopped behind train()', async () => {
    const online = make()
    const stop = new Subject<void>()
    const source = new Subject<Sample>()
    const done = lastValueFrom(
      source.pipe(online.train(), takeUntil(stop), checkpoint(online, path(), { every: 1000 })),
    )
    for (const sample of events(10)) source.next(sample)
    stop.next()
    await done.catch(() => undefined)
    const saved = await load(path())
    const again = trainer({ ...options, engine: 'reference', from: saved })
    const whole = make()
    const rest = await lastValueFrom(from(events(40).slice(saved.open.t)).pipe(again.train(), toArray()))
    const all = await lastValueFrom(from(events(40)).pipe(whole.train(), toArray()))
    expect(rest).toEqual(all.slice(-rest.length))
    expect(again.snapshot()).toEqual(whole.snapshot())
  })

  test('fails where a save does, or tells it and goes on', async () => {
    const nowhere = join(folder, 'none', 'model.safetensors')
    const online = make()
    const fails = from(events(30)).pipe(online.train(), checkpoint(online, nowhere, { every: 8 }))
    await expect(lastValueFrom(fails)).rejects.toMatchObject({ code: 'cannot-write', where: nowhere })
    const other = make()
    const told: string[] = []
    const failed = ({ code }: GraphError): void => {
      told.push(code)
      void mkdir(join(folder, 'none')).catch(() => undefined)
    }
    const source = concatMap((sample: Sample, i: number) =>
      i === 16 ? timer(100).pipe(concatMap(() => of(sample))) : of(sample),
    )
    const reports: Report[] = await lastValueFrom(
      from(events(30)).pipe(
        source,
        other.train(),
        checkpoint(other, nowhere, { every: 8, failed }),
        toArray(),
      ),
    )
    expect(reports.at(-1)!.events).toBe(30)
    expect(told).toEqual(['cannot-write'])
    expect((await load(nowhere)).counters.events).toBe(30)
  })

  test('writes entries of one’s own', async () => {
    const online = make()
    const metadata = (): Record<string, string> => ({ position: String(online.snapshot().open.t) })
    await lastValueFrom(
      from(events(9)).pipe(online.train(), checkpoint(online, path(), { every: 5, metadata })),
    )
    expect((await load(path())).metadata).toMatchObject({ position: '9' })
  })

  test('leaves the source when it is left', () => {
    const online = make()
    const source = new Subject<Sample>()
    source
      .pipe(online.train(), checkpoint(online, path(), { every: 5 }))
      .subscribe()
      .unsubscribe()
    expect(source.observed).toBe(false)
  })

  test('refuses a distance that is no number of events', () => {
    expect(() => checkpoint(make(), path(), { every: 0 })).toThrow(
      'checkpoint: every is 0; it is a number of events ≥ 1',
    )
  })
})
