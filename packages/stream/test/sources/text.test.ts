import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytes, codePoints } from '../../src/sources/index.js'
import { linesOf } from '../../src/sources/lines.js'
import { all, cut, outcome, places, utf8 } from './support.js'

describe('codePoints', () => {
  test('gives the same code points wherever the bytes or the text are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 30 }), places, async (text, at) => {
        fc.pre(!text.startsWith('\ufeff'))
        expect(await all(codePoints(cut(utf8(text), at)))).toEqual([...text])
        const pieces = cut(
          Uint8Array.from([...text], (_, i) => i),
          at,
        ).map(part => [...part])
        expect(await all(codePoints(pieces.map(ids => ids.map(i => [...text][i]).join(''))))).toEqual([
          ...text,
        ])
      }),
      { numRuns: 300 },
    )
  })

  test('joins a surrogate pair that two pieces of text share', async () => {
    expect(await all(codePoints(['a\ud83d', '\ude00b']))).toEqual(['a', '😀', 'b'])
    expect(await all(codePoints(['a\ud83d']))).toEqual(['a', '\ud83d'])
  })

  test('leaves out a byte order mark at the beginning only', async () => {
    expect(await all(codePoints(cut(utf8('\ufeffa\ufeff'), [1, 2])))).toEqual(['a', '\ufeff'])
  })

  test('names the byte that is not UTF-8, wherever the chunks are cut, after what is whole', async () => {
    const bad = Uint8Array.of(...utf8('héé'), 0xff, ...utf8('more'))
    for (let at = 0; at <= bad.length; at++) {
      const { code, message, values } = await outcome(codePoints(cut(bad, [at]), { name: 'a.txt' }))
      expect(code).toBe('bad-text')
      expect(message).toContain('a.txt: byte 5 is not UTF-8; a text is read as UTF-8\nhint: is it a binary')
      expect(values.join('')).toBe('héé')
    }
    const open = await outcome(codePoints(utf8('é').slice(0, 1)))
    expect(open.message).toContain('text: byte 0 is not UTF-8')
  })

  test('reads what has a reader, and lets go of it when the reader stops', async () => {
    const parts = ['ab', 'cd']
    let cancelled = 0
    const source = {
      getReader: () => ({
        read: () =>
          Promise.resolve(parts.length === 0 ? { done: true } : { done: false, value: parts.shift()! }),
        cancel: () => Promise.resolve(cancelled++),
      }),
    }
    for await (const symbol of codePoints(source)) if (symbol === 'b') break
    expect([parts, cancelled]).toEqual([['cd'], 1])
  })
})

describe('bytes', () => {
  test('gives the bytes of chunks as they are and text in UTF-8', async () => {
    expect(await all(bytes([Uint8Array.of(255, 0), 'é']))).toEqual([255, 0, 0xc3, 0xa9])
  })
})

describe('lines', () => {
  test('are what a split at line ends gives, wherever the chunks are cut', async () => {
    const line = fc
      .string({ unit: fc.constantFrom('a', 'é', '"', ' ', '\r') })
      .filter(text => !text.endsWith('\r'))
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1 }),
        fc.constantFrom('\n', '\r\n'),
        places,
        async (list, end, at) => {
          const lines = await all(linesOf(cut(utf8(list.join(end)), at), 'x'))
          const wanted = list.at(-1) === '' ? list.slice(0, -1) : list
          expect(lines).toEqual(wanted.map((text, i) => ({ text, number: i + 1 })))
        },
      ),
      { numRuns: 300 },
    )
  })
})
