import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { accuracy, type Metric, mean, meanAbsoluteError, rootMeanSquaredError } from '../../src/index.js'

const over = <Seen, State>(metric: Metric<Seen, State>, seen: readonly Seen[]): number =>
  metric.value(seen.reduce((state, one) => metric.update(state, one), metric.init()))

describe('accuracy', () => {
  const outputs = [0.1, 3, -2, 1]

  test.each([
    [1, [0, 1, 0, 0]],
    [2, [0, 1, 0, 1]],
    [3, [1, 1, 0, 1]],
    [4, [1, 1, 1, 1]],
    [99, [1, 1, 1, 1]],
  ])('of the top %d counts classes among the largest outputs', (top, right) => {
    const found = outputs.map((_, target) => over(accuracy(mean(), { top }), [{ output: outputs, target }]))
    expect(found).toEqual(right)
  })

  test('is the share of events', () => {
    const seen = [0, 1, 1, 3].map(target => ({ output: Float32Array.from(outputs), target }))
    expect(over(accuracy(mean()), seen)).toBe(0.5)
  })

  test('takes exactly k classes for right, ties or not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 6 }),
        (output, top) => {
          const right = output.filter(
            (_, target) => over(accuracy(mean(), { top }), [{ output, target }]) === 1,
          )
          expect(right).toHaveLength(Math.min(top, output.length))
        },
      ),
    )
  })

  test('agrees with the sorted order', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true, min: -9, max: 9 }), {
          minLength: 2,
          maxLength: 8,
        }),
        fc.nat(7),
        fc.integer({ min: 1, max: 8 }),
        (output, place, top) => {
          const target = place % output.length
          const kept = output.toSorted((a, b) => b - a).slice(0, top)
          if (output.some(v => Object.is(v, -0))) return
          expect(over(accuracy(mean(), { top }), [{ output, target }])).toBe(
            kept.includes(output[target]!) ? 1 : 0,
          )
        },
      ),
    )
  })

  test('is not fooled by a model that says the same of all classes, or NaN', () => {
    const constant = [0, 1, 2, 3].map(target => ({ output: [5, 5, 5, 5], target }))
    expect(over(accuracy(mean()), constant)).toBe(0.25)
    const nan = [0, 1].map(target => ({ output: [Number.NaN, Number.NaN], target }))
    expect(over(accuracy(mean()), nan)).toBe(0)
    expect(over(accuracy(mean()), [{ output: [Number.NaN, 1], target: 1 }])).toBe(0)
  })

  test('refuses a class that the output does not have, and a top that is no number of classes', () => {
    for (const target of [4, -1, 0.5])
      expect(() => over(accuracy(mean()), [{ output: outputs, target }])).toThrow(
        `accuracy: target is ${target}; the output has classes 0 to 3`,
      )
    expect(() => accuracy(mean(), { top: 0 })).toThrow('accuracy: top is 0; it is a whole number ≥ 1')
  })
})

describe('errors', () => {
  test('are over all numbers of all predictions', () => {
    const seen = [
      { output: [1, 2], target: [4, 2] },
      { output: 0, target: -3 },
      { output: Float64Array.of(1), target: [1] },
    ]
    expect(over(meanAbsoluteError(mean()), seen)).toBe(6 / 4)
    expect(over(rootMeanSquaredError(mean()), seen)).toBeCloseTo(Math.sqrt(18 / 4), 14)
  })

  test('of the root are at least those of the absolute value, and equal where all are equal', () => {
    const pair = fc.tuple(
      fc.double({ min: -9, max: 9, noNaN: true }),
      fc.double({ min: -9, max: 9, noNaN: true }),
    )
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1 }), pairs => {
        const seen = pairs.map(([output, target]) => ({ output, target }))
        const [mae, rmse] = [over(meanAbsoluteError(mean()), seen), over(rootMeanSquaredError(mean()), seen)]
        expect(rmse).toBeGreaterThanOrEqual(mae - 1e-9)
        const same = seen.map(({ target }) => ({ output: target + 2, target }))
        expect(over(rootMeanSquaredError(mean()), same)).toBeCloseTo(over(meanAbsoluteError(mean()), same), 9)
      }),
    )
  })

  test('refuse an output that is not as long as its target', () => {
    const seen = [{ output: [1, 2], target: 3 }]
    const message = 'the output has 2 numbers and the target 1; they have the same'
    expect(() => over(meanAbsoluteError(mean()), seen)).toThrow(`meanAbsoluteError: ${message}`)
    expect(() => over(rootMeanSquaredError(mean()), seen)).toThrow(`rootMeanSquaredError: ${message}`)
  })
})
