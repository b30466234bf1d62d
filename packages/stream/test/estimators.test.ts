import {
  add,
  evaluate,
  mul,
  reshape,
  squaredError,
  sum,
  type Tensor,
  tanh,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import {
  cell,
  elman,
  every,
  full,
  gru,
  rtrl as rtrlGraph,
  stack,
  unroll,
  windowRunner,
  withReadout,
  zeroCarry,
} from '@bptt/unroll'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  adam,
  bptt,
  chain,
  clipByGlobalNorm,
  type Estimator,
  rtrl,
  type Sample,
  sgd,
  snap,
  type Trainer,
  type TrainerOptions,
  trainer,
  uoro,
} from '../src/index.js'
import { accumulate, bits, collect, events, expectClose, net, noise, numbersOf, stopped } from './support.js'

const base: Omit<TrainerOptions, 'estimator'> = {
  model: net,
  loss: squaredError,
  optimizer: accumulate,
  engine: 'reference',
  seed: 7,
}
const small = withReadout(elman({ inputs: 2, hidden: 2 }), { outputs: 1 })

const sumOf = (online: { snapshot(): { slots: unknown } }): unknown =>
  (online.snapshot().slots as { sum: unknown }).sum

/** The sum of the gradients that a trainer makes of a stream, with parameters that stay. */
function gradientOf(
  samples: readonly Sample[],
  more: Partial<TrainerOptions> & Pick<TrainerOptions, 'estimator'>,
) {
  const online = trainer({ ...base, ...more })
  const { reports, error } = collect(samples, online.train())
  expect(error).toBeUndefined()
  return { sum: sumOf(online), reports, state: online.snapshot() }
}

/** The sequence as inputs of a timeline. */
const sequence = (model: typeof net, samples: readonly Sample[]): Values =>
  ({
    params: model.init(7).params,
    carry: zeroCarry(model, 1),
    xs: rowsOf(
      samples.map(({ input }) => input),
      model.input,
    ),
    targets: rowsOf(
      samples.map(({ target }) => target),
      model.output,
    ),
  }) as unknown as Values

const rowsOf = (values: readonly Sample['input'][], shape: readonly unknown[]): Tensor => ({
  shape: [values.length, 1, ...(shape as number[])],
  data: Float64Array.from(values.flatMap(value => (typeof value === 'number' ? [value] : Array.from(value)))),
})

const sizes = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 5 }))
  .map(([h2, more]) => ({ every: h2, h: h2 + more }))

describe('bptt(h; h′)', () => {
  test('with parameters that stay is the sum over the windows of @bptt/unroll, on both engines', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 1, max: 5 }),
        fc.nat(1e4),
        fc.boolean(),
        (size, n, seed, compiled) => {
          const samples = events(n * size.every, { seed })
          const engine = compiled ? ({ engine: 'compiled', dtype: 'float64' } as const) : {}
          const { sum, state } = gradientOf(samples, { estimator: bptt(size), ...engine })
          const line = unroll(net, { steps: 'T', batch: 1, loss: squaredError })
          const made = windowRunner(line, size).run(sequence(net, samples))
          expectClose(sum, (made.gradient as { params: unknown }).params ?? made.gradient)
          expectClose(state.carry, made.carry)
        },
      ),
      { numRuns: 20 },
    )
  })

  test('with h = h′ is block truncation, update by update, with any optimiser', () => {
    for (const [K, length] of [
      [1, 7],
      [3, 20],
      [5, 15],
    ] as const) {
      const samples = events(length)
      const optimizer = chain(clipByGlobalNorm(1), adam(0.01))
      const [ring, block] = [bptt({ h: K, every: K }), every(K)].map(estimator =>
        gradientLess(samples, { estimator, optimizer }),
      ) as [Learned, Learned]
      expect(ring.reports.map(({ length: n }) => n)).toEqual(block.reports.map(({ length: n }) => n))
      expectClose(ring.params, block.params)
    }
  })

  test('learns on with what was saved when parameters were others', () => {
    // one step of a scalar: h' = tanh(w h + x); the way back over an old step reads its own h, and the w of now
    const scalar = cell({
      params: () => ({ w: [] }),
      carry: () => ({ h: [] }),
      input: () => [],
      step: ({ w }, { h }, x) => {
        const next = tanh(add(mul(w, h), x))
        return [{ h: next }, next]
      },
    })({ inputs: 1, hidden: 1 })
    const samples = noise(3, 6).map(x => ({ input: x, target: -x }))
    const online = trainer({ ...base, model: scalar, estimator: bptt({ h: 3 }), optimizer: sgd(0.5) })
    collect(samples, online.train())
    let w = (
      trainer({ ...base, model: scalar, estimator: bptt({ h: 3 }) }).snapshot().params as { w: Tensor }
    ).w.data[0]!
    let h = 0
    const steps: { before: number; after: number }[] = []
    for (const { input, target } of samples) {
      const after = Math.tanh(w * h + input)
      steps.unshift({ before: h, after })
      let credit = 2 * (after - target)
      let gradient = 0
      for (const step of steps.slice(0, 3)) {
        const inner = credit * (1 - step.after ** 2)
        gradient += inner * step.before
        credit = inner * w
      }
      h = after
      w -= 0.5 * gradient
    }
    expect((online.snapshot().params as { w: Tensor }).w.data[0]).toBeCloseTo(w, 13)
  })

  test('passes no credit over a reset, and starts the carry anew, within a window and before it', () => {
    const samples = events(13, { period: 5 })
    const { sum } = gradientOf(samples, { estimator: bptt({ h: 8, every: 1 }) })
    const { sum: exact, state } = gradientOf(samples, { estimator: full() })
    expectClose(sum, exact)
    expectClose(gradientOf(samples, { estimator: bptt({ h: 12, every: 3 }) }).state.carry, state.carry)
  })

  test('with h as long as the stream is full BPTT of every loss', () => {
    const samples = events(9)
    expectClose(
      gradientOf(samples, { estimator: bptt({ h: 9 }) }).sum,
      gradientOf(samples, { estimator: full() }).sum,
    )
  })

  test('refuses sizes that are none', () => {
    expect(() => bptt({ h: 2, every: 3 })).toThrow(expect.objectContaining({ code: 'bad-windows' }))
  })
})

describe('forward mode', () => {
  const stream = (seed: number): Sample[] =>
    events(12, { seed, period: 5 }).map((sample, i) => (i % 3 === 2 ? { ...sample, weight: i / 4 } : sample))

  test.each([1, 4])('rtrl with parameters that stay is full BPTT, updated every %i events', n => {
    for (const seed of [1, 2]) {
      const { sum, state, reports } = gradientOf(stream(seed), {
        model: small,
        estimator: rtrl({ every: n }),
      })
      const exact = gradientOf(stream(seed), { model: small, estimator: full() })
      expectClose(sum, exact.sum)
      expectClose(state.carry, exact.state.carry)
      expect(reports.at(-1)!.prequential).toBeCloseTo(exact.reports.at(-1)!.prequential, 12)
      expect(reports).toHaveLength(12 / n)
    }
  })

  test('of all influence in snap is rtrl; of one step only it is not', () => {
    const [exact, near, far] = [rtrl(), snap(), snap({ order: 4 })].map(
      estimator =>
        gradientOf(stream(3), { model: stack([small, gru({ inputs: 1, hidden: 1 })]), estimator }).sum,
    )
    expectClose(far, exact)
    expect(() => expectClose(near, exact)).toThrow()
  })

  test('uoro carries its two vectors on: events one by one are the run over all of them', () => {
    const whole = gradientOf(stream(4), { model: small, estimator: uoro({ seed: 5, every: 12 }) })
    const single = gradientOf(stream(4), { model: small, estimator: uoro({ seed: 5 }) })
    expectClose(single.sum, whole.sum)
    const other = gradientOf(stream(4), { model: small, estimator: uoro({ seed: 6 }) })
    expect(() => expectClose(other.sum, whole.sum)).toThrow()
  })

  test('uoro is rtrl in the mean over seeds', () => {
    const samples = events(3)
    const names = (tree: unknown): number[] => Object.values(flat(tree)).flat()
    const exact = names(gradientOf(samples, { model: small, estimator: rtrl() }).sum)
    const runs = Array.from({ length: 400 }, (_, seed) =>
      names(gradientOf(samples, { model: small, estimator: uoro({ seed, every: 3 }) }).sum),
    )
    exact.forEach((value, i) => {
      const drawn = runs.map(run => run[i]!)
      const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length
      const variance = drawn.reduce((a, b) => a + (b - mean) ** 2, 0) / (drawn.length - 1)
      expect(Math.abs(mean - value)).toBeLessThanOrEqual(4.5 * Math.sqrt(variance / drawn.length) + 1e-12)
    })
  })

  test('takes the graphs of @bptt/unroll: one update over all events is their gradient', () => {
    const samples = events(6)
    const { sum } = gradientOf(samples, { model: small, estimator: rtrl({ every: 6 }) })
    const made = evaluate(rtrlGraph(small, { steps: 6, loss: squaredError }), {
      params: small.init(7).params,
      carry: zeroCarry(small),
      xs: samples.map(({ input }) => input),
      targets: samples.map(({ target }) => target),
    } as Values) as unknown as { gradient: { params: unknown } }
    expectClose(sum, made.gradient.params)
  })

  test('refuses models without a carry, and updates that never come', () => {
    const memoryless = cell({
      params: () => ({ a: [2] }),
      carry: () => ({}),
      step: ({ a }, carry, x) => [carry, mul(a, x)],
    })({ inputs: 2, hidden: 2 })
    expect(() => trainer({ ...base, model: memoryless, estimator: rtrl() })).toThrow(
      expect.objectContaining({ code: 'no-state' }),
    )
    expect(() => rtrl({ every: 0 })).toThrow(
      'rtrl: every is 0; an update comes every whole number of events ≥ 1',
    )
    expect(() => uoro({ seed: -1 })).toThrow(expect.objectContaining({ code: 'bad-coin' }))
  })
})

const kinds: Readonly<Record<string, Estimator>> = {
  'bptt(5; 2)': bptt({ h: 5, every: 2 }),
  'bptt(4; 1)': bptt({ h: 4 }),
  'rtrl every 3': rtrl({ every: 3 }),
  snap: snap(),
  uoro: uoro({ seed: 3, every: 2 }),
}

describe('every estimator', () => {
  test.each(Object.keys(kinds))('%s: learns from lanes what it does from each alone', name => {
    if (name === 'uoro') return // its signs are coins of the lane
    const streams = [1, 2, 3].map(seed => events(11, { seed, period: 3 + seed }))
    const rows = streams[0]!.map((_, i) => streams.map(stream => stream[i]!))
    const together = trainer({ ...base, model: small, estimator: kinds[name]!, lanes: 3 })
    expect(collect(rows, together.train()).error).toBeUndefined()
    const alone = streams.map(samples =>
      flat(gradientOf(samples, { model: small, estimator: kinds[name]! }).sum),
    )
    for (const [leaf, values] of Object.entries(flat(sumOf(together))))
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(
          alone.reduce((total, tree) => total + tree[leaf]![i]!, 0),
          11,
        )
      })
  })

  test.each(Object.keys(kinds))('%s: runs compiled as on the reference engine', name => {
    const options = { ...base, model: small, estimator: kinds[name]!, optimizer: adam(0.01) }
    const [one, two] = [{ engine: 'reference' }, { engine: 'compiled', dtype: 'float64' }].map(engine => {
      const online = trainer({ ...options, ...engine } as TrainerOptions)
      const { reports, error } = collect(events(21, { period: 8 }), online.train())
      expect(error).toBeUndefined()
      return { reports, state: online.snapshot() }
    }) as unknown as [Ran, Ran]
    expect(two.reports).toHaveLength(one.reports.length)
    for (const part of ['params', 'carry', 'memory'] as const)
      expectClose(two.state[part], one.state[part], 1e-9)
  })

  test.each(Object.keys(kinds))('%s: stopped anywhere goes on with the same bits, with lanes too', name => {
    fc.assert(
      fc.property(fc.nat(15), fc.boolean(), fc.constantFrom(undefined, 2), (at, compiled, lanes) => {
        const engine = compiled ? {} : ({ engine: 'reference' } as const)
        const options = { ...base, model: small, estimator: kinds[name]!, optimizer: adam(0.01), ...engine }
        const samples = events(15, { period: 6 })
        const given: readonly unknown[] =
          lanes === undefined ? samples : samples.map(one => [one, samples[3]])
        const make = (from?: unknown): Trainer =>
          trainer({ ...options, lanes, from } as never) as unknown as Trainer
        const whole = make()
        const { reports } = collect(given as Sample[], whole.train())
        const first = make()
        const before = collect(stopped(given.slice(0, at)) as Sample[], first.train()).reports
        const second = make(first.snapshot())
        const after = collect(given.slice(at) as Sample[], second.train()).reports
        expect([...before, ...after]).toEqual(reports)
        for (const part of ['params', 'slots', 'carry', 'memory'] as const)
          expect(bits(second.snapshot()[part])).toEqual(bits(whole.snapshot()[part]))
        expect(second.snapshot().open).toEqual(whole.snapshot().open)
      }),
      { numRuns: 6 },
    )
  })

  test('takes models whose outputs have any axes', () => {
    for (const output of [[], [2, 1]] as const) {
      const odd = cell({
        params: () => ({ a: [2] }),
        carry: () => ({ h: [2] }),
        step: ({ a }, { h }, x) => {
          const next = tanh(add(mul(a, h), x))
          const y = output.length === 0 ? sum(next, { axis: -1 }) : next
          return [{ h: next }, output.length === 0 ? y : reshape(y, { shape: [...next.shape, 1] })]
        },
      })({ inputs: 2, hidden: 2 })
      const samples = events(6).map(({ input }) => ({ input, target: output.length === 0 ? 1 : [1, 2] }))
      const sums = [full(), bptt({ h: 6 }), rtrl()].map(
        estimator => gradientOf(samples, { model: odd, estimator }).sum,
      )
      const line = unroll(odd, { steps: 6, batch: 1, loss: squaredError })
      const slope = valueAndGradient(line.graph, { of: 'loss', by: ['params'] })
      const made = evaluate(slope, sequence(odd, samples)) as unknown as { gradient: { params: unknown } }
      for (const found of sums) expectClose(found, made.gradient.params)
    }
  })
})

const flat = (tree: unknown): Record<string, readonly number[]> => Object.fromEntries(numbersOf(tree))

interface Learned {
  readonly reports: readonly { readonly length: number }[]
  readonly params: unknown
}
interface Ran {
  readonly reports: readonly unknown[]
  readonly state: ReturnType<ReturnType<typeof trainer>['snapshot']>
}

function gradientLess(
  samples: readonly Sample[],
  more: Partial<TrainerOptions> & Pick<TrainerOptions, 'estimator'>,
): Learned {
  const { reports, state } = gradientOf(samples, more)
  return { reports, params: state.params }
}
