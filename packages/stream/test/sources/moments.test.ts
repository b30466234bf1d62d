import fc from 'fast-check'
import { from, lastValueFrom, of, toArray } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { mergeMoments, noMoments, observe, standardizer, variances } from '../../src/sources/index.js'

const vectors = fc.array(
  fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 2, maxLength: 2 }),
  {
    minLength: 1,
    maxLength: 30,
  },
)
const fold = (xs: readonly number[][]) => xs.reduce(observe, noMoments(2))

/** Mean and variance in two passes. */
function twoPass(xs: readonly number[][], column: number): readonly [number, number] {
  const mean = xs.reduce((sum, x) => sum + x[column]!, 0) / xs.length
  const squares = xs.reduce((sum, x) => sum + (x[column]! - mean) ** 2, 0)
  return [mean, xs.length < 2 ? 0 : squares / xs.length]
}

describe('moments', () => {
  test('are those of two passes, also where two halves are merged', () => {
    fc.assert(
      fc.property(vectors, fc.nat(), (xs, at) => {
        const place = at % (xs.length + 1)
        for (const found of [fold(xs), mergeMoments(fold(xs.slice(0, place)), fold(xs.slice(place)))])
          for (const column of [0, 1]) {
            const [mean, variance] = twoPass(xs, column)
            expect(Math.abs(found.mean[column]! - mean)).toBeLessThan(1e-9)
            expect(Math.abs(variances(found)[column]! - variance)).toBeLessThan(1e-6)
            expect(found.count).toBe(xs.length)
          }
      }),
    )
  })

  test('keep a small variance on a large mean, where the sum of squares loses it', () => {
    const xs = Array.from({ length: 1000 }, (_, i) => [1e9 + (i % 2), 0])
    expect(variances(fold(xs))[0]).toBeCloseTo(0.25, 6)
  })
})

describe('standardizer', () => {
  test('goes on from its state, through JSON, as if never stopped', () => {
    fc.assert(
      fc.property(vectors, fc.nat(), (xs, at) => {
        const place = at % (xs.length + 1)
        const one = standardizer({ width: 2 })
        const wanted = xs.map(one.next)
        const first = standardizer({ width: 2 })
        const before = xs.slice(0, place).map(first.next)
        const second = standardizer({ width: 2, from: JSON.parse(JSON.stringify(first.moments())) })
        // JSON has no −0
        expect([...before, ...xs.slice(place).map(second.next)].map(z => z.map(v => v + 0))).toEqual(
          wanted.map(z => z.map(v => v + 0)),
        )
      }),
    )
  })

  test('brings a stream to mean 0 and variance 1, and inverts', async () => {
    const it = standardizer({ width: 1 })
    const xs = Array.from({ length: 5000 }, (_, t) => [7 + 3 * Math.sin(t)])
    const zs = await lastValueFrom(from(xs).pipe(it.values(), toArray()))
    const late = zs.slice(2500).map(z => [z[0]!, 0])
    expect(twoPass(late, 0)[0]).toBeCloseTo(0, 1)
    expect(twoPass(late, 0)[1]).toBeCloseTo(1, 1)
    expect(it.invert(zs.at(-1)!)[0]).toBeCloseTo(xs.at(-1)![0]!, 9)
  })

  test('changes the inputs of events alone', async () => {
    const event = { input: 5, target: [9], weight: 2 }
    expect(await lastValueFrom(of(event).pipe(standardizer({ width: 1 }).inputs()))).toEqual({
      ...event,
      input: [0],
    })
  })

  test('refuses what is no vector of its width, without counting it', () => {
    const it = standardizer({ width: 2 })
    it.next([1, 2])
    expect(() => it.next([1])).toThrow('vector 2: is a vector of 1; vectors are 2 finite numbers')
    expect(() => it.next([1, Number.NaN])).toThrow('vector 2: holds NaN; vectors are 2 finite numbers')
    expect(it.moments().count).toBe(1)
    expect(() => standardizer({ width: 0 })).toThrow('width is 0; it is a whole number ≥ 1')
    expect(() => standardizer({ width: 1, epsilon: -1 })).toThrow('epsilon is -1; it is a finite number ≥ 0')
    expect(() => standardizer({ width: 1, from: noMoments(2) })).toThrow(
      'from is of vectors of 2; the width is 1',
    )
  })
})
