import { type GraphError, squaredError } from '@bptt/graph'
import { every, fixed, full, linearNet } from '@bptt/unroll'
import { catchError, map, of, retry, Subject, toArray } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { describe, expect, test } from 'vitest'
import { nextStep, type Report, type Sample, sgd, type Trainer, trainer } from '../src/index.js'
import { bits, collect } from './support.js'

const make = (estimator = every(3)): Trainer =>
  trainer({
    model: linearNet({ inputs: 1, hidden: 2, outputs: 1 }),
    loss: squaredError,
    estimator,
    optimizer: sgd(0.01),
  })

/** Runs marbles: letters of the source are events, r a reset, n one that is not a number; reports show their lengths. */
function marbles(run: (tools: Parameters<Parameters<TestScheduler['run']>[0]>[0]) => void): void {
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(run)
}

const samples: Record<string, Sample> = {
  a: { input: [0.1], target: [0.2] },
  b: { input: [-0.3], target: [0.1] },
  r: { input: [0.5], target: [0.5], reset: true },
  n: { input: [Number.NaN], target: [0] },
}
const length = map((report: Report) => String(report.length))

describe('train', () => {
  test('emits as the event that ends a window comes, and what is open at the end', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-a-b-a-b-a--|', samples)
      expectObservable(source.pipe(make().train(), length)).toBe('-----3-----3----(1|)')
      expectSubscriptions(source.subscriptions).toBe('^---------------!')
    })
  })

  test('emits nothing but the end where no event came, or where the last one ended a window', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('---|', samples).pipe(make().train(), length)).toBe('---|')
      expectObservable(cold('-aba-|', samples).pipe(make().train(), length)).toBe('---3-|')
    })
  })

  test('ends a window before a reset, and two with one event where the schedule cuts too', () => {
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('-a-b-r-a-|', samples).pipe(make(full()).train(), length)).toBe('-----2---(2|)')
      expectObservable(cold('-a-b-r---|', samples).pipe(make().train(), length)).toBe('-----(21)|')
      expectObservable(cold('-a-r-----|', samples).pipe(make(fixed([1, 0])).train(), length)).toBe(
        '---(11)--|',
      )
    })
  })

  test('passes an error of the source on at once, and keeps the open window', () => {
    const online = make()
    marbles(({ cold, expectObservable, flush }) => {
      expectObservable(cold('-a-b-a-b-#', samples, 'broken').pipe(online.train(), length)).toBe(
        '-----3---#',
        undefined,
        'broken',
      )
      flush()
    })
    expect(online.snapshot().open.lanes[0]!.samples).toHaveLength(1)
    expect(online.snapshot().counters.updates).toBe(1)
  })

  test('refuses a bad event as it comes, and leaves the source', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-a-n-a-b-|', samples)
      const codes = source.pipe(
        make().train(),
        length,
        catchError((error: GraphError) => of(error.code)),
      )
      expectObservable(codes).toBe('-----3-(e|)', { 3: '3', e: 'bad-sample' })
      expectSubscriptions(source.subscriptions).toBe('^------!')
    })
  })

  test('takes up the open window where a subscription was given up, and leaves nothing behind', () => {
    const online = make()
    marbles(({ hot, expectObservable, expectSubscriptions, flush }) => {
      const source = hot('-a-b-a-b-a-b-a-b-a-|', samples)
      const train = source.pipe(online.train(), length)
      expectObservable(train, '^-------!').toBe('-----3')
      expectObservable(train, '--------^---------').toBe('-----------3-----3-|')
      expectSubscriptions(source.subscriptions).toBe(['^-------!', '--------^----------!'])
      flush()
    })
    expect(online.snapshot().counters.events).toBe(9)
    const never = make()
    collect(
      [...'ababababa'].map(name => samples[name]!),
      never.train(),
    )
    expect(bits(online.snapshot().params)).toEqual(bits(never.snapshot().params))
  })

  test('does nothing before it is subscribed to', () => {
    const online = make()
    const source = new Subject<Sample>()
    const train = source.pipe(online.train())
    source.next(samples['a']!)
    expect(source.observed).toBe(false)
    const subscription = train.subscribe()
    source.next(samples['b']!)
    subscription.unsubscribe()
    expect(source.observed).toBe(false)
    expect(online.snapshot().open.lanes[0]!.samples).toEqual([samples['b']])
  })

  test('can be retried past a bad event, with the window that is open', () => {
    const online = make()
    const source = new Subject<Sample>()
    const seen: number[] = []
    source.pipe(online.train(), retry(1)).subscribe(report => seen.push(report.length))
    for (const name of 'abnab') source.next(samples[name]!)
    source.complete()
    expect(seen).toEqual([3, 1])
  })

  test('takes events that a report sends in return in their order', () => {
    const [online, plain] = [make(), make()]
    const source = new Subject<Sample>()
    const seen: number[] = []
    source.pipe(online.train()).subscribe(({ events }) => {
      seen.push(events)
      if (events < 12) for (const name of 'bab') source.next(samples[name]!)
    })
    for (const name of 'aba') source.next(samples[name]!)
    source.complete()
    const order = [...'aba', ...'bab', ...'bab', ...'bab']
    const { reports } = collect(
      order.map(name => samples[name]!),
      plain.train(),
    )
    expect(seen).toEqual(reports.map(report => report.events))
    expect(bits(online.snapshot().params)).toEqual(bits(plain.snapshot().params))
  })
})

describe('nextStep', () => {
  test('pairs every value with the one after it', () => {
    marbles(({ cold, expectObservable }) => {
      const pairs = cold('-a-b---c-|').pipe(nextStep())
      const [ab, bc] = [
        { input: 'a', target: 'b' },
        { input: 'b', target: 'c' },
      ]
      expectObservable(pairs).toBe('---p---q-|', { p: ab, q: bc })
      expectObservable(cold('-a-|').pipe(nextStep())).toBe('---|')
    })
  })

  test('makes samples of numbers and of lists', () => {
    of(1, 2, 3)
      .pipe(nextStep(), toArray())
      .subscribe(pairs => {
        expect(pairs).toEqual([
          { input: 1, target: 2 },
          { input: 2, target: 3 },
        ])
      })
    const online = make()
    of([0.1], [0.2], [0.3], [0.4]).pipe(nextStep(), online.train()).subscribe()
    expect(online.snapshot().counters).toMatchObject({ events: 3, updates: 1 })
  })
})
