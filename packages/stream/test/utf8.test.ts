import { encodeUtf8 } from '@bptt/graph/bytes'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { byCodePoint } from '../src/order.js'
import { decodeUtf8, invalidUtf8At } from '../src/utf8.js'

const texts = fc.string({ unit: 'binary', maxLength: 40 })
const nearlyText = fc.array(
  fc.oneof(fc.nat(255), fc.constantFrom(0xe0, 0xed, 0xf0, 0xf4, 0x80, 0x9f, 0xa0, 0xbf)),
)

function platformAccepts(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}

describe('UTF-8', () => {
  test('is written as the platform writes it, lone surrogates as U+FFFD', () => {
    const same = (text: string) => void expect(encodeUtf8(text)).toEqual(new TextEncoder().encode(text))
    fc.assert(fc.property(texts, same))
    expect(encodeUtf8('a\ud800b')).toEqual(new TextEncoder().encode('a\ufffdb'))
  })

  test('comes back as the text it was', () => {
    const same = (text: string) => void expect(decodeUtf8(encodeUtf8(text))).toBe(text)
    fc.assert(fc.property(texts, same))
    const long = 'aé€😀'.repeat(10_000)
    expect(decodeUtf8(encodeUtf8(long))).toBe(long)
  })

  test('is accepted exactly when the platform accepts it, and broken after the last good prefix', () => {
    fc.assert(
      fc.property(nearlyText, values => {
        const bytes = Uint8Array.from(values)
        const at = invalidUtf8At(bytes)
        expect(at === -1).toBe(platformAccepts(bytes))
        if (at >= 0) expect(platformAccepts(bytes.subarray(0, at))).toBe(true)
      }),
      { numRuns: 3000 },
    )
  })

  test.each([
    ['a continuation byte alone', [0x61, 0x80], 1],
    ['an overlong slash', [0xc0, 0xaf], 0],
    ['an overlong three-byte form', [0xe0, 0x9f, 0xbf], 0],
    ['a surrogate', [0x61, 0xed, 0xa0, 0x80], 1],
    ['an overlong four-byte form', [0xf0, 0x8f, 0xbf, 0xbf], 0],
    ['a point past U+10FFFF', [0xf4, 0x90, 0x80, 0x80], 0],
    ['a sequence cut off', [0x61, 0x62, 0xf0, 0x9f, 0x98], 2],
  ])('has no place for %s', (_, bytes, at) => {
    expect(invalidUtf8At(Uint8Array.from(bytes))).toBe(at)
  })
})

describe('byCodePoint', () => {
  test('orders strings as their UTF-8 bytes are ordered', () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        expect(Math.sign(byCodePoint(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
    expect(['\u{1f600}', '\ufffd', 'b', 'ab', 'a', ''].sort(byCodePoint)).toEqual([
      '',
      'a',
      'ab',
      'b',
      '\ufffd',
      '\u{1f600}',
    ])
  })
})
