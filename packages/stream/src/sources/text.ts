import { encodeUtf8 } from '@bptt/graph/bytes'
import { chunksOf, type Named, nameOf, type Source, textsOf } from './chunks.js'

/**
 * The code points of a UTF-8 text, one string each; a byte order mark is left out.
 * @throws GraphError `bad-text` at the first byte that is not UTF-8, named by its offset.
 */
export async function* codePoints(
  source: Source,
  options: Named = {},
): AsyncGenerator<string, void, undefined> {
  let high = ''
  for await (const text of textsOf(source, nameOf(source, options, 'text'))) {
    const all = high + text
    // half a surrogate pair waits for its other half
    const whole = isHigh(all.charCodeAt(all.length - 1)) ? all.slice(0, -1) : all
    high = all.slice(whole.length)
    yield* whole
  }
  if (high !== '') yield high
}

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff

/** The bytes of a source, whole numbers in [0, 256); text is given as its UTF-8 bytes. */
export async function* bytes(source: Source): AsyncGenerator<number, void, undefined> {
  for await (const chunk of chunksOf(source)) yield* typeof chunk === 'string' ? encodeUtf8(chunk) : chunk
}
