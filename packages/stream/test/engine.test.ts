import { huber, isTensor, leaves, mul, type Tensor, type Tree } from '@bptt/graph'
import { artbp, cell, every, fixed, full, gru, type Schedule, stack, withReadout } from '@bptt/unroll'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  adam,
  chain,
  clipByGlobalNorm,
  type Report,
  type Sample,
  type Snapshot,
  sgd,
  softmaxCrossEntropy,
  squaredError,
  type TrainerOptions,
  trainer,
} from '../src/index.js'
import { bits, collect, events, net, noise, speller } from './support.js'

const base: Omit<TrainerOptions, 'estimator'> = {
  model: net,
  loss: squaredError,
  optimizer: chain(clipByGlobalNorm(1), adam(0.01)),
  seed: 7,
}
const engines = {
  reference: { engine: 'reference' },
  float64: { engine: 'compiled', dtype: 'float64' },
  float32: { dtype: 'float32' },
  portable: { dtype: 'float32', flavour: 'portable' },
} as const

const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  fc.constant(full()),
  fc.integer({ min: 1, max: 7 }).map(K => every(K)),
  fc.nat(1e6).map(seed => artbp({ mean: 4, tail: 4, seed })),
)

/** The largest difference of two states or reports, relative to 1 or the larger number. */
function apart(a: unknown, b: unknown): number {
  const [left, right] = [flat(a), flat(b)]
  if ([...left.keys()].join() !== [...right.keys()].join()) return Number.POSITIVE_INFINITY
  return Math.max(
    0,
    ...[...left].flatMap(([name, values]) =>
      values.map((x, i) => {
        const y = right.get(name)![i]!
        return Math.abs(x - y) / Math.max(1, Math.abs(x), Math.abs(y))
      }),
    ),
  )
}

function flat(value: unknown): Map<string, readonly number[]> {
  const { params, slots, carry } = value as Snapshot
  const trees = params === undefined ? (value as Tree<Tensor>) : { params, slots, carry }
  return new Map(
    leaves<Tensor>(trees as Tree<Tensor>, isTensor, 'test').map(([name, { data }]) => [name, [...data]]),
  )
}

const reportGap = (a: readonly Report[], b: readonly Report[]): number =>
  Math.max(
    0,
    ...a.flatMap((report, i) =>
      (['loss', 'prequential', 'gradientNorm'] as const).map(
        key => Math.abs(report[key] - b[i]![key]) / Math.max(1, Math.abs(report[key])),
      ),
    ),
  )

/** Numbers and counts of a report that no rounding changes. */
const counted = (reports: readonly Report[]): unknown =>
  reports.map(({ events: seen, updates, length, clipped }) => [seen, updates, length, clipped])

const symbols = (length: number, classes: number): Sample[] =>
  noise(5, length).map((x, i) => ({
    input: Math.floor(((x + 1) / 2) * classes),
    target: i % classes,
    ...(i % 17 === 16 && { reset: true }),
  }))

const models: Readonly<Record<string, readonly [Partial<TrainerOptions>, readonly Sample[]]>> = {
  'a net': [{}, events(120, { period: 13 })],
  'a stack of nets': [
    {
      model: withReadout(stack([gru({ inputs: 2, hidden: 3 }), gru({ inputs: 3, hidden: 5 })]), {
        outputs: 1,
      }),
    },
    events(60, { period: 29 }),
  ],
  'a net of symbols': [{ model: speller(6), loss: softmaxCrossEntropy }, symbols(120, 6)],
  'plain gradient descent, without slots': [{ optimizer: sgd(0.05) }, events(80, { period: 9 })],
  'a robust loss': [{ loss: huber }, events(80)],
  'a net without a carry': [
    {
      model: cell({
        params: () => ({ a: [2] }),
        carry: () => ({}),
        step: ({ a }, carry, x) => [carry, mul(a, x)],
      })({ inputs: 2, hidden: 2 }),
    },
    events(30).map(({ input }) => ({ input, target: input })),
  ],
}

describe('the compiled engine', () => {
  test.each(Object.keys(models))('trains %s in float64 as the reference does, update by update', name => {
    const [more, samples] = models[name]!
    fc.assert(
      fc.property(schedules, estimator => {
        const [one, two] = (['reference', 'float64'] as const).map(engine => {
          const online = trainer({ ...base, ...more, ...engines[engine], estimator })
          return { ...collect(samples, online.train()), state: online.snapshot() }
        }) as unknown as [Run, Run]
        expect(one.error).toBeUndefined()
        expect(two.error).toBeUndefined()
        expect(counted(two.reports)).toEqual(counted(one.reports))
        expect(reportGap(one.reports, two.reports)).toBeLessThanOrEqual(1e-10)
        expect(apart(two.state, one.state)).toBeLessThanOrEqual(1e-10)
        expect(two.state.open).toEqual(one.state.open)
      }),
      { numRuns: 5, seed: 1 },
    )
  })

  test.each(Object.keys(models))('trains %s in float32, the default, closely', name => {
    const [more, samples] = models[name]!
    const options = { ...base, ...more, estimator: every(4), optimizer: sgd(0.01) }
    const [one, two] = [engines.reference, {}].map(engine => {
      const online = trainer({ ...options, ...engine })
      return { ...collect(samples, online.train()), state: online.snapshot() }
    }) as unknown as [Run, Run]
    expect(reportGap(one.reports, two.reports)).toBeLessThanOrEqual(1e-4)
    expect(apart(two.state, one.state)).toBeLessThanOrEqual(1e-4)
  })

  test('has in one window what the reference has to the last digits', () => {
    for (const length of [1, 2, 7, 50]) {
      const [one, two] = (['reference', 'float64'] as const).map(engine => {
        const online = trainer({ ...base, ...engines[engine], estimator: full() })
        return { ...collect(events(length), online.train()), state: online.snapshot() }
      }) as unknown as [Run, Run]
      expect(apart(two.state, one.state)).toBeLessThanOrEqual(1e-12)
      expect(reportGap(one.reports, two.reports)).toBeLessThanOrEqual(1e-12)
    }
  })
})

interface Run {
  readonly reports: readonly Report[]
  readonly error: unknown
  readonly state: Snapshot
}

/** Everything a snapshot holds, with tensors as bits. */
const content = ({ params, slots, carry, memory, counters, open }: Snapshot): unknown => ({
  params: bits(params),
  slots: bits(slots),
  carry: bits(carry),
  memory: bits(memory),
  counters,
  open,
})

/** Takes events without ending the stream: the window stays open. */
function feed(online: ReturnType<typeof trainer>, samples: readonly Sample[]): readonly Report[] {
  const stop = new Error('stop')
  const source = function* (): Generator<Sample> {
    yield* samples
    throw stop
  }
  const { reports, error } = collect(source() as unknown as Sample[], online.train())
  expect(error).toBe(stop)
  return reports
}

describe('a snapshot of the compiled engine', () => {
  test.each(['float32', 'portable', 'float64'] as const)(
    'in %s goes on bit by bit, from within a window too, whatever the first trainer does then',
    engine => {
      fc.assert(
        fc.property(schedules, fc.nat(40), fc.integer({ min: 2, max: 12 }), (estimator, at, period) => {
          const options = { ...base, ...engines[engine], estimator }
          const samples = events(40, { period })
          const whole = trainer(options)
          const { reports } = collect(samples, whole.train())
          const first = trainer(options)
          const before = feed(first, samples.slice(0, at))
          const snapshot = first.snapshot()
          const held = content(snapshot)
          collect(events(9, { seed: 5 }), first.train())
          expect(content(snapshot)).toEqual(held)
          const second = trainer({ ...options, seed: 99, from: snapshot })
          expect(content(second.snapshot())).toEqual(held)
          const after = collect(samples.slice(at), second.train()).reports
          expect([...before, ...after]).toEqual(reports)
          expect(content(second.snapshot())).toEqual(content(whole.snapshot()))
        }),
        { numRuns: 12, seed: 3 },
      )
    },
  )

  test('taken between any two events changes nothing', () => {
    const options = { ...base, estimator: every(3) }
    const [quiet, watched] = [trainer(options), trainer(options)]
    const samples = events(25, { period: 8 })
    collect(samples, quiet.train())
    for (const sample of samples) {
      feed(watched, [sample])
      watched.snapshot()
    }
    collect([], watched.train())
    expect(content(watched.snapshot())).toEqual(content(quiet.snapshot()))
  })
})

describe('a window that fails', () => {
  const huge = (at: number, of: readonly Sample[]): Sample[] =>
    of.map((sample, i) => (i === at ? { ...sample, target: [1e300] } : sample))

  test.each(['reference', 'float32', 'float64'] as const)(
    'on the %s engine leaves the state of before; training goes on as if it had not been',
    engine => {
      for (const period of [Number.POSITIVE_INFINITY, 6]) {
        const options = { ...base, ...engines[engine], estimator: every(3), optimizer: adam(0.01) }
        const samples = events(12, { period })
        const online = trainer(options)
        collect(samples.slice(0, 6), online.train())
        const before = online.snapshot()
        const { error, reports } = collect(huge(1, samples.slice(6, 9)), online.train())
        expect(error).toMatchObject({ code: 'not-finite' })
        expect(reports).toEqual([])
        const after = online.snapshot()
        expect([bits(after.params), bits(after.slots), bits(after.carry), after.counters]).toEqual([
          bits(before.params),
          bits(before.slots),
          bits(before.carry),
          before.counters,
        ])
        const never = trainer({ ...options, from: after })
        const rest = samples.slice(9)
        expect(collect(rest, online.train()).reports).toEqual(collect(rest, never.train()).reports)
        expect(content(online.snapshot())).toEqual(content(never.snapshot()))
      }
    },
  )

  test('fails alike on both engines: the same error, event and state', () => {
    const runs = (['reference', 'float64'] as const).map(engine => {
      const online = trainer({ ...base, ...engines[engine], estimator: fixed([1, 0, 1, 1, 0, 1]) })
      return { ...collect(huge(3, events(9)), online.train()), state: online.snapshot() }
    }) as unknown as [Run, Run]
    expect((runs[1].error as Error).message).toBe((runs[0].error as Error).message)
    expect(counted(runs[1].reports)).toEqual(counted(runs[0].reports))
    expect(apart(runs[1].state, runs[0].state)).toBeLessThanOrEqual(1e-12)
  })

  test.each([
    ['input', { input: 6, target: 0 }],
    ['input', { input: -1, target: 0 }],
    ['target', { input: 1, target: 6 }],
    ['target', { input: 1, target: 1.5 }],
  ])('for an %s that is no symbol names the event; the state is as it was', (_, bad) => {
    const runs = (['reference', 'float64', 'float32'] as const).map(engine => {
      const options = { ...base, ...engines[engine], model: speller(6), loss: softmaxCrossEntropy }
      const online = trainer({ ...options, estimator: every(4) })
      const samples = symbols(12, 6)
      collect(samples.slice(0, 4), online.train())
      const before = content(online.snapshot())
      const { error } = collect([samples[4]!, bad, ...samples.slice(5, 8)], online.train())
      const after = online.snapshot()
      expect(content({ ...after, open: (before as Snapshot).open })).toEqual(before)
      const never = trainer({ ...options, estimator: every(4), from: after })
      expect(collect(samples.slice(8), online.train()).reports).toEqual(
        collect(samples.slice(8), never.train()).reports,
      )
      return error as Error
    })
    expect(runs[0]).toMatchObject({ code: 'bad-sample' })
    expect(runs[0]!.message).toContain('event 6')
    expect(runs.map(({ message }) => message)).toEqual(runs.map(() => runs[0]!.message))
  })

  test('that begins with a reset leaves the carry of before', () => {
    for (const engine of ['reference', 'float32'] as const) {
      const online = trainer({ ...base, ...engines[engine], estimator: every(2) })
      collect(events(4), online.train())
      const before = bits(online.snapshot().carry)
      const [a, b] = events(2, { seed: 9 }) as [Sample, Sample]
      const { error } = collect(
        [
          { ...a, reset: true },
          { ...b, target: [1e300] },
        ],
        online.train(),
      )
      expect(error).toMatchObject({ code: 'not-finite' })
      expect(bits(online.snapshot().carry)).toEqual(before)
    }
  })
})
