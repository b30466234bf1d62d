import fc from 'fast-check'
import { from, map, scan } from 'rxjs'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  accuracy,
  averageOf,
  bitsPerCharacter,
  clipRate,
  cost,
  each,
  eventsPerSecond,
  ewma,
  type Guess,
  gradientNorm,
  type Metric,
  mean,
  meanAbsoluteError,
  metrics,
  prequentialLoss,
  type Report,
  rootMeanSquaredError,
  type SeenClip,
  type SegmentLengths,
  segmentLengths,
  type Timed,
  tracker,
  windowed,
} from '../../src/index.js'

type Seen = Report & Timed & { readonly guesses: readonly Guess[] } & Guess

const finite = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true })
const guess = fc.record({
  output: fc.array(finite(-3, 3), { minLength: 3, maxLength: 3 }),
  target: fc.nat(2),
})
const seen: fc.Arbitrary<Seen> = fc
  .record({
    length: fc.integer({ min: 1, max: 2000 }),
    loss: finite(0, 9),
    gradientNorm: finite(0, 1e3),
    clipped: fc.boolean(),
    elapsed: finite(1e-6, 10),
    guesses: fc.array(guess, { maxLength: 4 }),
    guess,
  })
  .map(({ guess, ...rest }) => ({
    ...rest,
    ...guess,
    events: 1,
    updates: 1,
    prequential: 1,
    weight: rest.length,
    dropped: 0,
  }))
const stream = fc.array(seen, { minLength: 1, maxLength: 20 })

const costOf = (length: number) => ({ flops: 100 * length + 7, bytes: 8 * length })
const averages = { mean: mean(), ewma: ewma(50), windowed: windowed(300) }

/** All metrics, each with all averages where it takes one. */
const all: Readonly<Record<string, Metric<Seen, unknown, unknown>>> = {
  ...Object.fromEntries(
    Object.entries(averages).flatMap(([name, average]) =>
      Object.entries({
        loss: prequentialLoss<unknown>(average as never),
        bits: bitsPerCharacter<unknown>(average as never),
        norm: gradientNorm<unknown>(average as never),
        clip: clipRate<unknown>(average as never),
        speed: eventsPerSecond<unknown>(average as never),
        accuracy: accuracy<unknown>(average as never, { top: 2 }),
        mae: meanAbsoluteError<unknown>(average as never),
        rmse: rootMeanSquaredError<unknown>(average as never),
        own: averageOf<Seen, unknown>(average as never, ({ loss }) => loss + 1),
      }).map(([metric, made]) => [`${metric} by ${name}`, made]),
    ),
  ),
  segments: segmentLengths(),
  cost: cost(costOf),
  guesses: each(accuracy(mean()), ({ guesses }: Seen) => guesses),
  many: metrics({ loss: prequentialLoss(mean()), segments: segmentLengths() }),
}
// errors read numbers: the class is the number to hit
const adapted = (name: string, { output, ...rest }: Seen): Seen =>
  /mae|rmse/.test(name) ? { ...rest, output: output[0]! as never } : { ...rest, output }

const fold = <S, V>(metric: Metric<Seen, S, V>, observed: readonly Seen[], start = metric.init()): S =>
  observed.reduce((state, one) => metric.update(state, one), start)

/** Equal but for rounding, in any plain data. */
function expectClose(found: unknown, wanted: unknown): void {
  if (typeof wanted === 'number') {
    if (Number.isNaN(wanted)) expect(found).toBeNaN()
    else
      expect(Math.abs((found as number) - wanted)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(wanted)))
    return
  }
  expect(Object.keys(found as object)).toEqual(Object.keys(wanted as object))
  for (const [key, value] of Object.entries(wanted as object))
    expectClose((found as Record<string, unknown>)[key], value)
}

describe.each(Object.entries(all))('the metric %s', (name, metric) => {
  const of = (observed: readonly Seen[]): readonly Seen[] => observed.map(one => adapted(name, one))

  test('merges two halves into the whole', () => {
    fc.assert(
      fc.property(stream, stream, (first, second) => {
        const merged = metric.merge(fold(metric, of(first)), fold(metric, of(second)))
        expectClose(metric.value(merged), metric.value(fold(metric, of([...first, ...second]))))
      }),
      { numRuns: 30 },
    )
  })

  test('goes on from its state as JSON with the same bits', () => {
    fc.assert(
      fc.property(stream, stream, (first, second) => {
        const json = JSON.stringify(fold(metric, of(first)))
        expect(json).not.toContain('null')
        expect(fold(metric, of(second), JSON.parse(json))).toEqual(fold(metric, of([...first, ...second])))
      }),
      { numRuns: 30 },
    )
  })

  test('does not change the state it is given, and merging nothing changes nothing', () => {
    fc.assert(
      fc.property(stream, observed => {
        const state = fold(metric, of(observed))
        const before = JSON.stringify(state)
        metric.update(state, adapted(name, observed[0]!))
        metric.merge(state, state)
        expect(JSON.stringify(state)).toBe(before)
        expectClose(metric.value(metric.merge(metric.init(), state)), metric.value(state))
        expectClose(metric.value(metric.merge(state, metric.init())), metric.value(state))
      }),
      { numRuns: 10 },
    )
  })
})

const report = (over: Partial<Report> = {}): Report => ({
  ...{
    events: 1,
    updates: 1,
    length: 1,
    loss: 1,
    prequential: 1,
    gradientNorm: 1,
    clipped: false,
    dropped: 0,
  },
  ...{ weight: over.length ?? 1 },
  ...over,
})

describe('metrics', () => {
  const figures = metrics({
    loss: prequentialLoss(mean()),
    lately: bitsPerCharacter(windowed(2)),
    norm: gradientNorm(mean()),
    clipped: clipRate(mean()),
    segments: segmentLengths(),
  })
  const reports = [
    report({ length: 3, loss: 2, gradientNorm: 4, clipped: true }),
    report({ length: 1, loss: 6, gradientNorm: 2 }),
  ]

  test('turn reports into a record of figures, in one line of rxjs', () => {
    const seen: unknown[] = []
    from(reports)
      .pipe(scan(figures.update, figures.init()), map(figures.value))
      .subscribe(values => seen.push(values))
    const bin = (from: number, to: number, count: number) => ({ from, to, count })
    expect(seen).toEqual([
      {
        loss: 2,
        lately: 2 / Math.LN2,
        norm: 4,
        clipped: 1,
        segments: { count: 1, mean: 3, longest: 3, histogram: [bin(1, 1, 0), bin(2, 3, 1)] },
      },
      {
        loss: 3,
        lately: 4 / Math.LN2,
        norm: 3,
        clipped: 0.5,
        segments: { count: 2, mean: 2, longest: 3, histogram: [bin(1, 1, 1), bin(2, 3, 1)] },
      },
    ])
  })

  test('know the types of what they read and say', () => {
    expectTypeOf(figures.value(figures.init())).toEqualTypeOf<{
      readonly loss: number
      readonly lately: number
      readonly norm: number
      readonly clipped: number
      readonly segments: SegmentLengths
    }>()
    const both = metrics({ clipped: clipRate(mean()), right: accuracy(mean()) })
    expectTypeOf(both.update).parameter(1).toEqualTypeOf<SeenClip & Guess>()
    // @ts-expect-error a report has no output
    expect(() => both.update(both.init(), report())).toThrow()
  })

  test('in metrics are a record in a record', () => {
    const nested = metrics({ inner: figures, rate: clipRate(ewma(10)) })
    const state = nested.update(nested.init(), reports[0]!)
    expect(nested.value(state)).toMatchObject({ inner: { loss: 2 }, rate: 1 })
  })

  test('go on from a state that was saved before a metric was asked for', () => {
    const before = metrics({ loss: prequentialLoss(mean()) })
    const after = metrics({ loss: prequentialLoss(mean()), clipped: clipRate(mean()) })
    const old = before.update(before.init(), reports[0]!) as never
    expect(after.value(after.update(old, reports[1]!))).toEqual({ loss: 3, clipped: 0 })
    expect(after.value(old)).toEqual({ loss: 2, clipped: Number.NaN })
  })
})

describe('a tracker', () => {
  test('updates, says its value, merges, resets and goes on from its state', () => {
    const rate = clipRate(mean())
    const one = tracker(rate)
    expect(one.value()).toBeNaN()
    one.update({ clipped: true })
    const other = tracker(rate, JSON.parse(JSON.stringify(one.state())))
    other.update({ clipped: false })
    expect([one.value(), other.value()]).toEqual([1, 0.5])
    one.merge(other.state())
    expect(one.value()).toBeCloseTo(2 / 3, 14)
    one.reset()
    expect(one.value()).toBeNaN()
    expect(other.value()).toBe(0.5)
  })
})
