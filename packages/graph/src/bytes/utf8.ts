/** The UTF-8 bytes of `text`; half a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 3)
  let length = 0
  for (const symbol of text) {
    const point = scalar(symbol.codePointAt(0) as number)
    if (point < 0x80) bytes[length++] = point
    else length = putSequence(bytes, length, point)
  }
  return bytes.slice(0, length)
}

function scalar(point: number): number {
  return point >= 0xd800 && point <= 0xdfff ? 0xfffd : point
}

/** Writes a code point from U+0080 up, returns where the next one goes. */
function putSequence(bytes: Uint8Array, at: number, point: number): number {
  const following = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3
  const marker = [0, 0xc0, 0xe0, 0xf0][following] as number
  bytes[at] = marker | (point >> (6 * following))
  for (let i = 1; i <= following; i++) bytes[at + i] = 0x80 | ((point >> (6 * (following - i))) & 0x3f)
  return at + following + 1
}
