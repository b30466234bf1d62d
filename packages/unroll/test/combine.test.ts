import { halfSquaredError } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import {
  artbp,
  combine,
  elman,
  every,
  fixed,
  full,
  patternsOf,
  print,
  random,
  reweight,
  type Schedule,
  unroll,
  weightsOf,
} from '../src/index.js'
import { difference, failure, sequence, slopes, combine as sum } from './support.js'

describe('combined schedules', () => {
  test('weigh an edge by the product of their weights, and print as one', () => {
    const both = combine(fixed([2, 3, 0.5, 4, 1]), every(3))
    expect(weightsOf(both, 6)).toEqual([2, 3, 0, 4, 1])
    expect(both.text).toBe('fixed(2, 3, 0.5, 4, 1) · every(3)')
    expect(both.chance).toBeUndefined()
    expect(patternsOf(both, 6)).toEqual([{ probability: 1, weights: [2, 3, 0, 4, 1] }])
    expect(print(reweight(unroll(elman({ inputs: 1, hidden: 1 }), { steps: 6 }), both))).toBe('━━│━─')
    expect(weightsOf(combine(full()), 5)).toEqual([1, 1, 1, 1])
  })

  test('toss coins of their own even where their seeds are equal, and count age from a cut of any of them', () => {
    const one = artbp({ mean: 3, seed: 5 })
    const twice = weightsOf(combine(one, one), 4000)
    const cut = (weights: readonly number[]): number =>
      weights.filter(weight => weight === 0).length / weights.length
    expect(cut(twice)).toBeCloseTo(1 - (2 / 3) ** 2, 1)
    expect(weightsOf(combine(one, every(4000)), 4000)).toEqual(weightsOf(one, 4000))
    const tailed = artbp({ mean: 3, tail: 4, seed: 2 })
    weightsOf(combine(tailed, every(2)), 60).forEach((weight, i) => {
      const age = i % 2 === 0 ? 1 : 2
      if (weight !== 0) expect(weight).toBe(tailed.chance!({ t: i + 1, age }).kept)
    })
  })

  test.each<readonly [string, Schedule, boolean]>([
    ['two of ARTBP', combine(artbp({ mean: 2 }), artbp({ mean: 3, tail: 4 })), true],
    ['ARTBP and cuts that are not repaid', combine(artbp({ mean: 2 }), random({ c: 0.5 })), false],
    ['ARTBP and blocks', combine(artbp({ mean: 2, tail: 5 }), every(2)), false],
  ])('are unbiased where each is, by enumeration: %s', (_, schedule, unbiased) => {
    const model = elman({ inputs: 2, hidden: 2 })
    const given = sequence(model, [5])
    const gradient = (weights: readonly number[]): unknown =>
      slopes(
        unroll(model, { steps: 5, loss: halfSquaredError, credit: { kind: 'weights', weights } }).graph,
        ['params'],
        given,
      )['gradient']
    const patterns = patternsOf(schedule, 5)
    expect(patterns.reduce((total, { probability }) => total + probability, 0)).toBeCloseTo(1, 12)
    const mean = sum(patterns.map(({ probability, weights }) => [probability, gradient(weights)] as const))
    const apart = difference(mean, sum([[1, gradient([1, 1, 1, 1])]]))
    if (unbiased) expect(apart).toBeLessThan(1e-12)
    else expect(apart).toBeGreaterThan(1e-3)
  })

  test('are refused where there is none, and where they weigh different numbers of edges', () => {
    expect(failure(() => combine())).toEqual([
      'empty-list',
      'combine: has no schedule; weights are those of one at least\nhint: full() passes all credit',
    ])
    expect(failure(() => combine(fixed([1]), full(), fixed([0, 2])))).toEqual([
      'bad-schedule',
      'combine: fixed(1) has weights for 1 edges and fixed(0, 2) for 2; combined schedules weigh the same edges\nhint: give them weights for as many edges',
    ])
  })
})
