import { describe as figures, squaredError } from '@bptt/graph'
import { every, unroll } from '@bptt/unroll'
import { TestScheduler } from 'rxjs/testing'
import { describe, expect, test } from 'vitest'
import {
  adam,
  bitsPerCharacter,
  bptt,
  chain,
  clipByGlobalNorm,
  clipRate,
  cost,
  eventsPerSecond,
  ewma,
  gradientNorm,
  mean,
  metrics,
  prequentialLoss,
  segmentLengths,
  stepCost,
  stepGraph,
  timed,
  tracker,
  trainer,
} from '../../src/index.js'
import { collect, events, net } from '../support.js'

const options = {
  model: net,
  loss: squaredError,
  estimator: every(5),
  optimizer: chain(clipByGlobalNorm(1), adam(0.01)),
}

describe('the reports of a trainer', () => {
  const { reports } = collect(events(103), trainer(options).train())

  test('give the figures that they say themselves', () => {
    const seen = tracker(
      metrics({
        loss: prequentialLoss(mean()),
        bits: bitsPerCharacter(mean()),
        norm: gradientNorm(mean()),
        clipped: clipRate(mean()),
        segments: segmentLengths(),
        spent: cost(length => ({ flops: length, bytes: 1 })),
      }),
    )
    reports.forEach(seen.update)
    const last = reports.at(-1)!
    const { loss, bits, norm, clipped, segments, spent } = seen.value()
    expect(loss).toBe(last.prequential)
    expect(bits).toBeCloseTo(last.prequential / Math.log(2), 12)
    expect(norm).toBeCloseTo(reports.reduce((sum, r) => sum + r.gradientNorm, 0) / reports.length, 12)
    expect(clipped).toBeCloseTo(reports.filter(r => r.clipped).length / reports.length, 12)
    expect(segments).toEqual({
      count: 21,
      mean: 103 / 21,
      longest: 5,
      histogram: [
        { from: 1, to: 1, count: 0 },
        { from: 2, to: 3, count: 1 },
        { from: 4, to: 7, count: 20 },
      ],
    })
    expect(spent).toEqual({ flops: last.events, bytes: last.updates })
  })

  test('count by their weights where events have them', () => {
    const seen = tracker(prequentialLoss(mean()))
    seen.update({ loss: 1, length: 10, weight: 1 })
    seen.update({ loss: 4, length: 10, weight: 2 })
    expect(seen.value()).toBe(3)
  })
})

describe('segmentLengths', () => {
  test.each([1, 2, 3, 4, 7, 8, 1023, 1024, 2 ** 40])('puts %d into the bin it belongs to', length => {
    const { histogram } = segmentLengths().value(segmentLengths().update(segmentLengths().init(), { length }))
    const { from, to, count } = histogram.at(-1)!
    expect([from <= length, length <= to, count]).toEqual([true, true, 1])
    expect(histogram.slice(0, -1).every(bin => bin.count === 0 && bin.to < length)).toBe(true)
  })

  test.each([0, -1, 1.5, Number.NaN])('refuses a segment of %d events', length => {
    expect(() => segmentLengths().update(segmentLengths().init(), { length })).toThrow(
      `segmentLengths: length is ${length}; a segment has a whole number of events, at least 1`,
    )
  })
})

describe('the cost of a step', () => {
  test('is what its graph costs, at every length', () => {
    const costOf = stepCost(options)
    const step = stepGraph(options)
    const line = unroll(net, { steps: 'T', batch: 1, loss: squaredError })
    for (const T of [1, 2, 3, 17, 400]) {
      expect(costOf(T).flops).toBe(figures(step, { T }).flops)
      expect(costOf(T).bytes).toBe(figures(line.graph, { T }).savedBytes)
    }
  })

  test('of lanes is that of as many steps as each has; what an estimator keeps between windows counts', () => {
    const lanes = 3
    const costOf = stepCost({ ...options, lanes })
    const line = unroll(net, { steps: 'T', batch: lanes, loss: squaredError })
    expect(costOf(12).flops).toBe(figures(stepGraph({ ...options, lanes }), { T: 4 }).flops)
    expect(costOf(12).bytes).toBe(figures(line.graph, { T: 4 }).savedBytes)
    const [short, long] = [4, 8].map(h => stepCost({ ...options, estimator: bptt({ h, every: 2 }) })(2).bytes)
    expect(long! - short!).toBeGreaterThan(0)
    expect((long! - short!) % (4 * 8)).toBe(0) // four more steps of float64
  })

  test('grows with the length and the optimiser', () => {
    const costOf = stepCost(options)
    expect(costOf(1).bytes).toBeGreaterThan(0)
    expect(costOf(20).flops).toBeGreaterThan(10 * (costOf(2).flops - costOf(1).flops))
    const clipped = costOf(5).flops - stepCost({ ...options, optimizer: adam(0.01) })(5).flops
    expect(clipped).toBeGreaterThan(0)
  })
})

describe('timed', () => {
  test('adds the seconds since the report before, or since the subscription', () => {
    new TestScheduler((found, wanted) => expect(found).toEqual(wanted)).run(({ cold, expectObservable }) => {
      const [a, b] = [{ length: 1 }, { length: 6 }]
      const after = (seen: object, ms: number): unknown => ({ ...seen, elapsed: ms / 1000 })
      expectObservable(cold('--a---b|', { a, b }).pipe(timed())).toBe('--x---y|', {
        x: after(a, 2),
        y: after(b, 4),
      })
    })
  })

  test('gives events per second, over all and lately', () => {
    const all = tracker(eventsPerSecond(mean()))
    const lately = tracker(eventsPerSecond(ewma(1)))
    for (const seen of [
      { length: 10, elapsed: 1 },
      { length: 30, elapsed: 1 },
      { length: 60, elapsed: 2 },
    ]) {
      all.update(seen)
      lately.update(seen)
    }
    expect(all.value()).toBeCloseTo(25, 12)
    expect(lately.value()).toBeCloseTo(30, 6)
  })
})
