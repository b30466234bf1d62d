import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { alphabetOf, decodeText, encodeText } from '../src/text.js'

const texts = fc.string({ unit: 'binary', minLength: 2 }).filter(text => new Set(text).size > 1)

describe('alphabetOf', () => {
  test('lists the distinct code points in order', () => {
    expect(alphabetOf('banana 😀\ufffd')).toEqual({ symbols: [' ', 'a', 'b', 'n', '\ufffd', '😀'] })
  })

  test('refuses a text with nothing to predict', () => {
    expect(() => alphabetOf('')).toThrow(
      'alphabetOf: the text is empty; an alphabet needs two symbols or more',
    )
    expect(() => alphabetOf('aaa')).toThrow(
      'alphabetOf: the text holds only "a" (U+0061); an alphabet needs two symbols or more',
    )
    expect(() => alphabetOf('')).toThrow(expect.objectContaining({ code: 'bad-text' }))
  })
})

describe('encodeText', () => {
  test('gives each code point its place in the alphabet', () => {
    expect(encodeText({ symbols: ['a', 'b', '😀'] }, 'b😀a')).toEqual(Uint32Array.of(1, 2, 0))
  })

  test('is undone by decodeText', () => {
    fc.assert(
      fc.property(texts, text => {
        const alphabet = alphabetOf(text)
        const ids = encodeText(alphabet, text)
        expect(ids).toHaveLength([...text].length)
        expect(decodeText(alphabet, ids)).toBe(text)
      }),
    )
  })

  test('names the first symbol it does not know and where text has it', () => {
    expect(() => encodeText(alphabetOf('ab😀'), 'a😀\u00e9b')).toThrow(
      'encodeText: "é" (U+00E9) at index 3 is not among the 3 symbols of the alphabet; ' +
        'every symbol needs an id\n' +
        'hint: take the alphabet of all texts the model will read',
    )
    expect(() => encodeText(alphabetOf('ab'), 'c')).toThrow(expect.objectContaining({ code: 'bad-text' }))
  })
})

describe('decodeText', () => {
  test('refuses an id without a symbol', () => {
    const alphabet = { symbols: ['a', 'b'] }
    expect(() => decodeText(alphabet, [0, 2])).toThrow(
      'decodeText: id 2 at index 1 stands for no symbol; ids go from 0 to 1',
    )
    expect(() => decodeText(alphabet, [-1])).toThrow('decodeText: id -1 at index 0 stands for no symbol')
    expect(() => decodeText(alphabet, [0.5])).toThrow(expect.objectContaining({ code: 'bad-text' }))
  })
})
