import { squaredError } from '@bptt/graph'
import { elman, every, withReadout } from '@bptt/unroll'
import { concatMap, delay, from, map, of, Subject, take, toArray } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { describe, expect, test } from 'vitest'
import { buffered, type Report, type Sample, sgd, type Trainer, trainer } from '../src/index.js'
import { paced } from '../src/paced.js'
import { bits, collect, events, throughJson } from './support.js'

const make = (more: object = {}): Trainer =>
  trainer({
    model: withReadout(elman({ inputs: 2, hidden: 2 }), { outputs: 1 }),
    loss: squaredError,
    estimator: every(3),
    optimizer: sgd(0.01),
    engine: 'reference',
    ...more,
  })

/** Turns of the event loop while something runs. */
async function turnsDuring(run: () => Promise<unknown>): Promise<number> {
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  await run()
  clearInterval(timer)
  return turns
}

/** All reports of a stream. */
const reportsOf = (run: { subscribe(o: object): unknown }): Promise<readonly Report[]> =>
  new Promise((resolve, reject) => {
    const seen: Report[] = []
    run.subscribe({ next: (r: Report) => seen.push(r), error: reject, complete: () => resolve(seen) })
  })

describe('train({ yieldEvery })', () => {
  test('lets timers fire while a long source is learned from that never waits, with the same bits', async () => {
    const samples = events(60)
    const [plain, turned] = [make(), make()]
    let seen: readonly Report[] = []
    const turns = await turnsDuring(async () => {
      seen = await reportsOf(from(samples).pipe(turned.train({ yieldEvery: 0 })))
    })
    expect(turns).toBeGreaterThan(0)
    expect(seen).toEqual(collect(samples, plain.train()).reports)
    expect(bits(turned.snapshot().params)).toEqual(bits(plain.snapshot().params))
  })

  test('is the plain operator where it is not asked for: all is learned at once', () => {
    const online = make()
    let done = false
    from(events(9))
      .pipe(online.train())
      .subscribe({
        complete: () => {
          done = true
        },
      })
    expect(done).toBe(true)
  })

  test('gives up what waits when unsubscribed, and the position does not count it', async () => {
    const online = make()
    await new Promise<void>(resolve => {
      from(events(50))
        .pipe(online.train({ yieldEvery: 0 }), take(2))
        .subscribe({ complete: resolve })
    })
    expect(online.snapshot().open.t).toBe(6)
  })

  test.each([-1, Number.NaN])('refuses %d ms', yieldEvery => {
    const bad = {
      code: 'bad-setting',
      message: `trainer: yieldEvery is ${yieldEvery}; it is a number of milliseconds ≥ 0`,
    }
    expect(() => make().train({ yieldEvery })).toThrow(expect.objectContaining(bad))
    expect(() => make().trainOn([], { yieldEvery })).toThrow(expect.objectContaining(bad))
  })
})

describe('trainOn', () => {
  /** A source that counts what is read of it, and whether it was left. */
  function counted(length: number, later: boolean) {
    const state = { read: 0, left: false }
    async function* slow(): AsyncGenerator<Sample> {
      try {
        for (const sample of events(length)) {
          await Promise.resolve()
          state.read++
          yield sample
        }
      } finally {
        state.left = true
      }
    }
    function* quick(): Generator<Sample> {
      try {
        for (const sample of events(length)) {
          state.read++
          yield sample
        }
      } finally {
        state.left = true
      }
    }
    return { state, source: later ? slow() : quick() }
  }

  test.each([true, false])('reads nothing ahead of the trainer (async: %s), and yields', async later => {
    const [online, plain] = [make(), make()]
    const { state, source } = counted(40, later)
    let ahead = 0
    let seen: readonly Report[] = []
    const turns = await turnsDuring(async () => {
      const reports = online.trainOn(source, { yieldEvery: 0 }).pipe(
        map(report => {
          ahead = Math.max(ahead, state.read - report.events)
          return report
        }),
      )
      seen = await reportsOf(reports)
    })
    expect(turns).toBeGreaterThan(0)
    expect(ahead).toBeLessThanOrEqual(1)
    expect(seen).toEqual(collect(events(40), plain.train()).reports)
  })

  test.each([true, false])('leaves the source when unsubscribed (async: %s)', async later => {
    const online = make()
    const { state, source } = counted(40, later)
    await reportsOf(online.trainOn(source, { yieldEvery: 0 }).pipe(take(2)))
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(state).toEqual({ read: 6, left: true })
    expect(online.snapshot().open.t).toBe(6)
  })

  test('passes an error on, after the reports before it; the open window stays', async () => {
    const online = make()
    async function* broken(): AsyncGenerator<Sample> {
      await Promise.resolve()
      yield* events(4)
      throw new Error('torn')
    }
    const seen: number[] = []
    await expect(online.trainOn(broken()).forEach(report => void seen.push(report.events))).rejects.toThrow(
      'torn',
    )
    expect(seen).toEqual([3])
    expect(online.snapshot().open.lanes[0]!.samples).toHaveLength(1)
    await online.trainOn(events(2)).forEach(report => void seen.push(report.events))
    expect(seen).toEqual([3, 6])
  })

  test('leaves an iterator that has ended alone', async () => {
    let returned = false
    const source: Iterable<number> = {
      [Symbol.iterator]: () => ({
        next: () => ({ done: true, value: undefined }),
        return: () => {
          returned = true
          return { done: true, value: undefined }
        },
      }),
    }
    await new Promise<void>(resolve => paced(source, 8).subscribe({ complete: resolve }))
    expect(returned).toBe(false)
  })
})

describe('what is dropped before the trainer', () => {
  const burst = (rows: readonly unknown[], online: { train: Trainer['train'] }): Promise<readonly Report[]> =>
    reportsOf(
      from(rows as Sample[]).pipe(
        buffered({ size: 6, policy: 'dropOldest', yieldEvery: 1000 }),
        online.train(),
      ),
    )

  test('is added up in the reports and goes on from a snapshot', async () => {
    const online = make()
    expect((await burst(events(16), online)).map(({ dropped, events: seen }) => [seen, dropped])).toEqual([
      [3, 10],
      [6, 10],
    ])
    const again = make({ from: throughJson(online.snapshot()) })
    expect((await burst(events(8), again)).map(({ dropped }) => dropped)).toEqual([12, 12])
    expect((await burst(events(3), again)).at(-1)!.dropped).toBe(12)
  })

  test('of lanes is said by the first of them', async () => {
    const online = make({ lanes: 2 })
    const rows = events(8).map(sample => [sample, sample])
    expect((await burst(rows, online)).map(({ dropped }) => dropped)).toEqual([2, 2])
  })

  test('waits in the open window, and is counted where the window is passed over', () => {
    const [first, second] = events(2).map((sample, i) => ({ ...sample, dropped: 3 + i }))
    const online = make()
    const source = new Subject<Sample>()
    source.pipe(online.train()).subscribe()
    source.next(first!)
    expect(online.snapshot().open.lanes[0]!.samples[0]).toMatchObject({ dropped: 3 })
    expect(online.snapshot().counters).not.toHaveProperty('dropped')
    const skipping = make({ notFinite: 'skip', estimator: every(2) })
    const { reports } = collect([first!, { ...second!, target: [1e200] }, ...events(2)], skipping.train())
    expect(reports.map(({ dropped, weight }) => [dropped, weight])).toEqual([
      [7, 0],
      [7, 2],
    ])
  })

  test.each([-1, 0.5, Number.NaN, 'x'])('is refused where it is %s', dropped => {
    const { error } = collect([{ ...events(1)[0]!, dropped: dropped as number }], make().train())
    expect(error).toMatchObject({
      code: 'bad-sample',
      message: `event 1: its dropped is ${dropped}; it is a number of events`,
    })
  })
})

describe('a slow consumer, a fast producer', () => {
  const marbles = (run: Parameters<TestScheduler['run']>[0]): void => {
    new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(run)
  }
  const [a, b] = events(2) as [Sample, Sample]
  const samples = { a, b, x: { ...a, target: [1e200] } }
  const seen = map(({ events: count }: Report) => String(count))

  test('reports wait for a slow consumer; the trainer does not', () => {
    const online = make()
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-(abaabbaba)-|', samples)
      const slow = source.pipe(
        online.train(),
        seen,
        concatMap(count => of(count).pipe(delay(5))),
      )
      expectObservable(slow).toBe('------3----6----(9|)')
      expectSubscriptions(source.subscriptions).toBe('^------------!')
    })
    expect(online.snapshot().counters.events).toBe(9)
  })

  test('a late failure leaves a live source, and a retry goes on from before it', () => {
    const online = make()
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('-a-b-a-a-x-b-a-b-a-', samples)
      const train = source.pipe(online.train(), seen)
      const error = expect.objectContaining({ code: 'not-finite', where: 'events 4–6' })
      expectObservable(train).toBe('-----3-----#', undefined, error)
      expectObservable(train, '------------^------').toBe('-----------------6', undefined)
      expectSubscriptions(source.subscriptions).toBe(['^----------!', '------------^------'])
    })
    expect(online.snapshot().open.t).toBe(6)
  })

  test('a source that ends early still leaves no window open; one that fails does', () => {
    for (const [source, open] of [
      ['-a-b-|', 0],
      ['-a-b-#', 2],
    ] as const) {
      const online = make()
      marbles(({ cold, expectObservable }) => {
        expectObservable(cold(source, samples).pipe(online.train(), seen, toArray())).toBe(
          open === 0 ? '-----(r|)' : '-----#',
          { r: ['2'] },
        )
      })
      expect(online.snapshot().open.lanes[0]!.samples).toHaveLength(open)
    }
  })
})
