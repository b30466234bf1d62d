import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  cosineDecay,
  exponentialDecay,
  inverseSqrt,
  type Rate,
  rateAt,
  sgd,
  stepDecay,
  warmUp,
} from '../../src/index.js'
import { byProgram, course } from './support.js'

type Closed = (t: number) => number

const schedules: readonly (readonly [name: string, Rate, Closed])[] = [
  ['a number', 0.3, () => 0.3],
  ['inverseSqrt', inverseSqrt(0.3), t => 0.3 / Math.sqrt(1 + t)],
  ['inverseSqrt over 50 updates', inverseSqrt(0.3, 50), t => 0.3 / Math.sqrt(1 + t / 50)],
  ['stepDecay', stepDecay(0.3, { every: 7, factor: 0.5 }), t => 0.3 * 0.5 ** Math.floor(t / 7)],
  ['exponentialDecay', exponentialDecay(0.3, { factor: 0.99 }), t => 0.3 * 0.99 ** t],
  [
    'exponentialDecay every 20',
    exponentialDecay(0.3, { factor: 0.5, every: 20 }),
    t => 0.3 * 0.5 ** (t / 20),
  ],
  [
    'cosineDecay',
    cosineDecay(0.3, { updates: 100 }),
    t => (t >= 100 ? 0 : (0.3 / 2) * (1 + Math.cos((Math.PI * t) / 100))),
  ],
  [
    'cosineDecay to an end',
    cosineDecay(0.3, { updates: 60, end: 0.1 }),
    t => (t >= 60 ? 0.1 : 0.1 + ((0.3 - 0.1) / 2) * (1 + Math.cos((Math.PI * t) / 60))),
  ],
  ['warmUp', warmUp(9, 0.3), t => (t >= 9 ? 0.3 : (0.3 * (t + 1)) / 10)],
  [
    'warmUp before another',
    warmUp(9, inverseSqrt(0.3)),
    t => (t >= 9 ? 0.3 / Math.sqrt(1 + t - 9) : (0.3 * (t + 1)) / 10),
  ],
]

describe('a learning rate', () => {
  test.each(schedules)('%s is its closed form', (_, rate, closed) => {
    for (let t = 0; t < 130; t++) expect(rateAt(rate, t)).toBeCloseTo(closed(t), 14)
    fc.assert(
      fc.property(fc.nat(1e6), t => {
        expect(rateAt(rate, t)).toBeCloseTo(closed(t), 12)
      }),
      { numRuns: 30 },
    )
  })

  test.each(schedules)('%s scales the updates and is reported, compiled or not', (_, rate, closed) => {
    const optimizer = sgd(rate)
    const gradients = Array.from({ length: 25 }, () => [1, -2, 0.5, 0])
    const runs = [{}, { run: byProgram(optimizer, 'float64') }, { run: byProgram(optimizer, 'float32') }]
    for (const [k, how] of runs.entries()) {
      const { updates, reports } = course(optimizer, gradients, how)
      updates.forEach(([first, second], t) => {
        expect(first).toBeCloseTo(-closed(t), k === 2 ? 6 : 12)
        expect(second).toBeCloseTo(2 * closed(t), k === 2 ? 6 : 12)
        if (typeof rate === 'number') expect(reports[t]).toEqual({})
        else expect(reports[t]!['rate']).toBeCloseTo(closed(t), k === 2 ? 6 : 12)
      })
    }
  })

  test('never rises but in a warm-up', () => {
    for (const [name, rate] of schedules) {
      if (name.startsWith('warmUp')) continue
      for (let t = 1; t < 130; t++) expect(rateAt(rate, t)).toBeLessThanOrEqual(rateAt(rate, t - 1))
    }
  })

  test('of one’s own is an object with text and a formula', () => {
    const mine: Rate = { text: 'mine', at: count => count }
    expect(sgd(mine).text).toBe('sgd(mine)')
    expect(
      course(sgd(mine), [
        [1, 1, 1, 1],
        [1, 1, 1, 1],
        [1, 1, 1, 1],
      ]).updates.map(([u]) => -u!),
    ).toEqual([0, 1, 2])
  })
})
