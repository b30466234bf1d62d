import { evaluate, filled, mul, squaredError, type Tensor, type Values, valueAndGradient } from '@bptt/graph'
import { artbp, cell, every, fixed, full, linearNet, unroll, weightsOf } from '@bptt/unroll'
import fc from 'fast-check'
import { concat, from, map, mergeMap, of, Subject, take } from 'rxjs'
import { describe, expect, test } from 'vitest'
import {
  adam,
  chain,
  clipByGlobalNorm,
  type Sample,
  sgd,
  softmaxCrossEntropy,
  type TrainerOptions,
  trainer,
} from '../src/index.js'
import { bits, collect, events, net, speller } from './support.js'

const options: TrainerOptions = {
  model: net,
  loss: squaredError,
  estimator: artbp({ mean: 4, tail: 4, seed: 3 }),
  optimizer: chain(clipByGlobalNorm(1), adam(0.01)),
  seed: 7,
}

/** Rows of a sequence as nested lists [T, 1, n]. */
const columns = (samples: readonly Sample[], part: 'input' | 'target'): unknown[] =>
  samples.map(sample => [sample[part]])

describe('one update', () => {
  test('is the gradient of the unrolled window, one step of sgd', () => {
    const samples = events(5)
    const weights = [1, 1.5, 0.5, 2]
    const online = trainer({ ...options, dtype: 'float64', estimator: fixed(weights), optimizer: sgd(0.1) })
    const start = online.snapshot()
    const line = unroll(net, {
      steps: 5,
      batch: 1,
      form: 'flat',
      loss: squaredError,
      credit: { kind: 'weights', weights },
    })
    const made = evaluate(valueAndGradient(line.graph, { of: 'loss', by: ['params'] }), {
      params: start.params,
      carry: start.carry,
      xs: columns(samples, 'input'),
      targets: columns(samples, 'target'),
    } as Values) as unknown as { loss: Tensor; carry: unknown; gradient: { params: unknown } }
    const { reports } = collect(samples, online.train())
    const after = online.snapshot()
    const flat = (tree: unknown): number[] => Object.values(bits(tree)).flat().map(toNumber)
    const gradient = flat(made.gradient.params)
    flat(after.params).forEach((value, i) => {
      expect(value).toBeCloseTo(flat(start.params)[i]! - 0.1 * gradient[i]!, 13)
    })
    flat(after.carry).forEach((value, i) => expect(value).toBeCloseTo(flat(made.carry)[i]!, 13))
    expect(reports).toHaveLength(1)
    expect(reports[0]).toMatchObject({ events: 5, updates: 1, length: 5, clipped: false })
    expect(reports[0]!.gradientNorm).toBeCloseTo(Math.hypot(...gradient), 12)
    expect(reports[0]!.loss).toBeCloseTo(made.loss.data[0]! / 5, 13)
  })

  test('is pure: the state it gets stays as it was, bit for bit', () => {
    const online = trainer(options)
    const { open: _, ...state } = online.snapshot()
    const before = JSON.stringify(state, (_key, value) =>
      value instanceof Float64Array ? [...value] : value,
    )
    const window = { lanes: [{ first: 1, samples: events(4), credit: [1, 1, 2, 1] }] }
    const [one, two] = [online.step(state, window), online.step(state, window)]
    expect(bits(one[0].params)).toEqual(bits(two[0].params))
    expect(one[1]).toEqual(two[1])
    expect(bits(one[0].params)).not.toEqual(bits(state.params))
    expect(JSON.stringify(state, (_key, value) => (value instanceof Float64Array ? [...value] : value))).toBe(
      before,
    )
    expect(online.snapshot().counters.events).toBe(0)
  })

  test('reports the norm before clipping, and whether it was clipped', () => {
    const samples = events(4).map(sample => ({ ...sample, target: [50] }))
    const run = (max: number): unknown =>
      collect(
        samples,
        trainer({
          ...options,
          estimator: full(),
          optimizer: chain(clipByGlobalNorm(max), sgd(1e-3)),
        }).train(),
      ).reports[0]
    const [tight, loose] = [run(1), run(1e6)] as { gradientNorm: number; clipped: boolean }[]
    expect(tight!.gradientNorm).toBe(loose!.gradientNorm)
    expect(tight!.gradientNorm).toBeGreaterThan(1)
    expect([tight!.clipped, loose!.clipped]).toEqual([true, false])
  })

  test('tells the optimiser how many came before it: Adam by hand, event by event', () => {
    const scale = cell({
      params: () => ({ a: [1] }),
      carry: () => ({}),
      step: ({ a }, carry, x) => [carry, mul(a, x)],
    })({ inputs: 1, hidden: 1 })
    const optimizer = adam(0.1)
    const online = trainer({ ...options, dtype: 'float64', model: scale, estimator: every(1), optimizer })
    const a = (): number => (online.snapshot().params as { a: Tensor }).a.data[0]!
    let [p, m, v] = [a(), 0, 0]
    for (const [i, x] of [1, -2, 0.5, 3].entries()) {
      collect([{ input: [x], target: [1] }], online.train())
      const g = 2 * (p * x - 1) * x
      m = 0.9 * m + 0.1 * g
      v = 0.999 * v + 0.001 * g * g
      p -= (0.1 * (m / (1 - 0.9 ** (i + 1)))) / (Math.sqrt(v / (1 - 0.999 ** (i + 1))) + 1e-8)
      expect(a()).toBeCloseTo(p, 10)
    }
  })

  test('names a bad event by its number in the stream', () => {
    const online = trainer(options)
    collect(events(3), online.train())
    const { open: _, ...state } = online.snapshot()
    const samples = [...events(1), { input: [1], target: [1] }]
    expect(() => online.step(state, { lanes: [{ first: 4, samples, credit: [1, 1] }] })).toThrow(
      "event 5: its input is a list of 1; the model's are [2]",
    )
  })

  test('works for a model without a carry', () => {
    const memoryless = cell({
      params: () => ({ a: [2] }),
      carry: () => ({}),
      step: ({ a }, carry, x) => [carry, mul(a, x)],
    })({ inputs: 2, hidden: 2 })
    const samples = events(3).map(({ input }) => ({ input, target: input }))
    const online = trainer({ ...options, model: memoryless, estimator: every(2), optimizer: sgd(0.1) })
    const { reports, error } = collect(samples, online.train())
    expect(error).toBeUndefined()
    expect(reports.map(report => report.length)).toEqual([2, 1])
    expect(
      trainer({
        ...{ ...options, model: memoryless, estimator: every(2), optimizer: sgd(0.1) },
        from: online.snapshot(),
      }),
    ).toBeDefined()
  })
})

const toNumber = (word: bigint): number => new Float64Array(new BigInt64Array([word]).buffer)[0]!

describe('a trainer', () => {
  test('makes one update per segment of its schedule, and one for what is open at the end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(1e5), (length, seed) => {
        const estimator = artbp({ mean: 5, tail: 4, seed })
        const { reports } = collect(events(length), trainer({ ...options, estimator }).train())
        const lengths: number[] = []
        let n = 1
        for (const weight of weightsOf(estimator, length + 1)) {
          if (weight === 0) lengths.push(n)
          n = weight === 0 ? 1 : n + 1
        }
        if (n > 1) lengths.push(n - 1)
        expect(reports.map(report => report.length)).toEqual(lengths)
        expect(reports.map(report => report.updates)).toEqual(lengths.map((_, i) => i + 1))
        expect(reports[reports.length - 1]!.events).toBe(length)
      }),
      { numRuns: 15 },
    )
  })

  test('is the same bits for the same seed, and others for another', () => {
    const run = (seed: number): unknown => {
      const online = trainer({ ...options, seed })
      const { reports } = collect(events(50), online.train())
      return [reports, bits(online.snapshot().params), bits(online.snapshot().slots)]
    }
    expect(run(7)).toEqual(run(7))
    expect(run(7)).not.toEqual(run(8))
  })

  test('has the same trace however its events come: at once, one by one, in chunks (identity 49)', async () => {
    const samples = events(60, { period: 13 })
    const whole = trainer(options)
    const { reports } = collect(samples, whole.train())
    const chunked = trainer(options)
    const chunks = [samples.slice(0, 1), samples.slice(1, 30), [], samples.slice(30)]
    expect(collect(concat(...chunks.map(chunk => from(chunk))), chunked.train()).reports).toEqual(reports)
    const live = trainer(options)
    const source = new Subject<Sample>()
    const seen: unknown[] = []
    source.pipe(live.train()).subscribe(report => seen.push(report))
    for (const sample of samples) source.next(sample)
    source.complete()
    expect(seen).toEqual(reports)
    const later = trainer(options)
    const slow: unknown[] = []
    await from(samples)
      .pipe(
        mergeMap(sample => of(sample), 1),
        map(sample => Promise.resolve(sample)),
        mergeMap(promise => promise, 1),
        later.train(),
      )
      .forEach(report => {
        slow.push(report)
      })
    expect(slow).toEqual(reports)
    for (const other of [chunked, live, later])
      expect(bits(other.snapshot().params)).toEqual(bits(whole.snapshot().params))
  })

  test('reports the prequential loss: the mean of losses before their updates', () => {
    const { reports } = collect(events(80), trainer(options).train())
    let [sum, count] = [0, 0]
    for (const { loss, length, prequential, events: seen } of reports) {
      sum += loss * length
      count += length
      expect(seen).toBe(count)
      expect(prequential).toBeCloseTo(sum / count, 12)
    }
    // before the update: with the start parameters, the first window costs what it costs any such model
    const frozen = trainer({ ...options, optimizer: sgd(1e-12) })
    expect(collect(events(80), frozen.train()).reports[0]!.loss).toBe(reports[0]!.loss)
  })

  test('carries the state over cuts, and zeroes it at a reset', () => {
    const sum = linearNet({ inputs: 1, hidden: 1, outputs: 1 })
    const one = { shape: [1, 1], data: Float64Array.of(1) }
    const base = { model: sum, loss: squaredError, estimator: every(2), optimizer: sgd(1e-300) }
    const start = { ...trainer(base).snapshot(), params: { U: one, W: one, V: one } }
    const run = (resets: readonly number[]): number[] => {
      const samples = [1, 2, 3, 4, 5].map((x, i) => ({
        input: [x],
        target: [0],
        ...(resets.includes(i + 1) && { reset: true }),
      }))
      const online = trainer({ ...base, from: start })
      return [
        ...collect(samples, online.train()).reports.map(report => report.length),
        (online.snapshot().carry as { h: Tensor }).h.data[0]!,
      ]
    }
    expect(run([])).toEqual([2, 2, 1, 15])
    expect(run([1])).toEqual([2, 2, 1, 15])
    expect(run([3])).toEqual([2, 2, 1, 12])
    expect(run([4])).toEqual([2, 1, 1, 1, 9])
    expect(run([4, 5])).toEqual([2, 1, 1, 1, 5])
  })

  test('learns from both windows of an event that ends two, even when nobody waits for the second', () => {
    const samples = events(2).map((sample, i) => ({ ...sample, reset: i === 1 }))
    const make = (): ReturnType<typeof trainer> => trainer({ ...options, estimator: fixed([1, 0]) })
    const [whole, hasty] = [make(), make()]
    expect(collect(samples, whole.train()).reports).toHaveLength(2)
    const seen: unknown[] = []
    from(samples)
      .pipe(hasty.train(), take(1))
      .subscribe(report => seen.push(report))
    expect(seen).toHaveLength(1)
    expect(bits(hasty.snapshot().params)).toEqual(bits(whole.snapshot().params))
    expect(hasty.snapshot().counters).toEqual(whole.snapshot().counters)
  })
})

describe('a trainer with a bad event', () => {
  const good = events(10)
  const withBad = (at: number, bad: unknown): Sample[] =>
    good.map((s, i) => (i === at - 1 ? (bad as Sample) : s))

  test.each<[string, unknown, string]>([
    ['an input too wide', { input: [1, 2, 3], target: [1] }, "its input is a list of 3; the model's are [2]"],
    ['a number for a list', { input: 1, target: [1] }, "its input is a number; the model's are [2]"],
    ['no input', { target: [1] }, "its input is undefined; the model's are [2]"],
    ['no target', { input: [1, 2], target: null }, "its target is null; the model's are [1]"],
    [
      'a reset in quotes',
      { input: [1, 2], target: [1], reset: 'false' },
      'its reset is "false"; it is true at the first event of a new sequence, else false or left out',
    ],
    [
      'a target too wide',
      { input: [1, 2], target: [1, 2] },
      "its target is a list of 2; the model's are [1]",
    ],
    [
      'NaN',
      { input: [1, Number.NaN], target: [1] },
      'its input holds NaN; events are finite numbers\nhint: filter such events out before the trainer',
    ],
    [
      'an infinite target',
      { input: [1, 1], target: [Number.POSITIVE_INFINITY] },
      'its target holds Infinity; events are finite numbers\nhint: filter such events out before the trainer',
    ],
  ])('refuses %s as it arrives, by its number; the open window stays', (_, bad, message) => {
    const make = (): ReturnType<typeof trainer> => trainer({ ...options, estimator: every(4) })
    const online = make()
    const { reports, error } = collect(withBad(7, bad), online.train())
    expect(error).toMatchObject({ code: 'bad-sample', message: `event 7: ${message}` })
    expect(reports).toHaveLength(1)
    const left = online.snapshot()
    expect([left.counters.events, left.open.lanes[0]!.samples.length, left.open.t]).toEqual([4, 2, 6])
    // without the bad event, and as if it had never been
    const rest = collect(good.slice(7), online.train()).reports
    const never = make()
    const others = collect([...good.slice(0, 6), ...good.slice(7)], never.train()).reports
    expect([...reports, ...rest]).toEqual(others)
    expect(bits(online.snapshot().params)).toEqual(bits(never.snapshot().params))
  })

  test.each<[string, Sample, string]>([
    [
      'class',
      { input: 1, target: 9 },
      'target 9 at position 0 is no class; classes are whole numbers in [0, 4)',
    ],
    [
      'symbol',
      { input: 4, target: 1 },
      'id 4 at position 0 is not a row of 4; ids are whole numbers in [0, 4)',
    ],
    [
      'half a symbol',
      { input: 0.5, target: 1 },
      'id 0.5 at position 0 is not a row of 4; ids are whole numbers in [0, 4)',
    ],
  ])(
    'refuses a %s that the model does not know, by its number; the state is that before the window',
    (_, bad, detail) => {
      const online = trainer({
        ...options,
        model: speller(4),
        loss: softmaxCrossEntropy,
        estimator: every(3),
      })
      const samples = [0, 1, 2, 3, 0, 1, 2, 3].map(s => ({ input: s, target: (s + 1) % 4 }))
      const { reports, error } = collect(
        samples.map((sample, i) => (i === 4 ? bad : sample)),
        online.train(),
      )
      expect(error).toMatchObject({ code: 'bad-sample', message: `event 5: ${detail}` })
      expect(reports).toHaveLength(1)
      const { counters, open } = online.snapshot()
      expect([counters.events, counters.updates]).toEqual([3, 1])
      expect([open.t, open.lanes[0]!.samples]).toEqual([3, []])
      // events 4 … again, repaired, as if nothing had happened
      const again = collect(samples.slice(3), online.train()).reports
      const never = trainer({ ...options, model: speller(4), loss: softmaxCrossEntropy, estimator: every(3) })
      expect([...reports, ...again]).toEqual(collect(samples, never.train()).reports)
    },
  )
})

describe('a trainer that diverges', () => {
  test('stops with not-finite, and stays at the last good state', () => {
    const make = (): ReturnType<typeof trainer> =>
      trainer({ ...options, estimator: every(2), optimizer: sgd(0.1) })
    const huge = events(6).map((sample, i) => (i === 3 ? { ...sample, target: [1e200] } : sample))
    const [online, short] = [make(), make()]
    const { reports, error } = collect(huge, online.train())
    collect(huge.slice(0, 2), short.train())
    expect(error).toMatchObject({
      code: 'not-finite',
      where: 'events 3–4',
      message:
        'events 3–4: the loss is Infinity, first at t = 2 (event 4) in input window.targets: [T, 1, 1], which gives Infinity at [1, 0, 0]; the update was not made, the state is that before these events\n' +
        'hint: a smaller learning rate, or clipByGlobalNorm before the step',
    })
    expect(reports).toHaveLength(1)
    expect(bits(online.snapshot().params)).toEqual(bits(short.snapshot().params))
    expect(bits(online.snapshot().carry)).toEqual(bits(short.snapshot().carry))
    expect(online.snapshot().counters).toEqual(short.snapshot().counters)
    expect(online.snapshot().open).toMatchObject({ t: 2, lanes: [{ samples: [] }] })
  })

  test('never takes a parameter that is not finite', () => {
    const online = trainer({ ...options, estimator: every(1), optimizer: sgd(1e308) })
    const samples = [{ input: [1, 1], target: [1e9] }]
    const { error } = collect(samples, online.train())
    expect(error).toMatchObject({ code: 'not-finite', where: 'event 1' })
    expect((error as Error).message).toMatch(
      /event 1: params\.\S+ would hold -?Infinity, first in \S+: \[12, 2\] = mul\(\S+, -1e\+308\), which gives -?Infinity at \[0, 0\]; the update was not/,
    )
    expect(bits(online.snapshot().params)).toEqual(bits(trainer(options).snapshot().params))
    // 0/0: a zero gradient in Adam without eps
    const zero = trainer({
      ...options,
      model: linearNet({ inputs: 2, hidden: 1, outputs: 1 }),
      estimator: every(1),
      optimizer: adam(0.1, { eps: 0 }),
    })
    const still = collect([{ input: [0, 0], target: [0] }], zero.train())
    expect((still.error as Error).message).toMatch(/params\.\S+ would hold NaN/)
  })

  test('still reports the window before, where one event ends two', () => {
    const samples = [...events(1), { input: [1, 1], target: [1e200], reset: true }]
    const online = trainer({ ...options, estimator: fixed([1, 0]), optimizer: sgd(0.1) })
    const { reports, error } = collect(samples, online.train())
    expect(reports.map(report => report.events)).toEqual([1])
    expect(error).toMatchObject({ code: 'not-finite', where: 'event 2' })
    expect(online.snapshot().open).toMatchObject({ t: 1, lanes: [{ samples: [], due: true }] })
  })
})

describe('a snapshot', () => {
  test('of another model or optimiser is refused', () => {
    const foreign = trainer({ ...options, model: linearNet({ inputs: 2, hidden: 3, outputs: 1 }) }).snapshot()
    expect(() => trainer({ ...options, from: foreign })).toThrow(
      expect.objectContaining({
        code: 'bad-snapshot',
        message:
          "trainer: params 'weight_ih' is missing in the snapshot and [12, 2] here; a snapshot fits the model and optimiser it was made with",
      }),
    )
    const plain = trainer({ ...options, optimizer: sgd(0.1) }).snapshot()
    expect(() => trainer({ ...options, from: plain })).toThrow(
      "trainer: slots 't1.m.weight_ih' is missing in the snapshot and [12, 2] here",
    )
    const wide = { ...trainer(options).snapshot(), carry: { h: filled([1, 3], 0), c: filled([1, 4], 0) } }
    expect(() => trainer({ ...options, from: wide })).toThrow(
      "trainer: carry 'c' is [1, 4] in the snapshot and [1, 3]",
    )
  })
})
