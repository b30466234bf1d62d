import { decodeUtf8, invalidUtf8At } from '../utf8.js'
import { type Dtype, dtypes } from './dtype.js'
import { repeatedKey } from './keys.js'
import { printed, quote, refuse } from './refuse.js'

/** Most bytes a header may have: the limit of the reference implementation. */
export const headerLimit = 100_000_000

/** The one key of the header that names no tensor. */
export const metadataKey = '__metadata__'

/** One tensor as the header describes it; bytes [begin, end) are counted from the start of the file. */
export interface Entry {
  readonly name: string
  readonly dtype: Dtype
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

/** What a file's header says, checked against itself and against the file's length. */
export interface Header {
  readonly entries: readonly Entry[]
  readonly metadata: Record<string, string>
}

/** Reads and checks the header of a safetensors file. Throws GraphError `bad-safetensors`. */
export function readHeader(bytes: Uint8Array, where: string): Header {
  const dataAt = 8 + headerLength(bytes, where)
  const fields = parse(bytes.subarray(8, dataAt), where)
  const entries: Entry[] = []
  let metadata: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(fields)) {
    if (name === metadataKey) metadata = readMetadata(value, where)
    else entries.push(readEntry(name, value, dataAt, bytes.length, where))
  }
  checkCover(entries, dataAt, bytes.length, where)
  return { entries, metadata }
}

function headerLength(bytes: Uint8Array, where: string): number {
  if (bytes.length < 8) {
    refuse(
      where,
      `has ${bytes.length} bytes`,
      'a safetensors file begins with 8 bytes for the length of its header',
    )
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (length > headerLimit) {
    refuse(where, `bytes 0 to 7 announce a header of ${length} bytes`, `a header has at most ${headerLimit}`)
  }
  if (8n + length > bytes.length) {
    const rest = bytes.length - 8
    refuse(
      where,
      `bytes 0 to 7 announce a header of ${length} bytes`,
      `only ${rest} follow`,
      'is the file cut off?',
    )
  }
  return Number(length)
}

function parse(header: Uint8Array, where: string): Record<string, unknown> {
  const invalid = invalidUtf8At(header)
  if (invalid >= 0)
    refuse(where, `byte ${8 + invalid} of the header is not UTF-8`, 'a header is JSON in UTF-8')
  if (header[0] !== 0x7b) refuse(where, 'byte 8 is not {', 'the header must be a JSON object')
  const json = decodeUtf8(header)
  const value = parseJson(json, header.length, where)
  const repeated = repeatedKey(json)
  if (repeated)
    refuse(where, `the header has the key ${quote(repeated.key)} twice`, 'a key stands once in an object')
  return value
}

function parseJson(json: string, length: number, where: string): Record<string, unknown> {
  try {
    return JSON.parse(json) as Record<string, unknown>
  } catch {
    return refuse(
      where,
      `the header, bytes 8 to ${7 + length}, is not JSON`,
      'the header must be a JSON object',
    )
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readMetadata(value: unknown, where: string): Record<string, string> {
  const rule = `${metadataKey} maps strings to strings`
  if (!isRecord(value)) return refuse(where, `${metadataKey} is not an object`, rule)
  const metadata: Record<string, string> = Object.create(null)
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') return refuse(where, `the metadata ${quote(key)} is not a string`, rule)
    metadata[key] = text
  }
  return metadata
}

function readEntry(name: string, value: unknown, dataAt: number, fileEnd: number, where: string): Entry {
  const tensor = `tensor ${quote(name)}`
  if (!isRecord(value))
    return refuse(where, `${tensor} is not an object`, 'it needs dtype, shape and data_offsets')
  const dtype = readDtype(value['dtype'], tensor, where)
  const shape = readShape(value['shape'], tensor, where)
  const [from, to] = readOffsets(value['data_offsets'], tensor, where)
  const [begin, end] = [dataAt + from, dataAt + to]
  if (end > fileEnd) {
    refuse(where, `${tensor} ends at byte ${end}`, `the file has ${fileEnd} bytes`, 'is the file cut off?')
  }
  const size = elements(shape) * dtype.size
  if (size !== end - begin) {
    const rule = `${String(value['dtype'])} of shape ${printed(shape)} takes ${size}`
    refuse(where, `${tensor} has ${end - begin} bytes, from ${begin} to ${end}`, rule)
  }
  return { name, dtype, shape, begin, end }
}

function readDtype(value: unknown, tensor: string, where: string): Dtype {
  const dtype = typeof value === 'string' ? dtypes.get(value) : undefined
  if (dtype) return dtype
  const given = typeof value === 'string' ? `has dtype ${quote(value)}` : 'names no dtype'
  return refuse(where, `${tensor} ${given}`, `known are ${[...dtypes.keys()].join(', ')}`)
}

/** How many elements a shape holds: 1 for a scalar, 0 when any axis is empty. */
export function elements(shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((count, dim) => count * dim, 1)
}

/** An axis length or byte position: an integer from 0 to 2^53 - 1. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function readShape(value: unknown, tensor: string, where: string): number[] {
  if (!Array.isArray(value) || !value.every(isCount)) {
    return refuse(
      where,
      `the shape of ${tensor} is not a list of integers from 0 to 2^53 - 1`,
      'each is an axis length',
    )
  }
  if (elements(value) * 8 > Number.MAX_SAFE_INTEGER) {
    refuse(where, `the shape of ${tensor} multiplies to 2^50 elements or more`, 'no file can hold that many')
  }
  return value.map(dim => dim + 0) // JSON may say -0
}

function readOffsets(value: unknown, tensor: string, where: string): readonly [number, number] {
  const rule = 'they are two integers from 0 to 2^53 - 1, the second not smaller'
  if (!Array.isArray(value) || value.length !== 2 || !value.every(isCount)) {
    return refuse(where, `the data_offsets of ${tensor} are not two byte positions`, rule)
  }
  const [from, to] = value as [number, number]
  if (from > to) refuse(where, `the data_offsets of ${tensor} run backwards, from ${from} to ${to}`, rule)
  return [from, to]
}

/** Every byte after the header belongs to exactly one tensor, so nothing hides in a file. */
function checkCover(entries: readonly Entry[], dataAt: number, fileEnd: number, where: string): void {
  const rule = 'each byte after the header belongs to exactly one tensor'
  const ordered = entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)
  let covered = dataAt
  let before = ''
  for (const { name, begin, end } of ordered) {
    if (begin < covered)
      refuse(where, `tensor ${quote(name)} at byte ${begin} overlaps tensor ${quote(before)}`, rule)
    if (begin > covered) refuse(where, `bytes ${covered} to ${begin} belong to no tensor`, rule)
    covered = end
    before = name
  }
  if (covered < fileEnd) refuse(where, `bytes ${covered} to ${fileEnd} belong to no tensor`, rule)
}
