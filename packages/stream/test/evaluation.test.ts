import { squaredError } from '@bptt/graph'
import { artbp, every } from '@bptt/unroll'
import fc from 'fast-check'
import { concatMap, from, last, map, type Observable, of, scan, toArray } from 'rxjs'
import { describe, expect, test } from 'vitest'
import {
  accuracy,
  adam,
  bptt,
  type Evaluated,
  mean,
  meanAbsoluteError,
  metrics,
  nextStep,
  predictor,
  prequentialLoss,
  type Report,
  rtrl,
  type Sample,
  sgd,
  softmaxCrossEntropy,
  type Trainer,
  type TrainerOptions,
  trainer,
  windows,
} from '../src/index.js'
import { bits, collect, events, net, noise, speller, stopped } from './support.js'

const options: TrainerOptions = {
  model: net,
  loss: squaredError,
  estimator: every(4),
  optimizer: adam(0.01),
  seed: 7,
  engine: 'reference',
}

/** A trainer that learns nothing. */
const still: TrainerOptions = { ...options, optimizer: sgd(1e-300) }

const engines: fc.Arbitrary<Partial<TrainerOptions>> = fc.constantFrom(
  { engine: 'reference' },
  { engine: 'compiled', dtype: 'float64' },
)

/** What an operator makes of values, all at once. */
function all<T>(made: Observable<T>): {
  readonly values: T[]
  readonly error: unknown
} {
  const values: T[] = []
  let error: unknown
  made.subscribe({
    next: value => values.push(value),
    error: thrown => {
      error = thrown
    },
  })
  return { values, error }
}

/** Streams of lanes with resets and weights of their own, as rows. */
const rowsOf = (lanes: number, length: number, seed: number): Sample[][] =>
  Array.from({ length }, (_, i) =>
    Array.from({ length: lanes }, (_lane, lane) => {
      const [draw] = noise(seed + 31 * i + lane, 1)
      const sample = events(1, { seed: seed + 97 * i + lane })[0]!
      return { ...sample, ...(draw! > 0.6 && { reset: true }), ...(draw! < -0.5 && { weight: 3 }) }
    }),
  )

describe('evaluate', () => {
  /** With the lanes of a trainer; those of random cuts would be asked before others are learned from. */
  const cases: fc.Arbitrary<readonly [TrainerOptions['estimator'], number | undefined]> = fc.oneof(
    fc.tuple(
      fc.constantFrom(every(1), every(3), every(5), bptt({ h: 4, every: 2 }), rtrl({ every: 2 })),
      fc.constantFrom(undefined, 1, 3),
    ),
    fc.tuple(
      fc.nat(1e6).map(seed => artbp({ mean: 3, tail: 4, seed })),
      fc.constantFrom(undefined, 1),
    ),
  )

  test('says of every event, while the trainer learns on, the loss that it reports before its updates', () => {
    fc.assert(
      fc.property(cases, engines, fc.nat(1e4), ([estimator, lanes], engine, seed) => {
        const online = trainer({ ...options, ...engine, estimator, lanes } as never) as unknown as Trainer
        const rows = rowsOf(lanes ?? 1, 14, seed).map(row => row.map(({ reset: _, ...sample }) => sample))
        const given = (lanes === undefined ? rows.map(row => row[0]) : rows) as Sample[]
        const seen: Evaluated[] = []
        const asked = from(given).pipe(
          online.evaluate(),
          map(answer => {
            seen.push(...[answer as Evaluated | Evaluated[]].flat())
            return answer as Sample // and only then learned from
          }),
        )
        const { reports, error } = collect(asked, online.train())
        expect(error).toBeUndefined()
        const folded = seen.reduce(
          ([sum, weight], one) => [sum + one.loss * one.weight, weight + one.weight] as const,
          [0, 0] as readonly [number, number],
        )
        expect(seen).toHaveLength(14 * (lanes ?? 1))
        expect(folded[0] / folded[1]).toBeCloseTo(reports.at(-1)!.prequential, 11)
        if (lanes !== undefined) return
        let at = 0
        for (const { length, loss } of reports) {
          const part = seen.slice(at, at + length)
          at += length
          const weight = part.reduce((sum, one) => sum + one.weight, 0)
          const sum = part.reduce((total, one) => total + one.loss * one.weight, 0)
          expect(sum / weight).toBeCloseTo(loss, 11)
        }
      }),
      { numRuns: 20 },
    )
  })

  test('goes on from where the trainer or a snapshot stands, its open window and resets included', () => {
    fc.assert(
      fc.property(fc.nat(12), engines, fc.constantFrom(1, 3), fc.nat(1e4), (at, engine, lanes, seed) => {
        const rows = rowsOf(lanes, 16, seed)
        const single = trainer({ ...still, estimator: every(1), lanes })
        const { reports } = collect(rows, single.train())
        const online = trainer({ ...still, ...engine, lanes })
        expect(collect(stopped(rows.slice(0, at)), online.train()).reports.length).toBeLessThanOrEqual(at)
        const left = rows.slice(at)
        const wanted = reports.slice(reports.length - left.length)
        for (const origin of [undefined, online.snapshot()]) {
          const { values, error } = all(from(left).pipe(online.evaluate(origin)))
          expect(error).toBeUndefined()
          values.forEach((row, i) => {
            const weight = row.reduce((sum, one) => sum + one.weight, 0)
            const mean = row.reduce((sum, one) => sum + one.loss * one.weight, 0) / weight
            expect(mean).toBeCloseTo(wanted[i]!.loss, 11)
          })
        }
      }),
      { numRuns: 20 },
    )
  })

  test('changes nothing of the trainer, bit for bit', () => {
    const [asked, alone] = [trainer(options), trainer(options)]
    const samples = events(10)
    collect(samples, alone.train())
    const through = from(samples).pipe(
      concatMap(sample => {
        all(of(sample, sample).pipe(asked.evaluate()))
        return of(sample)
      }),
    )
    collect(through, asked.train())
    const [a, b] = [asked.snapshot(), alone.snapshot()]
    expect([bits(a.params), bits(a.slots), bits(a.carry)]).toEqual([
      bits(b.params),
      bits(b.slots),
      bits(b.carry),
    ])
    expect([a.counters, a.open]).toEqual([b.counters, b.open])
  })

  test('from a snapshot keeps its parameters while the trainer learns on', () => {
    const online = trainer(options)
    const before = online.snapshot()
    collect(events(8), online.train())
    const ask = (origin?: typeof before): number[] =>
      all(from(events(3, { seed: 4 })).pipe(online.evaluate(origin))).values.map(({ loss }) => loss)
    expect(ask(before)).toEqual(
      all(from(events(3, { seed: 4 })).pipe(trainer(options).evaluate())).values.map(({ loss }) => loss),
    )
    expect(ask()).not.toEqual(ask(before))
  })

  test('begins anew where a window that did was given back', () => {
    const online = trainer({ ...still, estimator: every(2) })
    const huge = { input: [1, 1], target: [1e200] }
    const samples: Sample[] = [...events(2), { ...events(1, { seed: 2 })[0]!, reset: true }, huge]
    expect(collect(samples, online.train()).error).toMatchObject({ code: 'not-finite' })
    const { reset: _, ...next } = samples[2]!
    const fresh = trainer(still)
    expect(all(of(next).pipe(online.evaluate())).values[0]!.loss).toBe(
      all(of(next).pipe(fresh.evaluate())).values[0]!.loss,
    )
  })

  test('feeds the metrics', () => {
    const online = trainer(options)
    const seen = metrics({ loss: prequentialLoss(mean()), error: meanAbsoluteError(mean()) })
    const samples = events(6)
    const { values } = all(
      from(samples).pipe(online.evaluate(), scan(seen.update, seen.init()), map(seen.value), last()),
    )
    const runs = all(from(samples).pipe(online.evaluate())).values
    expect(values[0]!.loss).toBeCloseTo(runs.reduce((sum, { loss }) => sum + loss, 0) / 6, 12)
    const gaps = runs.map(({ output, target }) => Math.abs(output[0]! - (target as number[])[0]!))
    expect(values[0]!.error).toBeCloseTo(gaps.reduce((sum, gap) => sum + gap, 0) / 6, 12)
    const spell = trainer({ ...options, model: speller(3), loss: softmaxCrossEntropy })
    const right = accuracy(mean())
    const share = all(
      of(0, 1, 2, 1).pipe(
        nextStep(),
        spell.evaluate(),
        scan(right.update, right.init()),
        map(right.value),
        last(),
      ),
    ).values[0]!
    expect([0, 1 / 3, 2 / 3, 1]).toContain(share)
  })
})

describe('predict', () => {
  test('says what the predictor and evaluate say, of events whose target is not known', () => {
    const online = trainer({ ...options, engine: 'compiled', dtype: 'float64' })
    const samples = events(5).map((sample, i) => ({ ...sample, name: `e${i}` }))
    const said = all(from(samples.map(({ input, name }) => ({ input, name }))).pipe(online.predict())).values
    const judged = all(from(samples).pipe(online.evaluate())).values
    const runs = predictor(net, online.snapshot().params, { dtype: 'float64' })
    let { carry } = runs
    said.forEach((answer, i) => {
      const [next, output] = runs.step(carry, answer.input)
      carry = next
      expect(answer).toEqual({ input: samples[i]!.input, name: `e${i}`, output })
      expect(judged[i]).toMatchObject({
        name: `e${i}`,
        output,
        target: samples[i]!.target,
        weight: 1,
        length: 1,
      })
    })
  })

  test('takes a list of one question per lane', () => {
    const online = trainer({ ...options, lanes: 2 })
    const [a, b] = events(2) as [Sample, Sample]
    const { values } = all(of([{ input: a.input }, { input: b.input }]).pipe(online.predict()))
    const alone = [a, b].map(
      ({ input }) => all(of({ input }).pipe(trainer(options).predict())).values[0]!.output,
    )
    expect(values[0]!.map(({ output }) => [...output])).toEqual(alone.map(output => [...output]))
  })
})

describe('a question that does not fit', () => {
  const failed = (made: Observable<unknown>): unknown => all(made).error

  test('is refused by its place in the stream', () => {
    const online = trainer(options)
    collect(stopped(events(5)), online.train())
    expect(failed(of({ input: [1, 2] }, { input: [1] }).pipe(online.predict()))).toMatchObject({
      code: 'bad-sample',
      message: "event 7: its input is a list of 1; the model's are [2]",
    })
    expect(failed(of({ input: [1, 2], target: [Number.NaN] }).pipe(online.evaluate()))).toMatchObject({
      message: expect.stringMatching(/^event 6: its target holds NaN; events are finite numbers/),
    })
    expect(failed(of({ input: [1, 2], reset: 1 as never }).pipe(online.predict()))).toMatchObject({
      code: 'bad-sample',
      message:
        'event 6: its reset is 1; it is true at the first event of a new sequence, else false or left out',
    })
    const rows = trainer({ ...options, lanes: 2 })
    expect(failed(of([{ input: [1, 2] }]).pipe(rows.predict()))).toMatchObject({
      message: 'event 1: is a list of 1; with 2 lanes an event is a list of 2 samples',
    })
  })

  test.each(['reference', 'compiled'] as const)(
    'of an unknown symbol names the event, on the %s engine',
    engine => {
      const online = trainer({ ...options, engine, model: speller(4), loss: softmaxCrossEntropy })
      expect(failed(of({ input: 1 }, { input: 4 }).pipe(online.predict()))).toMatchObject({
        code: 'bad-sample',
        message: 'event 2: id 4 at position 0 is not a row of 4; ids are whole numbers in [0, 4)',
      })
    },
  )

  test('is answered with an error where the answer would not be finite', () => {
    const online = trainer(options)
    expect(failed(of({ input: [1, 1], target: [1e200] }).pipe(online.evaluate()))).toMatchObject({
      code: 'not-finite',
      message:
        'event 1: its loss is Infinity\n' +
        'hint: events far outside of what the model was trained on, or parameters too large',
    })
    const foreign = trainer({ ...options, model: speller(4), loss: softmaxCrossEntropy }).snapshot()
    expect(() => online.predict(foreign)).toThrow(expect.objectContaining({ code: 'bad-snapshot' }))
  })
})

describe('windows', () => {
  test('are those the trainer learns from: its step makes the same reports of them', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.constantFrom(undefined, 2), fc.nat(15), (seed, lanes, at) => {
        const estimator = artbp({ mean: 3, tail: 4, seed })
        const rows = rowsOf(lanes ?? 1, 15, seed % 1000)
        const given = (lanes === undefined ? rows.map(row => row[0]) : rows) as Sample[]
        const make = (): Trainer => trainer({ ...options, estimator, lanes } as never) as unknown as Trainer
        const online = make()
        const { reports } = collect(given, online.train())
        const part = make()
        const before = collect(stopped(given.slice(0, at)) as Sample[], part.train()).reports
        const { open, ...state } = part.snapshot()
        const cut = windows(estimator, { lanes, from: open } as never)
        const found = all(
          from(given.slice(at) as never[]).pipe(
            cut,
            scan(([now], window) => part.step(now, window), [state] as unknown as ReturnType<
              typeof part.step
            >),
            map(([, report]): Report => report),
            toArray(),
          ),
        ).values[0]!
        expect([...before, ...found]).toEqual(reports)
      }),
      { numRuns: 12 },
    )
  })

  test('begin anew with every subscription, and refuse lanes that are none', () => {
    const cut = from(events(5)).pipe(windows(every(3)))
    const lengths = (): number[] => all(cut).values.map(({ lanes }) => lanes[0]!.samples.length)
    expect([lengths(), lengths()]).toEqual([
      [3, 2],
      [3, 2],
    ])
    expect(() => windows(every(3), { lanes: 0 })).toThrow(
      'windows: lanes is 0; there is a whole number of lanes ≥ 1',
    )
  })
})
