import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Average, ewma, mean, windowed } from '../../src/index.js'

type Event = readonly [x: number, weight: number]

const event: fc.Arbitrary<Event> = fc.tuple(
  fc.double({ min: -100, max: 100, noNaN: true }),
  fc.integer({ min: 1, max: 9 }),
)
const events = fc.array(event, { minLength: 1, maxLength: 50 })

function fold<State>(metric: Average<State>, observed: readonly Event[], from = metric.init()): State {
  return observed.reduce((state, [x, weight]) => metric.update(state, x, weight), from)
}

function laws<State>(metric: Average<State>): void {
  test('merges two halves into the whole', () => {
    fc.assert(
      fc.property(events, events, (first, second) => {
        const merged = metric.merge(fold(metric, first), fold(metric, second))
        expect(metric.value(merged)).toBeCloseTo(metric.value(fold(metric, [...first, ...second])), 9)
      }),
    )
  })

  test('counts weight w as w equal observations', () => {
    fc.assert(
      fc.property(events, observed => {
        const single = observed.flatMap(([x, weight]) => Array<Event>(weight).fill([x, 1]))
        expect(metric.value(fold(metric, single))).toBeCloseTo(metric.value(fold(metric, observed)), 9)
      }),
    )
  })

  test('goes on from its state as JSON with the same bits', () => {
    fc.assert(
      fc.property(events, events, (first, second) => {
        const json = JSON.stringify(fold(metric, first))
        const state = JSON.parse(json) as State
        expect(json).not.toContain('null')
        expect(fold(metric, second, state)).toEqual(fold(metric, [...first, ...second]))
      }),
    )
  })

  test('is that number when all observations are the same', () => {
    fc.assert(
      fc.property(event, fc.integer({ min: 1, max: 200 }), (same, times) => {
        expect(metric.value(fold(metric, Array<Event>(times).fill(same)))).toBeCloseTo(same[0], 9)
      }),
    )
  })

  test('has no value before the first observation, and merging nothing changes nothing', () => {
    expect(metric.value(metric.init())).toBeNaN()
    const some = metric.update(metric.init(), 3, 2)
    expect(metric.value(metric.merge(metric.init(), some))).toBe(metric.value(some))
    expect(metric.value(metric.merge(some, metric.init()))).toBe(metric.value(some))
    expect(metric.value(metric.update(some, 100, 0))).toBe(metric.value(some))
  })

  test('does not change the state it is given', () => {
    const state = Object.freeze(metric.init())
    expect(metric.update(state, 1)).not.toEqual(state)
    expect(state).toEqual(metric.init())
  })
}

describe('mean', () => {
  laws(mean())

  test('weighs its observations', () => {
    expect(
      mean().value(
        fold(mean(), [
          [1, 1],
          [4, 2],
        ]),
      ),
    ).toBe(3)
  })

  test('does not lose small observations beside large ones', () => {
    expect(
      mean().value(
        fold(mean(), [
          [1e16, 1],
          [1, 1],
          [-1e16, 1],
          [1, 1],
        ]),
      ),
    ).toBe(0.5)
    const tenth = Array<Event>(100_000).fill([0.1, 1])
    expect(mean().value(fold(mean(), tenth))).toBe(0.1)
  })

  test('does not lose them in a merge either', () => {
    const first = fold(mean(), [
      [1e16, 1],
      [1, 1],
    ])
    const second = fold(mean(), [
      [1, 1],
      [-1e16, 1],
    ])
    expect(mean().value(mean().merge(first, second))).toBe(0.5)
  })

  test('says infinite when an observation was', () => {
    expect(
      mean().value(
        fold(mean(), [
          [1, 1],
          [Number.POSITIVE_INFINITY, 1],
          [1, 1],
        ]),
      ),
    ).toBe(Number.POSITIVE_INFINITY)
  })

  test('refuses a negative weight', () => {
    expect(() => mean().update(mean().init(), 1, -1)).toThrow(
      'mean: weight is -1; it must be a number of events, 0 or more',
    )
    expect(() => mean().update(mean().init(), 1, Number.NaN)).toThrow(
      expect.objectContaining({ code: 'bad-metric' }),
    )
  })
})

describe('ewma', () => {
  laws(ewma(20))
  const half = ewma(1)

  test('halves the weight of an observation every half-life', () => {
    expect(
      half.value(
        fold(half, [
          [6, 1],
          [0, 1],
        ]),
      ),
    ).toBeCloseTo(2, 12) // weights 1/4 and 1/2, divided by 3/4
    const slow = ewma(10)
    const later = fold(slow, [
      [1, 1],
      [0, 10],
    ])
    const fresh = fold(slow, [[1, 1]])
    expect(later.sum).toBeCloseTo(fresh.sum / 2, 12)
  })

  test('is the plain mean in the limit of a long half-life', () => {
    const long = ewma(1e12)
    expect(
      long.value(
        fold(long, [
          [1, 1],
          [2, 1],
          [6, 1],
        ]),
      ),
    ).toBeCloseTo(3, 9)
  })

  test('forgets', () => {
    const state = fold(half, [
      [1000, 1],
      [1, 60],
    ])
    expect(half.value(state)).toBeCloseTo(1, 12)
  })

  test('refuses a half-life that is not a positive number', () => {
    expect(() => ewma(0)).toThrow('ewma: halfLife is 0; it must be a positive number of events')
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => ewma(bad)).toThrow(expect.objectContaining({ code: 'bad-metric' }))
    }
    expect(() => half.update(half.init(), 1, Number.POSITIVE_INFINITY)).toThrow(
      'ewma: weight is Infinity; it must be a number of events, 0 or more',
    )
  })
})

describe('windowed', () => {
  laws(windowed(20))
  laws(windowed(1e9))
  const three = windowed(3)

  test('averages the last events only, and the part of an observation that is among them', () => {
    const state = fold(three, [
      [100, 1],
      [1, 2],
      [4, 2],
    ])
    expect(three.value(state)).toBe(3) // (1 + 4 + 4)/3
    expect(three.value(three.update(state, 7, 9))).toBe(7)
    expect(state.xs).toEqual([1, 4])
    expect(state.weights).toEqual([1, 2])
  })

  test('is the plain mean of the last n events', () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 60 }), (observed, n) => {
        const last = observed.flatMap(([x, weight]) => Array<number>(weight).fill(x)).slice(-n)
        const wanted = last.reduce((sum, x) => sum + x, 0) / last.length
        expect(windowed(n).value(fold(windowed(n), observed))).toBeCloseTo(wanted, 9)
      }),
    )
  })

  test('merges in any grouping to the same state', () => {
    fc.assert(
      fc.property(events, events, events, (a, b, c) => {
        const some = windowed(30)
        const [x, y, z] = [fold(some, a), fold(some, b), fold(some, c)]
        expect(some.merge(some.merge(x, y), z)).toEqual(some.merge(x, some.merge(y, z)))
      }),
    )
  })

  test('holds no more than its window', () => {
    const state = fold(windowed(5), Array<Event>(1000).fill([1, 1]))
    expect(state.xs).toHaveLength(5)
  })

  test('refuses a window that is not a positive number of events', () => {
    expect(() => windowed(0)).toThrow('windowed: events is 0; it must be a positive number of events')
    for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => windowed(bad)).toThrow(expect.objectContaining({ code: 'bad-metric' }))
    expect(() => three.update(three.init(), 1, -1)).toThrow('windowed: weight is -1')
  })
})
