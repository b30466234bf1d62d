/** How the elements of one safetensors dtype lie in bytes, little-endian. */
export interface Dtype {
  /** Bytes per element. */
  readonly size: number
  /** Element at byte `at`; `undefined` when float64 cannot hold it exactly, or its bytes mean nothing. */
  readonly read: (view: DataView, at: number) => number | undefined
  /** What `read` refuses, as a rule for people. */
  readonly rule?: string
  /** The bytes are those of a float64, so they are copied rather than read: NaN payloads stay. */
  readonly bitwise?: true
}

const wide = 'an integer must lie within ±(2^53 - 1), the range float64 holds exactly'

/** Every dtype that can be read, by the name it has in the header. */
export const dtypes: ReadonlyMap<string, Dtype> = new Map<string, Dtype>([
  ['F64', { size: 8, read: (view, at) => view.getFloat64(at, true), bitwise: true }],
  ['F32', { size: 4, read: (view, at) => view.getFloat32(at, true) }],
  ['F16', { size: 2, read: (view, at) => half(view.getUint16(at, true)) }],
  ['BF16', { size: 2, read: brain }],
  ['I64', { size: 8, read: (view, at) => exact(view.getBigInt64(at, true)), rule: wide }],
  ['U64', { size: 8, read: (view, at) => exact(view.getBigUint64(at, true)), rule: wide }],
  ['I32', { size: 4, read: (view, at) => view.getInt32(at, true) }],
  ['U32', { size: 4, read: (view, at) => view.getUint32(at, true) }],
  ['I16', { size: 2, read: (view, at) => view.getInt16(at, true) }],
  ['U16', { size: 2, read: (view, at) => view.getUint16(at, true) }],
  ['I8', { size: 1, read: (view, at) => view.getInt8(at) }],
  ['U8', { size: 1, read: (view, at) => view.getUint8(at) }],
  ['BOOL', { size: 1, read: truth, rule: 'a BOOL byte must be 0 or 1' }],
])

function exact(value: bigint): number | undefined {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : undefined
}

function truth(view: DataView, at: number): number | undefined {
  const byte = view.getUint8(at)
  return byte <= 1 ? byte : undefined
}

/** IEEE binary16: 1 sign, 5 exponent (bias 15) and 10 fraction bits. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

const scratch = new DataView(new ArrayBuffer(4))

/** bfloat16: the upper half of a float32. */
function brain(view: DataView, at: number): number {
  scratch.setUint16(0, view.getUint16(at, true))
  return scratch.getFloat32(0)
}
