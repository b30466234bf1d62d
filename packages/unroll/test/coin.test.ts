import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { coin } from '../src/coin.js'
import { philox } from '../src/philox.js'

const integer = fc.maxSafeNat()
const seeds = [0, 1, 2, 7, 42, 1234, 2 ** 31, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]
const streams = [...Array(38).keys(), 2 ** 32, 2 ** 40]

/** Σ (observed − expected)² / expected. */
function chiSquare(counts: Float64Array, draws: number): number {
  const expected = draws / counts.length
  return counts.reduce((total, count) => total + (count - expected) ** 2 / expected, 0)
}

/** Correlation of n pairs of coins, in standard deviations from independence. */
function correlation(pairs: number, pair: (i: number) => readonly [number, number]): number {
  let total = 0
  for (let i = 0; i < pairs; i++) {
    const [x, y] = pair(i)
    total += (x - 0.5) * (y - 0.5)
  }
  return (total * 12) / Math.sqrt(pairs)
}

describe('philox', () => {
  test('gives the answers published with Random123', () => {
    expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8])
    const ones = 0xffffffff
    expect(philox([ones, ones, ones, ones], [ones, ones])).toEqual([
      0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
    ])
    const pi = philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])
    expect(pi).toEqual([0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1])
  })
})

describe('coin', () => {
  test('lies in [0, 1) and is a multiple of 2^-53', () => {
    fc.assert(
      fc.property(integer, integer, integer, (seed, stream, t) => {
        const x = coin(seed, stream, t)
        expect(x).toBeGreaterThanOrEqual(0)
        expect(x).toBeLessThan(1)
        expect(Number.isInteger(x * 2 ** 53)).toBe(true)
      }),
    )
  })

  test('keeps its values for ever', () => {
    expect(coin(0, 0, 0)).toBe(((0x6627e8d5 >>> 5) * 2 ** 26 + (0xe169c58d >>> 6)) / 2 ** 53)
    expect([coin(7, 0, 1), coin(7, 0, 2), coin(7, 1, 1), coin(8, 0, 1)]).toEqual([
      0.4069604038840833, 0.00607512897590623, 0.8873466242092748, 0.4923671290811298,
    ])
    expect([coin(7, 0, 2 ** 32 + 1), coin(7, 2 ** 32, 1), coin(2 ** 32 + 7, 0, 1)]).toEqual([
      0.23728117444500985, 0.7395970050336264, 0.05424271406379433,
    ])
    const last = Number.MAX_SAFE_INTEGER
    expect(coin(last, last, last)).toBe(0.29901030068110146)
  })

  test('does not depend on the order of asking', () => {
    const times = [...Array(1000).keys()]
    const forward = times.map(t => coin(3, 5, t))
    const backward = times.toReversed().map(t => coin(3, 5, t))
    expect(backward.toReversed()).toEqual(forward)
  })

  test('reads both halves of every argument', () => {
    fc.assert(
      fc.property(integer, integer, integer, fc.nat(52), fc.nat(2), (seed, stream, t, bit, which) => {
        const triple = [seed, stream, t] as const
        const flipped = triple.map((value, i) => (i === which ? flip(value, bit) : value))
        expect(coin(flipped[0] as number, flipped[1] as number, flipped[2] as number)).not.toBe(
          coin(...triple),
        )
      }),
    )
  })

  test('is evenly spread over 64 bins for every seed and stream', () => {
    const draws = 2048
    const values = seeds.flatMap(seed =>
      streams.map(stream => {
        const counts = new Float64Array(64)
        for (let t = 1; t <= draws; t++) counts[Math.floor(coin(seed, stream, t) * 64)]! += 1
        return chiSquare(counts, draws)
      }),
    )
    const mean = values.reduce((a, b) => a + b, 0) / values.length
    expect(values).toHaveLength(400)
    // 63 degrees of freedom: one is above 130 with chance 2e-6, the largest of 400 with chance 6e-4
    expect(Math.max(...values)).toBeLessThan(130)
    expect(Math.abs(mean - 63)).toBeLessThan(4 * Math.sqrt(126 / 400))
  })

  test('has no correlation between neighbouring t, streams or seeds', () => {
    const n = 20_000
    for (const lag of [1, 2, 3, 7, 64, 2 ** 32]) {
      expect(Math.abs(correlation(n, i => [coin(7, 0, i), coin(7, 0, i + lag)]))).toBeLessThan(4)
      expect(Math.abs(correlation(n, i => [coin(7, 0, i), coin(7, lag, i)]))).toBeLessThan(4)
      expect(Math.abs(correlation(n, i => [coin(7, 0, i), coin(7 + lag, 0, i)]))).toBeLessThan(4)
      expect(Math.abs(correlation(n, i => [coin(i, 0, 1), coin(i + lag, 0, 1)]))).toBeLessThan(4)
      expect(Math.abs(correlation(n, i => [coin(7, i, 1), coin(7, i + lag, 1)]))).toBeLessThan(4)
    }
  })

  test('fills the square of neighbouring t, of neighbouring streams and of swapped arguments evenly', () => {
    const draws = 64_000
    const pairs: ((i: number) => readonly [number, number])[] = [
      i => [coin(1, 0, i), coin(1, 0, i + 1)],
      i => [coin(1, i, 1), coin(1, i + 1, 1)],
      i => [coin(1, i, 9), coin(1, 9, i)],
      i => [coin(i, 1, 9), coin(1, i, 9)],
    ]
    for (const pair of pairs) {
      const counts = new Float64Array(64)
      for (let i = 10; i < draws + 10; i++) {
        const [x, y] = pair(i)
        counts[Math.floor(x * 8) * 8 + Math.floor(y * 8)]! += 1
      }
      expect(chiSquare(counts, draws)).toBeLessThan(120)
    }
  })

  test('has no biased bit', () => {
    const draws = 20_000
    const ones = new Float64Array(53)
    for (let t = 0; t < draws; t++) {
      const bits = BigInt(coin(11, 3, t) * 2 ** 53)
      for (let bit = 0; bit < 53; bit++) ones[bit]! += Number((bits >> BigInt(bit)) & 1n)
    }
    for (const count of ones) expect(Math.abs(count - draws / 2)).toBeLessThan(4.5 * Math.sqrt(draws / 4))
  })

  test('refuses whatever is not an integer in [0, 2^53), naming the argument', () => {
    expect(() => coin(-1, 0, 0)).toThrow('coin: seed is -1; it must be an integer from 0 to 2^53 - 1')
    expect(() => coin(0, 1.5, 0)).toThrow('coin: stream is 1.5; it must be an integer from 0 to 2^53 - 1')
    expect(() => coin(0, 0, Number.NaN)).toThrow('coin: t is NaN; it must be an integer from 0 to 2^53 - 1')
    for (const bad of [2 ** 53, Number.POSITIVE_INFINITY, -0.5]) {
      expect(() => coin(0, 0, bad)).toThrow(expect.objectContaining({ code: 'bad-coin', where: 'coin' }))
    }
  })
})

/** `value` with one of its 53 bits turned over. */
function flip(value: number, bit: number): number {
  return Number(BigInt(value) ^ (1n << BigInt(bit)))
}
