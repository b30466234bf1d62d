import { squaredError, type Tensor } from '@bptt/graph'
import { artbp, elman, every, linearNet, withReadout } from '@bptt/unroll'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { NotFiniteError } from '../src/finite.js'
import {
  adam,
  bptt,
  clipRate,
  type Engine,
  type Estimator,
  gradientNorm,
  mean,
  type Report,
  rtrl,
  type Sample,
  type Snapshot,
  sgd,
  type Trainer,
  type TrainerOptions,
  trainer,
  uoro,
} from '../src/index.js'
import { bits, collect, events, stopped } from './support.js'

const base: Omit<TrainerOptions, 'estimator'> = {
  model: withReadout(elman({ inputs: 2, hidden: 2 }), { outputs: 1 }),
  loss: squaredError,
  optimizer: adam(0.01),
  seed: 7,
}
const engines: Readonly<Record<string, Engine>> = {
  compiled: {},
  reference: { engine: 'reference' },
}
const kinds: Readonly<Record<string, TrainerOptions['estimator']>> = {
  'every(3)': every(3),
  'bptt(5; 3)': bptt({ h: 5, every: 3 }),
  'rtrl every 3': rtrl({ every: 3 }),
  'uoro every 3': uoro({ seed: 2, every: 3 }),
}
const cases = Object.keys(engines).flatMap(engine =>
  Object.keys(kinds).flatMap(kind =>
    (kind === 'every(3)' || engine === 'reference' ? [1, 2] : [1]).map(
      lanes => [engine, kind, lanes] as const,
    ),
  ),
)

/** A loss that overflows in float32, and one in float64 too. */
const huge = (engine: string): number => (engine === 'compiled' ? 1e25 : 1e200)

interface Made {
  readonly online: Trainer
  /** Events as the trainer takes them. */
  readonly rows: (samples: readonly Sample[]) => Sample[]
}

function make(engine: string, kind: string, lanes: number, more: Partial<TrainerOptions> = {}): Made {
  const options = { ...base, ...engines[engine], estimator: kinds[kind]!, ...more }
  if (lanes === 1) return { online: trainer(options), rows: samples => [...samples] }
  const online = trainer({ ...options, lanes }) as unknown as Trainer
  const calm = events(40, { seed: 9 })
  return { online, rows: samples => samples.map((one, i) => [calm[i % 40]!, one] as unknown as Sample) }
}

/** The same events, with one that is not bearable. */
const withHuge = (samples: readonly Sample[], at: number, engine: string): Sample[] =>
  samples.map((sample, i) => (i + 1 === at ? { ...sample, target: [huge(engine)] } : sample))

const stateBits = ({ params, slots, carry, memory }: Snapshot): unknown =>
  [params, slots, carry, memory].map(bits)

describe.each(cases)('on the %s engine, %s, %i lane(s): a loss that is not finite', (engine, kind, lanes) => {
  test('stops with the node, the step and the event, at the last good state', () => {
    const { online, rows } = make(engine, kind, lanes)
    const { reports, error } = collect(rows(withHuge(events(9), 5, engine)), online.train())
    expect(reports.map(report => report.notFinite)).toEqual([undefined])
    const place = lanes === 1 ? 'at t = 2 (event 5)' : 'at t = 2 (event 5 of lane 1)'
    expect(error).toMatchObject({ code: 'not-finite', where: 'events 4–6' })
    expect((error as Error).message).toContain(`the loss is Infinity, first ${place} in `)
    expect((error as Error).message).toMatch(/ = square\(\S+\), which gives Infinity at \[.*\]; the update/)
    const short = make(engine, kind, lanes)
    collect(short.rows(events(9).slice(0, 3)), short.online.train())
    expect(stateBits(online.snapshot())).toEqual(stateBits(short.online.snapshot()))
    expect(online.snapshot().counters).toEqual(short.online.snapshot().counters)
    expect(online.snapshot().open.t).toBe(3)
  })

  test('is passed over by skip: as if the events had not been there, whichever they are', () => {
    if (kind.startsWith('uoro')) return // its signs are coins of the event's place
    for (const at of [2, 8]) {
      const samples = events(15)
      const bad = withHuge(samples, at, engine)
      const first = Math.floor((at - 1) / 3) * 3
      const [one, other] = [make(engine, kind, lanes, { notFinite: 'skip' }), make(engine, kind, lanes)]
      const { reports, error } = collect(one.rows(bad), one.online.train())
      expect(error).toBeUndefined()
      const without = one.rows(samples).filter((_, i) => i < first || i >= first + 3)
      const others = collect(without, other.online.train()).reports
      expect(reports.filter(report => report.notFinite === undefined)).toEqual(others)
      expect(stateBits(one.online.snapshot())).toEqual(stateBits(other.online.snapshot()))
      expect(one.online.snapshot().counters).toEqual(other.online.snapshot().counters)
      expect(one.online.snapshot().open.t).toBe(15)
      expect(reports.find(report => report.notFinite !== undefined)).toMatchObject({
        ...{ length: 3 * lanes, weight: 0, loss: 0, gradientNorm: 0, clipped: false },
        ...{ events: first * lanes, updates: first / 3 },
        notFinite: {
          from: first + 1,
          to: first + 3,
          t: at - first,
          event: at,
          ...(lanes > 1 && { lane: 1 }),
        },
      })
    }
  })

  test('is passed over by rollback, which goes on from some time ago, as a trainer made from there', () => {
    const more = { notFinite: 'rollback', rollbackEvery: 2 } as const
    const { online, rows } = make(engine, kind, lanes, more)
    const samples = rows(withHuge(events(30), 20, engine))
    const { reports, error } = collect(samples, online.train())
    expect(error).toBeUndefined()
    // six updates: states kept after none, two, four; the window 19–21 goes back to those after four
    expect(reports.map(({ updates }) => updates)).toEqual([1, 2, 3, 4, 5, 6, 4, 5, 6, 7])
    const old = make(engine, kind, lanes)
    const { error: stop } = collect(stopped(samples.slice(0, 12)), old.online.train())
    expect(stop).toMatchObject({ message: 'stop' })
    const begin = make(engine, kind, lanes, { ...more, from: old.online.snapshot() })
    expect(reports[6]!.notFinite).toMatchObject({ from: 19, to: 21 })
    const rest = samples.slice(21).map((row, i) => (i === 0 ? anew(row) : row))
    if (kind.startsWith('uoro')) return // its signs are coins of the event's place
    const after = collect(rest, begin.online.train()).reports
    expect(after.map(({ loss, updates }) => [loss, updates])).toEqual(
      reports.slice(7).map(({ loss, updates }) => [loss, updates]),
    )
    expect(stateBits(online.snapshot())).toEqual(stateBits(begin.online.snapshot()))
  })
})

const anew = (row: Sample): Sample =>
  (Array.isArray(row) ? row.map(one => ({ ...one, reset: true })) : { ...row, reset: true }) as Sample

describe('of several lanes', () => {
  test('the one is named whose event it is, however their segments are cut', () => {
    const places = fc.tuple(fc.nat(4), fc.integer({ min: 1, max: 12 }), fc.nat(1e4))
    fc.assert(
      fc.property(
        places,
        fc.constantFrom('artbp', 'bptt(5; 3)', 'uoro every 3'),
        ([lane, at, seed], kind) => {
          const estimator = kinds[kind] ?? artbp({ mean: 3, tail: 4, seed })
          const online = trainer({ ...base, engine: 'reference', estimator, lanes: 5 })
          const streams = Array.from({ length: 5 }, (_, i) => {
            const own = events(12, { seed: seed + i, period: 5 })
            return i === lane ? withHuge(own, at, 'reference') : own
          })
          const rows = streams[0]!.map((_, i) => streams.map(stream => stream[i]!))
          const { error } = collect(rows, online.train())
          expect((error as NotFiniteError).found).toMatchObject({ event: at, lane })
          expect((error as Error).message).toContain(` (event ${at} of lane ${lane}) in `)
        },
      ),
      { numRuns: 15 },
    )
  })

  test('none is named where each alone is finite and their sum is not', () => {
    const online = trainer({ ...base, engine: 'reference', estimator: every(1), lanes: 2 })
    const one = { ...events(1)[0]!, target: [1e154], weight: 1.2 }
    const { error } = collect([[one, one]], online.train())
    expect(error).toMatchObject({ code: 'not-finite', where: 'event 1' })
    expect((error as Error).message).not.toContain('of lane')
  })
})

describe('a trainer that passes over what is not finite', () => {
  const policies = fc.constantFrom('skip' as const, 'rollback' as const)
  const estimators = fc.constantFrom<TrainerOptions['estimator'] | Estimator>(
    ...Object.values(kinds),
    artbp({ mean: 4, tail: 4, seed: 1 }),
  )

  test('goes on with the same bits from a snapshot, wherever it stopped', () => {
    fc.assert(
      fc.property(
        ...[
          policies,
          estimators,
          fc.nat(24),
          fc.uniqueArray(fc.integer({ min: 1, max: 24 }), { maxLength: 5 }),
        ],
        fc.boolean(),
        (notFinite, estimator, at, bad, compiled) => {
          const engine = compiled ? 'compiled' : 'reference'
          const options = { ...base, ...engines[engine], estimator, notFinite, rollbackEvery: 2 }
          const samples = bad.reduce<Sample[]>(
            (list, place) => withHuge(list, place, engine),
            events(24, { period: 7 }),
          )
          const [whole, first] = [trainer(options), trainer(options)]
          const { reports, error } = collect(samples, whole.train())
          expect(error).toBeUndefined()
          const before = collect(stopped(samples.slice(0, at)), first.train()).reports
          const second = trainer({ ...options, from: first.snapshot() })
          const after = collect(samples.slice(at), second.train()).reports
          // the node is looked for in the first of several in a row, also after a stop
          const plain = (list: readonly Report[]): unknown =>
            list.map(({ notFinite: found, ...rest }) => [rest, found?.from])
          expect(plain([...before, ...after])).toEqual(plain(reports))
          const [a, b] = [whole.snapshot(), second.snapshot()]
          expect(stateBits(b)).toEqual(stateBits(a))
          expect([b.counters, b.open]).toEqual([a.counters, a.open])
          expect(b.kept?.map(({ updates, ...values }) => [updates, bits(values)])).toEqual(
            a.kept?.map(({ updates, ...values }) => [updates, bits(values)]),
          )
        },
      ),
      { numRuns: 8 },
    )
  })

  test('begins a sequence anew where the events passed over began it', () => {
    const run = (samples: readonly Sample[], notFinite: 'stop' | 'skip'): Trainer => {
      const online = trainer({ ...base, estimator: every(3), notFinite, engine: 'reference' })
      expect(collect(samples, online.train()).error).toBeUndefined()
      return online
    }
    const samples = events(9).map((sample, i) => (i === 3 ? { ...sample, reset: true } : sample))
    const passed = run(withHuge(samples, 5, 'reference'), 'skip')
    const without = samples.filter((_, i) => i < 3 || i > 5)
    const anewThere = without.map((sample, i) => (i === 3 ? { ...sample, reset: true } : sample))
    expect(stateBits(passed.snapshot())).toEqual(stateBits(run(anewThere, 'stop').snapshot()))
    expect(stateBits(passed.snapshot())).not.toEqual(stateBits(run(without, 'stop').snapshot()))
  })

  test('names the node in the first of several windows in a row', () => {
    const online = trainer({ ...base, estimator: every(2), notFinite: 'skip', engine: 'reference' })
    const samples = [3, 5, 6, 9].reduce((list, at) => withHuge(list, at, 'reference'), events(10))
    const { reports } = collect(samples, online.train())
    expect(reports.map(({ notFinite }) => notFinite?.event)).toEqual([undefined, 3, undefined, undefined, 9])
    expect(reports[2]!.notFinite).toEqual({ text: 'the loss is Infinity', from: 5, to: 6 })
  })

  test('reports nothing that metrics would count as learning', () => {
    const online = trainer({ ...base, estimator: every(2), notFinite: 'skip' })
    const { reports } = collect(withHuge(events(6), 4, 'compiled'), online.train())
    const [norm, clipped] = [gradientNorm(mean()), clipRate(mean())]
    const norms = reports
      .filter(({ notFinite }) => notFinite === undefined)
      .map(report => report.gradientNorm)
    expect(norms).toHaveLength(2)
    expect(norm.value(reports.reduce(norm.update, norm.init()))).toBeCloseTo((norms[0]! + norms[1]!) / 2, 14)
    expect(reports.reduce(clipped.update, clipped.init()).weight).toBe(2)
  })

  test('still ends at a bad event', () => {
    const online = trainer({ ...base, estimator: every(2), notFinite: 'skip' })
    const { error } = collect([...events(3), { input: [Number.NaN, 0], target: [1] }], online.train())
    expect(error).toMatchObject({ code: 'bad-sample', where: 'event 4' })
  })

  test('is told what it does in words that there are', () => {
    const bad =
      (more: object): (() => unknown) =>
      () =>
        trainer({ ...base, estimator: every(2), ...more })
    expect(bad({ notFinite: 'retry' })).toThrow(
      "trainer: notFinite is 'retry'; it is 'stop', 'skip' or 'rollback'",
    )
    for (const rollbackEvery of [0, 1.5, Number.NaN])
      expect(bad({ notFinite: 'rollback', rollbackEvery })).toThrow(
        `trainer: rollbackEvery is ${rollbackEvery}; it is a whole number of updates ≥ 1`,
      )
  })
})

describe('the step that is named', () => {
  const one = (value: number): Tensor => ({ shape: [1, 1], data: Float64Array.of(value) })
  const messageOf = (more: Pick<TrainerOptions, 'estimator'>, samples: readonly Sample[]): string => {
    const options = {
      ...base,
      model: linearNet({ inputs: 1, hidden: 1, outputs: 1 }),
      optimizer: sgd(1),
      ...more,
    }
    const from = { ...trainer(options).snapshot(), params: { U: one(1), W: one(1e10), V: one(1) } }
    return (collect(samples, trainer({ ...options, from }).train()).error as Error).message
  }
  const at = (place: number, sample: Partial<Sample>): Sample[] =>
    Array.from({ length: 6 }, (_, i) => ({
      ...{ input: [0], target: [0] },
      ...(i + 1 === place && sample),
    }))

  test('of the way back over saved steps is that of an event before the window', () => {
    // credit grows 1e10-fold a step: 1e10 at event 6, 1e30 at 4, and what passes on from there is too large for float32
    const message = messageOf({ estimator: bptt({ h: 4, every: 2 }) }, at(6, { target: [1e10] }))
    expect(message).toMatch(/^events 5–6: the gradient's norm is \w+, first at t = 2 \(event 4\) in /)
    const block = messageOf({ estimator: every(6) }, at(6, { target: [1e10] }))
    expect(block).toMatch(/^events 1–6: the gradient's norm is \w+, first at t = 4 \(event 4\) in /)
  })

  test('of a value with a row for every event is its row', () => {
    const loss = { target: [1e18], weight: 1e20 }
    for (const estimator of [bptt({ h: 4, every: 2 }), bptt({ h: 2, every: 2 }), every(2)])
      expect(messageOf({ estimator }, at(4, loss))).toMatch(
        /^events 3–4: the loss is Infinity, first at t = 2 \(event 4\) in \S+: \[\w, 1\] = mul\(\w+, window.weights\), which/,
      )
  })
})
