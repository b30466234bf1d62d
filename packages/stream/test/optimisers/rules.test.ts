import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rmsprop } from '../../src/index.js'
import { everyOptimizer, rules } from './cases.js'
import { byProgram, course, gradientLists, start } from './support.js'

describe('an optimiser', () => {
  test.each(rules)('%s makes the updates of its formula', (_, optimizer, rule) => {
    fc.assert(
      fc.property(gradientLists, gradients => {
        const { params } = course(optimizer, gradients)
        start.forEach((p, i) => {
          const wanted = rule(
            p,
            gradients.map(g => g[i]!),
          )
          expect(Math.abs(params[i]! - wanted)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(wanted)))
        })
      }),
      { numRuns: 20 },
    )
  })

  test.each(everyOptimizer)('%s, compiled, makes the updates of the reference', (_, optimizer) => {
    const compiled = {
      float64: [byProgram(optimizer, 'float64'), 1e-12],
      float32: [byProgram(optimizer, 'float32'), 2e-5],
    } as const
    fc.assert(
      fc.property(gradientLists, gradients => {
        const wanted = course(optimizer, gradients)
        for (const [run, tolerance] of Object.values(compiled)) {
          const found = course(optimizer, gradients, { run })
          const scale = Math.max(1, ...wanted.params.map(Math.abs))
          found.params.forEach((p, i) => {
            expect(Math.abs(p - wanted.params[i]!)).toBeLessThanOrEqual(tolerance * scale)
          })
        }
      }),
      { numRuns: 10 },
    )
  })

  test('rmsprop, centred, stays finite where rounding takes the variance of a constant gradient below 0', () => {
    const optimizer = rmsprop(0.01, { alpha: 0.5, centered: true })
    const gradients = Array.from({ length: 60 }, () => [0.7, 0.3, 1 / 3, 1e-3])
    const variances = gradients.map((_, t) => {
      let [square, average] = [0, 0]
      for (let s = 0; s <= t; s++)
        [square, average] = [0.5 * square + 0.5 * 0.7 * 0.7, 0.5 * average + 0.5 * 0.7]
      return square - average * average
    })
    expect(Math.min(...variances)).toBeLessThan(0) // the case does arise
    for (const dtype of ['float64', 'float32'] as const)
      expect(
        course(optimizer, gradients, { run: byProgram(optimizer, dtype) }).params.every(Number.isFinite),
      ).toBe(true)
    expect(course(optimizer, gradients).params.every(Number.isFinite)).toBe(true)
  })
})
