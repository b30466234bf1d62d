import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  artbp,
  draw,
  every,
  fixed,
  full,
  lstm,
  print,
  random,
  reweight,
  type Schedule,
  unroll,
  weightsOf,
} from '../src/index.js'
import { hazardOf } from './support.js'

describe('every', () => {
  test('cuts each K-th edge, from its offset', () => {
    expect(weightsOf(every(3), 8)).toEqual([1, 1, 0, 1, 1, 0, 1])
    expect(weightsOf(every(3, { offset: 1 }), 8)).toEqual([0, 1, 1, 0, 1, 1, 0])
    expect(weightsOf(every(1), 4)).toEqual([0, 0, 0])
    expect(weightsOf(full(), 4)).toEqual([1, 1, 1])
    expect([full().text, every(3).text, every(3, { offset: 2 }).text]).toEqual([
      'full',
      'every(3)',
      'every(3, offset 2)',
    ])
  })
})

describe('artbp', () => {
  test.each([
    [4, 16, 1 / 11],
    [6, 16, 1 / 13],
    [4, 50, 3 / 101],
    [6, 50, 5 / 201],
  ])('with tail %d and mean %d cuts after the first step with the chance of the paper', (tail, mean, c) => {
    expect(hazardOf(artbp({ mean, tail }), 1)).toBeCloseTo(c, 14)
  })

  test('repays an edge that it does not cut by 1/(1 − c), at every age', () => {
    for (let age = 1; age < 50; age++) {
      expect(hazardOf(artbp({ mean: 7 }), age)).toBeCloseTo(1 / 7, 14)
      expect(hazardOf(artbp({ mean: 7, tail: 5 }), age)).toBeCloseTo(4 / (21 + age), 14)
    }
  })

  test('counts age from 1 after a cut', () => {
    const schedule = artbp({ mean: 5, tail: 4, seed: 3 })
    let age = 1
    for (const [i, weight] of weightsOf(schedule, 400).entries()) {
      expect(weight).toBe(schedule.weight({ t: i + 1, age, stream: 0 }))
      if (weight !== 0) expect(weight).toBeCloseTo(1 / (1 - 3 / (10 + age)), 13)
      age = weight === 0 ? 1 : age + 1
    }
  })

  test.each([
    [4, 3],
    [6, 3],
    [4, 16],
    [6, 16],
    [6, 50],
  ])(
    'with tail %d has the mean length %d exactly: Σ S_k, the rest by its closed form (identity 37)',
    (tail, mean) => {
      const schedule = artbp({ mean, tail })
      const [A, b, n] = [(tail - 2) * mean, tail - 1, 2000]
      let [alive, length, lengths] = [1, 0, 0]
      for (let k = 0; k < n; k++) {
        length += alive
        const c = hazardOf(schedule, k + 1)
        lengths += alive * c
        alive *= 1 - c
      }
      // Σ_{k ≥ n} S_k = S_n (A + n)/(b − 1), since S_k (A + k) telescopes
      expect(length + (alive * (A + n)) / (b - 1)).toBeCloseTo(mean, 9)
      expect(lengths + alive).toBeCloseTo(1, 10)
    },
  )

  test.each([
    ['a constant chance', artbp({ mean: 16, seed: 5 }), 15.49],
    ['a power law', artbp({ mean: 16, tail: 6, seed: 5 }), 20],
  ])('with %s draws segments of the mean length it names', (_, schedule, deviation) => {
    const steps = 200_000
    const cuts = weightsOf(schedule, steps + 1).filter(weight => weight === 0).length
    // the number of segments in n steps: mean n/L0, standard deviation σ √(n/L0³)
    const sigma = deviation * Math.sqrt(steps / 16 ** 3)
    expect(Math.abs(cuts - steps / 16)).toBeLessThan(4 * sigma)
  })

  test('gives the same weights for the same seed and stream, and others for others', () => {
    const seeds = fc.tuple(fc.nat(1e9), fc.nat(1e9), fc.option(fc.double({ min: 2.5, max: 9, noNaN: true })))
    fc.assert(
      fc.property(seeds, ([seed, stream, tail]) => {
        const make = (by: number): Schedule =>
          artbp({ mean: 3, seed: by, ...(tail === null ? {} : { tail }) })
        expect(weightsOf(make(seed), 200, stream)).toEqual(weightsOf(make(seed), 200, stream))
        expect(weightsOf(make(seed), 200, stream)).not.toEqual(weightsOf(make(seed), 200, stream + 1))
        expect(weightsOf(make(seed), 200, stream)).not.toEqual(weightsOf(make(seed + 1), 200, stream))
      }),
      { numRuns: 30 },
    )
  })

  test('draws a longer line that begins as the shorter one', () => {
    const schedule = artbp({ mean: 4, tail: 4, seed: 7 })
    expect(weightsOf(schedule, 100).slice(0, 39)).toEqual(weightsOf(schedule, 40))
  })

  test('has a text with all its settings', () => {
    expect(artbp({ mean: 4 }).text).toBe('artbp(mean 4, seed 0)')
    expect(artbp({ mean: 4, tail: 6, seed: 7 }).text).toBe('artbp(mean 4, tail 6, seed 7)')
  })
})

describe('random', () => {
  test('cuts where the coin of artbp does, and repays nothing', () => {
    const repaid = weightsOf(artbp({ mean: 4, seed: 9 }), 300)
    const plain = weightsOf(random({ c: 1 / 4, seed: 9 }), 300)
    expect(plain).toEqual(repaid.map(weight => (weight === 0 ? 0 : 1)))
    expect(new Set(plain)).toEqual(new Set([0, 1]))
    expect(random({ c: 0.25, seed: 9 }).text).toBe('random(0.25, seed 9)')
    expect(weightsOf(random({ c: 0 }), 50)).toEqual(weightsOf(full(), 50))
  })
})

describe('fixed', () => {
  test('gives its weights; on a stream, 1 after them', () => {
    expect(weightsOf(fixed([0, 2]), 3)).toEqual([0, 2])
    const onStream = [1, 2, 3].map(t => fixed([0, 2]).weight({ t, age: 1, stream: 0 }))
    expect(onStream).toEqual([0, 2, 1])
    expect(fixed([0, 2]).text).toBe('fixed(0, 2)')
  })
})

describe('draw and print', () => {
  test('show one sign an edge', () => {
    expect(draw([1, 0, 1.25, 0.5])).toBe('─│━╌')
    const line = unroll(lstm({ inputs: 1, hidden: 1 }), { steps: 6 })
    expect(print(line)).toBe('─────')
    expect(print(reweight(line, every(3)))).toBe('──│──')
    expect(print(reweight(line, artbp({ mean: 4, tail: 4, seed: 7 })))).toMatch(/^[│━]{5}$/)
  })

  test('show a line per example, and say where credit is not known yet', () => {
    const net = lstm({ inputs: 1, hidden: 1 })
    const weights = [
      [1, 0],
      [2, 1],
    ]
    expect(print(unroll(net, { steps: 3, batch: 2, credit: { kind: 'weights', weights } }))).toBe('─━\n│─')
    expect(print(unroll(net, { steps: 'T' }))).toBe('T steps, credit full')
    expect(print(unroll(net, { steps: 3, credit: { kind: 'input', each: false } }))).toBe(
      '3 steps, credit given at run time',
    )
  })
})
