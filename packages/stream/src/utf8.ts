const pieceLength = 8192

/** The text of UTF-8 `bytes`, which must be valid: ask `invalidUtf8At` first. */
export function decodeUtf8(bytes: Uint8Array): string {
  const pieces: string[] = []
  let points: number[] = []
  for (let at = 0; at < bytes.length; at += sequenceLength(bytes, at)) {
    points.push(pointAt(bytes, at))
    if (points.length < pieceLength) continue
    pieces.push(String.fromCodePoint(...points))
    points = []
  }
  return pieces.join('') + String.fromCodePoint(...points)
}

function pointAt(bytes: Uint8Array, at: number): number {
  const length = sequenceLength(bytes, at)
  const lead = bytes[at] as number
  if (length === 1) return lead
  let point = lead & (0x7f >> length)
  for (let i = 1; i < length; i++) point = (point << 6) | ((bytes[at + i] as number) & 0x3f)
  return point
}

/** The offset of the first byte that does not begin a valid UTF-8 sequence (Unicode 16, table 3-7), or -1. */
export function invalidUtf8At(bytes: Uint8Array): number {
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at)
    if (length === 0) return at
    at += length
  }
  return -1
}

/** Length of the valid sequence that begins at `at`, 1 to 4 bytes; 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number
  if (lead < 0x80) return 1
  if (lead < 0xc2 || lead > 0xf4) return 0
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  const [least, most] = secondByte(lead)
  const second = bytes[at + 1] ?? 0
  if (second < least || second > most) return 0
  for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0
  return length
}

/**
 * The range of the second byte: narrower after four leads, to shut out overlong forms, surrogates and points
 * past U+10FFFF.
 */
function secondByte(lead: number): readonly [number, number] {
  if (lead === 0xe0) return [0xa0, 0xbf]
  if (lead === 0xed) return [0x80, 0x9f]
  if (lead === 0xf0) return [0x90, 0xbf]
  if (lead === 0xf4) return [0x80, 0x8f]
  return [0x80, 0xbf]
}
