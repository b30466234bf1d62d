import { encodeUtf8 } from './utf8.js'

/** A field of a protocol buffer message, encoded: its key, then its value (protobuf.dev/programming-guides/encoding). */
export type Field = Uint8Array

const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5]

/** Bytes one after the other; fields make a message. */
export function joinedBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((total, part) => total + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** A whole number in [0, 2^53), 7 bits a byte, the lowest first. */
function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Uint8Array.from([...bytes, rest])
}

const key = (number: number, kind: number): Uint8Array => varint(number * 8 + kind)

/** An int64 or enum field ≥ 0. */
export const wholeField = (number: number, value: number): Field =>
  joinedBytes([key(number, VARINT), varint(value)])

/** A string, bytes or message field. */
export function bytesField(number: number, value: Uint8Array | string): Field {
  const bytes = typeof value === 'string' ? encodeUtf8(value) : value
  return joinedBytes([key(number, BYTES), varint(bytes.length), bytes])
}

/** A message field. */
export const messageField = (number: number, fields: readonly Field[]): Field =>
  bytesField(number, joinedBytes(fields))

/** A double field. */
export function doubleField(number: number, value: number): Field {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, value, true)
  return joinedBytes([key(number, FIXED64), bytes])
}

/** A float field. */
export function floatField(number: number, value: number): Field {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setFloat32(0, value, true)
  return joinedBytes([key(number, FIXED32), bytes])
}
