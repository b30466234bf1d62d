import type { Tensor } from '@bptt/graph'
import { encodeUtf8, joinedBytes } from '@bptt/graph/bytes'
import { byCodePoint } from './order.js'
import { type Entry, elements, headerLimit, isCount, metadataKey, readHeader } from './safetensors/header.js'
import { quote, refuse } from './safetensors/refuse.js'

/** How numbers are written: `F64` keeps every bit, `F32` rounds to nearest and halves the file. */
export interface SafetensorsOptions {
  readonly dtype?: 'F32' | 'F64'
}

/** What a safetensors file holds. Both records have no prototype, so any string is a safe key. */
export interface Safetensors {
  readonly tensors: Record<string, Tensor>
  readonly metadata: Record<string, string>
}

const encoder = 'encodeSafetensors'

/**
 * The bytes of a safetensors file that holds `tensors` and string `metadata`, as F64 unless told otherwise.
 *
 * Equal contents give equal bytes: tensors and metadata are ordered by code point of their names. Tensor data
 * begins at a multiple of 8 bytes. Format: https://github.com/huggingface/safetensors (u64 length of the
 * header, JSON header, data).
 *
 * @throws GraphError `bad-safetensors` when data do not fill a shape, a finite number overflows F32, a name
 *   is the reserved `__metadata__`, a metadata value is not a string, or the header would pass 100 MB
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
  options: SafetensorsOptions = {},
): Uint8Array {
  const dtype = options.dtype ?? 'F64'
  const named = Object.entries(tensors).sort(([a], [b]) => byCodePoint(a, b))
  for (const [name, tensor] of named) checkTensor(name, tensor)
  const header = encodeHeader(named, metadata, dtype)
  return joinedBytes([header, ...named.map(([name, { data }]) => elementBytes(name, data, dtype))])
}

function checkTensor(name: string, { shape, data }: Tensor): void {
  if (name === metadataKey)
    refuse(encoder, `a tensor is named ${quote(name)}`, 'that name is reserved for the metadata')
  const tensor = `tensor ${quote(name)}`
  const printed = `[${shape.join(', ')}]`
  if (!shape.every(isCount)) {
    refuse(encoder, `${tensor} has shape ${printed}`, 'an axis length is an integer from 0 to 2^53 - 1')
  }
  const count = elements(shape)
  if (data.length === count) return
  refuse(encoder, `${tensor} has ${data.length} numbers`, `its shape ${printed} takes ${count}`)
}

/** Length and JSON of the header, padded with spaces to a multiple of 8 bytes. */
function encodeHeader(
  named: readonly (readonly [string, Tensor])[],
  metadata: Readonly<Record<string, string>>,
  dtype: 'F32' | 'F64',
): Uint8Array {
  const fields = encodeMetadata(metadata)
  let at = 0
  for (const [name, { shape, data }] of named) {
    const end = at + data.length * (dtype === 'F64' ? 8 : 4)
    fields.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [at, end] })}`)
    at = end
  }
  const json = encodeUtf8(`{${fields.join(',')}}`)
  const length = Math.ceil(json.length / 8) * 8
  if (length > headerLimit)
    refuse(encoder, `the header has ${length} bytes`, `a header has at most ${headerLimit}`)
  const header = new Uint8Array(8 + length).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true)
  header.set(json, 8)
  return header
}

function encodeMetadata(metadata: Readonly<Record<string, string>>): string[] {
  const entries = Object.entries(metadata).sort(([a], [b]) => byCodePoint(a, b))
  const fields = entries.map(([key, value]) => {
    if (typeof value === 'string') return `${JSON.stringify(key)}:${JSON.stringify(value)}`
    return refuse(
      encoder,
      `the metadata ${quote(key)} is not a string`,
      `${metadataKey} maps strings to strings`,
    )
  })
  return fields.length === 0 ? [] : [`"${metadataKey}":{${fields.join(',')}}`]
}

/** Raw bytes, little-endian as on every machine that JavaScript engines are built for. */
function elementBytes(name: string, data: Float64Array, dtype: 'F32' | 'F64'): Uint8Array {
  if (dtype === 'F64') return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const rounded = new Float32Array(data)
  const lost = data.findIndex((value, i) => Number.isFinite(value) && !Number.isFinite(rounded[i]))
  if (lost >= 0) {
    const what = `tensor ${quote(name)} has ${data[lost]} at index ${lost}`
    refuse(encoder, what, 'F32 ends at ±3.4028234663852886e38', 'write it as F64')
  }
  return new Uint8Array(rounded.buffer)
}

/**
 * Reads the bytes of a safetensors file; every number becomes float64, F64 bit for bit. The bytes are copied,
 * not kept.
 *
 * Reads F64, F32, F16, BF16, I8 to I64, U8 to U64 and BOOL. Trusts nothing: lengths, names, offsets and
 * shapes are checked before anything is allocated, and no byte of the data may belong to two tensors or to
 * none.
 *
 * @param where names the file in messages
 * @throws GraphError `bad-safetensors` when the bytes are not such a file, naming tensor and byte
 */
export function decodeSafetensors(bytes: Uint8Array, where: string = 'safetensors'): Safetensors {
  const { entries, metadata } = readHeader(bytes, where)
  const tensors: Record<string, Tensor> = Object.create(null)
  for (const entry of entries)
    tensors[entry.name] = { shape: entry.shape, data: readData(bytes, entry, where) }
  return { tensors, metadata }
}

function readData(bytes: Uint8Array, { name, dtype, begin, end }: Entry, where: string): Float64Array {
  const data = new Float64Array((end - begin) / dtype.size)
  if (dtype.bitwise) {
    new Uint8Array(data.buffer).set(bytes.subarray(begin, end))
    return data
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let i = 0; i < data.length; i++) {
    const at = begin + i * dtype.size
    const value = dtype.read(view, at)
    if (value === undefined) {
      const what = `tensor ${quote(name)} has a value at byte ${at} that cannot be read`
      return refuse(where, what, String(dtype.rule))
    }
    data[i] = value
  }
  return data
}
