import { GraphError } from '@bptt/graph'
import {
  bytesField,
  doubleField,
  type Field,
  floatField,
  joinedBytes,
  messageField,
  wholeField,
} from '@bptt/graph/bytes'
import { crc32c } from './crc32c.js'

/** Numbers of one moment of a run. */
export interface Scalars {
  /** Place on the horizontal axis: a whole number ≥ 0, such as events or updates so far. */
  readonly step: number
  /** By tag; tags with a common part before a `/` are shown together. Float32; NaN and infinities are kept. */
  readonly scalars: Readonly<Record<string, number>>
}

/** The record that a TensorBoard event file begins with. `time` in seconds since 1970. */
export function eventFileHeader(time: number): Uint8Array {
  return record([doubleField(1, time), bytesField(3, 'brain.Event:2')])
}

/**
 * One record of a TensorBoard event file: the scalars of a step, at `time` in seconds since 1970.
 *
 * A record is the u64 length of a protobuf `Event` with its masked CRC-32C, and the event with its own, little-endian (TFRecord). Records can be appended at any time.
 * @throws GraphError `bad-scalar` where the step is no whole number ≥ 0.
 */
export function scalarRecord({ step, scalars }: Scalars, time: number): Uint8Array {
  if (!Number.isSafeInteger(step) || step < 0)
    throw new GraphError('bad-scalar', 'scalarRecord', `step is ${step}; a step is a whole number ≥ 0`)
  const values = Object.entries(scalars).map(([tag, value]) =>
    messageField(1, [bytesField(1, tag), floatField(2, value)]),
  )
  return record([doubleField(1, time), wholeField(2, step), messageField(5, values)])
}

function record(event: readonly Field[]): Uint8Array {
  const data = joinedBytes(event)
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(data.length), true)
  return joinedBytes([length, checksum(length), data, checksum(data)])
}

/** A CRC rotated and moved, so that the CRC of data that holds CRCs stays good. */
function checksum(bytes: Uint8Array): Uint8Array {
  const crc = crc32c(bytes)
  const masked = new Uint8Array(4)
  new DataView(masked.buffer).setUint32(0, (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0, true)
  return masked
}
