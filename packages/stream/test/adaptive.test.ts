import { add, mul, squaredError, type Tensor } from '@bptt/graph'
import { cell, elman, lagNorms, withReadout, zeroCarry } from '@bptt/unroll'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adam, adaptive, type Sample, sgd, type Trainer, type TrainerOptions, trainer } from '../src/index.js'
import { bits, collect, events, net, stopped, throughJson } from './support.js'

const options: TrainerOptions = {
  model: net,
  loss: squaredError,
  estimator: adaptive({ bias: 0.3, max: 8, every: 3 }),
  optimizer: adam(0.01),
  engine: 'reference',
  seed: 7,
}

/** h' = a h + x, y = h: the derivative of a loss by the state k steps before is a^k times that by its own. */
const leaky = (a: number): TrainerOptions['model'] =>
  cell({
    params: () => ({ w: [] }),
    carry: () => ({ h: [] }),
    input: () => [],
    step: ({ w }, { h }, x) => {
      const next = add(mul(h, a), mul(w, x))
      return [{ h: next }, next]
    },
  })({ inputs: 1, hidden: 1 })

const lengthsOf = (reports: readonly { readonly length: number }[]): number[] =>
  reports.map(({ length }) => length)

describe('adaptive truncation on a stream', () => {
  const numbers = events(40).map(({ input }) => ({ input: (input as number[])[0]!, target: 5 }))

  test('finds how fast credit decays, and takes the shortest segment within the bias', () => {
    // kept (1 − r^K), lost r^K of all: r^K / (1 − 2 r^K) ≤ δ
    for (const [r, bias] of [
      [0.5, 0.3],
      [0.5, 0.05],
      [0.2, 0.3],
    ] as const) {
      const K = Math.ceil(Math.log(bias / (1 + 2 * bias)) / Math.log(r) - 1e-9)
      const online = trainer({
        ...options,
        model: leaky(r),
        estimator: adaptive({ bias, max: 10, every: 4 }),
        optimizer: sgd(1e-300),
      })
      expect(lengthsOf(collect(numbers, online.train()).reports).slice(0, 6)).toEqual([10, K, K, K, 10, K])
      expect(online.snapshot().open.notes).toMatchObject({ K })
    }
  })

  test('measures what lagNorms of @bptt/unroll says of the last loss', () => {
    const online = trainer({ ...options, estimator: adaptive({ bias: 0.3, max: 5 }) })
    const samples = events(5)
    const { params } = online.snapshot()
    collect(stopped(samples), online.train())
    const rows = (part: 'input' | 'target', width: number): Tensor => ({
      shape: [5, 1, width],
      data: Float64Array.from(samples.flatMap(sample => [...(sample[part] as number[])])),
    })
    const given = { params, carry: zeroCarry(net, 1), xs: rows('input', 2), targets: rows('target', 1) }
    const wanted = lagNorms(net, given, squaredError).norms[4]!
    const { mean, count } = online.snapshot().open.notes as { mean: number[]; count: number[] }
    expect(count).toEqual([1, 1, 1, 1, 1])
    mean.forEach((norm, k) => expect(norm).toBeCloseTo(wanted[k]!, 12))
  })

  test('stays within its bounds, and where credit does not vanish at the longest', () => {
    const run = (a: number, estimator: TrainerOptions['estimator']): number[] =>
      lengthsOf(
        collect(numbers, trainer({ ...options, model: leaky(a), estimator, optimizer: sgd(1e-300) }).train())
          .reports,
      )
    expect(run(0.01, adaptive({ bias: 0.5, max: 6, min: 3, every: 3 })).slice(0, 4)).toEqual([6, 3, 3, 6])
    expect(run(1, adaptive({ bias: 0.1, max: 6, every: 3 })).slice(0, 4)).toEqual([6, 6, 6, 6])
  })

  test('measures every lane up to its first reset', () => {
    const both = trainer({ ...options, lanes: 2, estimator: adaptive({ bias: 0.3, max: 4 }) })
    const [a, b] = [1, 2].map(seed => events(4, { seed }))
    const rows = a!.map((sample, i) => [sample, { ...b![i]!, reset: i === 3 }])
    expect(collect(rows, both.train()).error).toBeUndefined()
    const notesOf = (samples: readonly Sample[]): { mean: number[]; count: number[] } => {
      const online = trainer({ ...options, estimator: adaptive({ bias: 0.3, max: 4 }) })
      collect(samples, online.train())
      return online.snapshot().open.notes as never
    }
    const [whole, part] = [notesOf(a!), notesOf(b!.slice(0, 3))]
    const { mean, count } = both.snapshot().open.notes as { mean: number[]; count: number[] }
    expect(count).toEqual([2, 2, 2, 1])
    mean.forEach((norm, k) => {
      expect(norm).toBeCloseTo(k < 3 ? (whole.mean[k]! + part.mean[k]!) / 2 : whole.mean[k]!, 12)
    })
  })

  test('stopped anywhere goes on with the same bits, on both engines, with lanes too', () => {
    const small = withReadout(elman({ inputs: 2, hidden: 2 }), { outputs: 1 })
    fc.assert(
      fc.property(fc.nat(40), fc.boolean(), fc.constantFrom(undefined, 2), (at, compiled, lanes) => {
        const samples = events(40, { period: 15 })
        const given: readonly unknown[] =
          lanes === undefined ? samples : samples.map(one => [one, samples[3]])
        const make = (from?: unknown): Trainer =>
          trainer({
            ...{ ...options, model: small, lanes, from },
            engine: compiled ? 'compiled' : 'reference',
          } as never) as unknown as Trainer
        const whole = make()
        const { reports } = collect(given as Sample[], whole.train())
        const first = make()
        const before = collect(stopped(given.slice(0, at)) as Sample[], first.train()).reports
        const second = make(throughJson(first.snapshot()))
        const after = collect(given.slice(at) as Sample[], second.train()).reports
        expect([...before, ...after]).toEqual(reports)
        for (const part of ['params', 'slots', 'carry'] as const)
          expect(bits(second.snapshot()[part])).toEqual(bits(whole.snapshot()[part]))
        expect(second.snapshot().open).toEqual(whole.snapshot().open)
      }),
      { numRuns: 10 },
    )
  })

  test('refuses settings that are none, and models without a carry', () => {
    for (const odd of [
      { bias: 1, max: 4 },
      { bias: 0.5, max: 0 },
      { bias: 0.5, max: 4, min: 5 },
    ])
      expect(() => adaptive(odd)).toThrow(expect.objectContaining({ code: 'bad-schedule' }))
    expect(() => adaptive({ bias: 0.5, max: 4, every: 0.5 })).toThrow(
      'adaptive: every is 0.5; one window of a whole number ≥ 1 is measured',
    )
    const memoryless = cell({
      params: () => ({ a: [2] }),
      carry: () => ({}),
      step: ({ a }, carry, x) => [carry, mul(a, x)],
    })({ inputs: 2, hidden: 2 })
    expect(() => trainer({ ...options, model: memoryless })).toThrow(
      expect.objectContaining({ code: 'no-state' }),
    )
  })
})
