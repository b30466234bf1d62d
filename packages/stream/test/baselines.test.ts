import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { textBaselines } from '../src/baselines.js'

describe('textBaselines', () => {
  test('is log2 of the alphabet when symbols and pairs are spread evenly', () => {
    // 0 1 1 0 0 holds each of 01, 11, 10, 00 once: neither counts nor pairs help
    expect(textBaselines([0, 1, 1, 0, 0], 2)).toEqual({ uniform: 1, unigram: 1, bigram: 1 })
  })

  test('is 1 bit for counts and 0 for pairs when symbols take turns', () => {
    expect(textBaselines([0, 1, 0, 1, 0, 1, 0], 4)).toEqual({ uniform: 2, unigram: 1, bigram: 0 })
  })

  test('agrees with entropies worked out by hand', () => {
    // a a b a c: predicted are a b a c, counts 2 1 1, so 1.5 bits
    // after a come a, b and c once each, log2 3 bits thrice; after b always a
    const { uniform, unigram, bigram } = textBaselines([0, 0, 1, 0, 2], 3)
    expect(uniform).toBeCloseTo(Math.log2(3), 14)
    expect(unigram).toBeCloseTo(1.5, 14)
    expect(bigram).toBeCloseTo((3 * Math.log2(3)) / 4, 14)
  })

  test('is never below 0, and falls as a predictor knows more', () => {
    const text = fc.integer({ min: 1, max: 6 }).chain(symbols =>
      fc.record({
        symbols: fc.constant(symbols),
        ids: fc.array(fc.nat(symbols - 1), { minLength: 2, maxLength: 60 }),
      }),
    )
    fc.assert(
      fc.property(text, ({ symbols, ids }) => {
        const { uniform, unigram, bigram } = textBaselines(ids, symbols)
        expect(uniform + 1e-12).toBeGreaterThanOrEqual(unigram)
        expect(unigram + 1e-12).toBeGreaterThanOrEqual(bigram)
        expect(bigram).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 1000 },
    )
  })

  test('refuses a text without a prediction, an id without a symbol and an alphabet without a size', () => {
    expect(() => textBaselines([0], 2)).toThrow(
      'textBaselines: the text has 1 symbols; a prediction needs two or more',
    )
    expect(() => textBaselines([0, 2], 2)).toThrow(
      'textBaselines: id 2 at index 1 stands for no symbol; ids go from 0 to 1',
    )
    expect(() => textBaselines([0, 0.5], 2)).toThrow('id 0.5 at index 1')
    expect(() => textBaselines([0, 0], 0)).toThrow(
      'textBaselines: symbols is 0; it is the size of an alphabet',
    )
    expect(() => textBaselines([], 2)).toThrow(expect.objectContaining({ code: 'bad-text' }))
  })
})
