import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adaptive, weightsOf } from '../src/index.js'

const geometric = (ratio: number, lags: number): number[] =>
  Array.from({ length: lags }, (_, k) => ratio ** k)

describe('adaptive truncation', () => {
  test('finds the decay of geometric norms, and estimates their bias in closed form', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.3, max: 0.95, noNaN: true }),
        fc.integer({ min: 4, max: 30 }),
        (ratio, lags) => {
          const made = adaptive({ bias: 0.5, norms: geometric(ratio, lags) })
          expect(made.decay).toBeCloseTo(ratio, 9)
          // kept is (1 − r^K)/(1 − r), lost r^K/(1 − r)
          made.biases.forEach((bias, i) => {
            const lost = ratio ** (i + 1) / (1 - ratio)
            const kept = (1 - ratio ** (i + 1)) / (1 - ratio)
            expect(bias).toBeCloseTo(kept > lost ? lost / (kept - lost) : Number.POSITIVE_INFINITY, 6)
          })
        },
      ),
    )
  })

  test('takes the smallest K within the bias, longer for a smaller one', () => {
    const norms = geometric(0.7, 40)
    const [loose, tight] = [adaptive({ bias: 0.5, norms }), adaptive({ bias: 0.05, norms })]
    expect(loose.K).toBeLessThan(tight.K)
    for (const { K, biases } of [loose])
      expect([biases[K - 1]! <= 0.5, biases[K - 2]! > 0.5]).toEqual([true, true])
    expect(weightsOf(loose, 12)).toEqual(
      Array.from({ length: 11 }, (_, i) => ((i + 1) % loose.K === 0 ? 0 : 1)),
    )
    expect(loose.text).toBe(`adaptive(bias 0.5, K ${loose.K})`)
  })

  test('keeps all it may where credit does not vanish, and one step where there is none', () => {
    expect(adaptive({ bias: 0.1, norms: geometric(1.1, 20), max: 15 }).K).toBe(15)
    expect(adaptive({ bias: 0.1, norms: [0, 0, 0] })).toMatchObject({ K: 1, decay: 0 })
    expect(adaptive({ bias: 0.9, norms: geometric(0.1, 20), min: 5 }).K).toBe(5)
  })

  test('refuses what it cannot aim at', () => {
    expect(() => adaptive({ bias: 1, norms: [1] })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: adaptive: bias is 1; the relative bias is a number in (0, 1)
      hint: 0.1 loses a tenth of the gradient]
    `,
    )
    expect(() => adaptive({ bias: 0.5, norms: [] })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: adaptive: norms are none; they are finite numbers ≥ 0, one per lag
      hint: lagNorms(cell, batch, loss).mean gives them]
    `,
    )
    expect(() => adaptive({ bias: 0.5, norms: [1, Number.NaN] })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: adaptive: norms are 1, NaN; they are finite numbers ≥ 0, one per lag
      hint: lagNorms(cell, batch, loss).mean gives them]
    `,
    )
    expect(() => adaptive({ bias: 0.5, norms: [1], min: 3, max: 2 })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: adaptive: min is 3 and max is 2; K is a whole number in [min, max], from 1
      hint: leave both out for as many steps as there are norms]
    `,
    )
  })
})
