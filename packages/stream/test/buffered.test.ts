import type { GraphError } from '@bptt/graph'
import fc from 'fast-check'
import { delay, from, map, of, Subject, VirtualTimeScheduler } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { describe, expect, test } from 'vitest'
import { Backlog } from '../src/backlog.js'
import { type BufferedOptions, buffered, type Overflow } from '../src/index.js'

interface Event {
  readonly id: string
  readonly dropped?: number
}

function marbles(run: (tools: Parameters<Parameters<TestScheduler['run']>[0]>[0]) => void): void {
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(run)
}

const letters = Object.fromEntries([...'abcdefgh'].map(id => [id, { id }]))
/** 'c' for an event without a gap before it, 'c2' for one after two that were dropped. */
const shown = map(({ id, dropped }: Event) => `${id}${dropped ?? ''}`)

/** One event a turn. */
const slowly = (options: Partial<BufferedOptions>): BufferedOptions => ({
  size: 3,
  policy: 'block',
  yieldEvery: 0,
  ...options,
})

describe('buffered', () => {
  test('hands on events in their order and completes after the last', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-(bc)-|', letters)
      expectObservable(source.pipe(buffered(slowly({})), shown)).toBe('-a-(bc)-|')
      expectSubscriptions(source.subscriptions).toBe('^-------!')
      expectObservable(cold('-a-(bc|)', letters).pipe(buffered(slowly({})), shown)).toBe('-a-(bc|)')
      expectObservable(cold<Event>('---|').pipe(buffered(slowly({})))).toBe('---|')
    })
  })

  test.each([
    ['dropOldest', ['c2', 'd', 'e']],
    ['dropNewest', ['a', 'b', 'c', 'f2']],
    ['sample', ['b1', 'd1', 'e']],
  ] as const)('%s: a burst of five in a buffer of three', (policy, out) => {
    marbles(({ cold, expectObservable }) => {
      const burst = cold('-(abcde)-f-|', letters).pipe(buffered(slowly({ policy })), shown)
      const values = Object.fromEntries(out.map((value, i) => [i, value]))
      expectObservable(burst).toBe(policy === 'dropNewest' ? '-(012)---3-|' : '-(012)---f-|', {
        ...values,
        f: 'f',
      })
    })
  })

  test('block: what waits is handed on, then the stream fails, and the source is left', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-(abcdef)-|', letters)
      const codes = source.pipe(buffered(slowly({})), shown)
      expectObservable(codes).toBe('-(abc#)', undefined, expect.objectContaining({ code: 'buffer-overflow' }))
      expectSubscriptions(source.subscriptions).toBe('^!')
    })
  })

  test('block: the source is asked to wait when the buffer is full, and to go on when it is half empty', () => {
    const scheduler = new VirtualTimeScheduler()
    const source = new Subject<Event>()
    const log: string[] = []
    source
      .pipe(buffered(slowly({ size: 4, scheduler, pause: wait => log.push(wait ? 'wait' : 'go on') })), shown)
      .subscribe(id => log.push(id))
    for (const id of 'abcd') source.next({ id })
    scheduler.flush()
    for (const id of 'efgh') source.next({ id })
    scheduler.flush()
    expect(log).toEqual(['wait', 'a', 'go on', 'b', 'c', 'd', 'wait', 'e', 'go on', 'f', 'g', 'h'])
  })

  test('hands on what waits before an error of the source', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-(ab#)', letters, 'lost').pipe(buffered(slowly({})), shown)).toBe(
        '-(ab#)',
        undefined,
        'lost',
      )
    })
  })

  test('gives up what waits on unsubscribing, and leaves the source', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('-a-b-c-', letters)
      const train = source.pipe(delay(0), buffered(slowly({})), shown)
      expectObservable(train, '^--!').toBe('-a')
      expectSubscriptions(source.subscriptions).toBe('^--!')
    })
  })

  test('lets the event loop have its turn: a burst does not hold it', async () => {
    const seen: string[] = []
    const done = new Promise<void>(resolve => {
      from([...'abcd'].map(id => ({ id })))
        .pipe(buffered(slowly({ size: 9 })))
        .subscribe({ next: ({ id }) => seen.push(id), complete: resolve })
    })
    expect(seen).toEqual([])
    const timer = setInterval(() => seen.push('.'), 0)
    await done
    clearInterval(timer)
    expect(seen.filter(id => id !== '.').join('')).toBe('abcd')
    expect(seen.slice(0, -1)).toContain('.')
  })

  test('takes events that the consumer sends back in their order', () => {
    marbles(({ expectObservable }) => {
      const source = new Subject<Event>()
      const out = source.pipe(buffered(slowly({})), shown).pipe(
        map(id => {
          if (id === 'a') for (const next of 'bc') source.next({ id: next })
          return id
        }),
      )
      expectObservable(out).toBe('(abc)')
      of(0)
        .pipe(delay(0))
        .subscribe(() => source.next({ id: 'a' }))
    })
  })

  test.each([
    [{ size: 0 }, 'buffer: size is 0; it is a whole number of events ≥ 1'],
    [{ size: 1.5 }, 'buffer: size is 1.5; it is a whole number of events ≥ 1'],
    [
      { policy: 'drop' as Overflow },
      "buffer: no policy 'drop'; there are block, dropOldest, dropNewest, sample",
    ],
    [{ yieldEvery: Number.NaN }, 'buffer: yieldEvery is NaN; it is a number of ms ≥ 0'],
  ])('refuses %j where it is given', (bad, message) => {
    expect(() => buffered(slowly(bad))).toThrow(expect.objectContaining({ code: 'bad-buffer', message }))
  })
})

describe('a backlog', () => {
  /** Numbers in, and takes (−1) in between, against the meaning of the policies on a plain list. */
  const moves = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant('add') }, fc.constant('take')), {
    maxLength: 60,
  })
  const policies = fc.constantFrom<Overflow>('dropOldest', 'dropNewest', 'sample')

  test('keeps order and bounds, and counts every drop exactly once, at the event after the gap', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 7 }), moves, (policy, size, steps) => {
        const backlog = new Backlog<number>({ size, policy })
        let [next, expected] = [0, 0]
        const taken = (item: ReturnType<typeof backlog.take>): void => {
          if (item === undefined) return
          // the place of each event follows from those dropped before it
          expect(item.value).toBe(expected + item.dropped)
          expected = item.value + 1
        }
        for (const step of steps) {
          if (step === 'add') backlog.add(next++)
          else taken(backlog.take())
          expect(backlog.length).toBeLessThanOrEqual(size)
          expect(backlog.full).toBe(backlog.length === size)
        }
        while (backlog.length > 0) taken(backlog.take())
        if (policy !== 'dropNewest') expect(expected).toBe(next)
      }),
    )
  })

  test('drops nothing before it is full, and refuses more where it blocks', () => {
    const backlog = new Backlog<number>({ size: 2, policy: 'block' })
    backlog.add(1)
    backlog.add(2)
    const refused = (): void => backlog.add(3)
    expect(refused).toThrow(expect.objectContaining({ code: 'buffer-overflow' }) as GraphError)
    expect(backlog.take()).toEqual({ value: 1, dropped: 0 })
    backlog.add(3)
    expect([backlog.take(), backlog.take(), backlog.take()]).toEqual([
      { value: 2, dropped: 0 },
      { value: 3, dropped: 0 },
      undefined,
    ])
  })
})
