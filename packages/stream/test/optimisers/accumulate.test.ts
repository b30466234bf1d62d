import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { accumulate, adam, chain, clipByGlobalNorm, sgd } from '../../src/index.js'
import { noise } from '../support.js'
import { course } from './support.js'

describe('accumulate', () => {
  const windows = (count: number): number[][] => Array.from({ length: count }, (_, k) => noise(k, 4))

  test('updates once in so many windows, by the sum of their gradients', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 17 }), (each, count) => {
        const gradients = windows(count)
        const { updates } = course(accumulate(each, sgd(1)), gradients)
        updates.forEach((update, k) => {
          const due = (k + 1) % each === 0
          update.forEach((u, i) => {
            const sum = gradients.slice(k + 1 - each, k + 1).reduce((all, g) => all + g[i]!, 0)
            expect(u).toBeCloseTo(due ? -sum : 0, 12)
            if (!due) expect(Object.is(u, -0)).toBe(true)
          })
        })
      }),
    )
  })

  test('of accumulate is accumulate of the product', () => {
    const gradients = windows(13)
    const nested = course(accumulate(2, accumulate(3, adam(0.1))), gradients).params
    nested.forEach((p, i) =>
      expect(p).toBeCloseTo(course(accumulate(6, adam(0.1)), gradients).params[i]!, 12),
    )
  })

  test('clips the sum inside and each window before, and reports no clipping while nothing is due', () => {
    const g = [
      [3, 0, 0, 0],
      [3, 0, 0, 0],
      [0.1, 0, 0, 0],
      [0.2, 0, 0, 0],
    ]
    const clip = (...gradients: number[]): unknown[] => gradients.map(value => expect.closeTo(value, 5))
    const inside = course(accumulate(2, chain(clipByGlobalNorm(1), sgd(1))), g)
    expect(inside.reports.map(report => report['clip'])).toEqual(clip(1, 1 / 6, 1, 1))
    expect(inside.updates.map(([u]) => u)).toEqual(clip(-0, -1, -0, -0.3))
    const before = course(chain(clipByGlobalNorm(1), accumulate(2, sgd(1))), g)
    expect(before.reports.map(report => report['clip'])).toEqual(clip(1 / 3, 1 / 3, 1, 1))
    expect(before.updates.map(([u]) => u)).toEqual(clip(-0, -2, -0, -0.3))
  })
})
