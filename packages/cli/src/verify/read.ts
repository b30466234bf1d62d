import { GraphError, type Tensor } from '@bptt/graph'

/** A place in a JSON file: what stands there, and the way to it. */
export interface Spot {
  readonly value: unknown
  /** `cases[0].params.U`; empty for the whole file. */
  readonly path: string
  readonly file: string
}

/** The error for a place that does not hold what it should: `rule` says what that is. */
export function bad(spot: Spot, rule: string, found: string = kindOf(spot.value)): GraphError {
  return new GraphError('bad-golden', spot.file, `${spot.path || 'the file'} is ${found}; ${rule}`)
}

/** The object at a place, as a list of its fields. */
export function fields(spot: Spot): readonly (readonly [name: string, at: Spot])[] {
  if (!isObject(spot.value)) throw bad(spot, 'it must be an object')
  return Object.entries(spot.value).map(([name, value]) => [name, below(spot, name, value)] as const)
}

/** A field that may be missing or null. */
export function optional(spot: Spot, name: string): Spot | undefined {
  if (!isObject(spot.value)) throw bad(spot, 'it must be an object')
  const value = Object.hasOwn(spot.value, name) ? spot.value[name] : undefined
  return value === undefined || value === null ? undefined : below(spot, name, value)
}

/** A field that must be there. */
export function field(spot: Spot, name: string): Spot {
  const found = optional(spot, name)
  if (found !== undefined) return found
  throw bad(below(spot, name, undefined), 'it must be there')
}

/** The elements of a list; with `length`, exactly that many. */
export function items(spot: Spot, length?: number): readonly Spot[] {
  const { value, path, file } = spot
  if (!Array.isArray(value)) throw bad(spot, 'it must be a list')
  if (length !== undefined && value.length !== length)
    throw bad(spot, `it must have ${length}`, `a list of ${value.length}`)
  return value.map((element: unknown, i) => ({ value: element, path: `${path}[${i}]`, file }))
}

/** A text, one of `words` where they are given. */
export function textAt(spot: Spot, words?: readonly string[]): string {
  if (typeof spot.value !== 'string') throw bad(spot, 'it must be a text')
  if (words !== undefined && !words.includes(spot.value))
    throw bad(spot, `it must be one of ${words.join(', ')}`, `'${spot.value}'`)
  return spot.value
}

/** A finite number. */
export function numberAt(spot: Spot): number {
  if (typeof spot.value === 'number' && Number.isFinite(spot.value)) return spot.value
  throw bad(spot, 'it must be a number')
}

/** A whole number from `min` to a million: sizes and numbers of steps. */
export function wholeAt(spot: Spot, min: number = 1): number {
  const value = numberAt(spot)
  if (Number.isSafeInteger(value) && value >= min && value <= 1e6) return value
  throw bad(spot, `it must be a whole number from ${min} to a million`, String(value))
}

/** A list of numbers as a tensor [n]. */
export function listAt(spot: Spot, length?: number): Tensor {
  const data = Float64Array.from(items(spot, length), numberAt)
  return { shape: [data.length], data }
}

/** A tensor `{shape, data}`; where `wanted` is given, of this shape. */
export function tensorAt(spot: Spot, wanted?: readonly number[]): Tensor {
  const shape = items(field(spot, 'shape')).map(dim => wholeAt(dim))
  const size = shape.reduce((product, length) => product * length, 1)
  if (wanted !== undefined && shapeText(shape) !== shapeText(wanted))
    throw bad(spot, `it must be ${shapeText(wanted)}`, `a tensor ${shapeText(shape)}`)
  return { shape, data: listAt(field(spot, 'data'), size).data }
}

const shapeText = (shape: readonly number[]): string => `[${shape.join(', ')}]`

function below({ path, file }: Spot, name: string, value: unknown): Spot {
  const plain = /^[A-Za-z_]\w*$/.test(name)
  const step = plain ? `${path === '' ? '' : '.'}${name}` : `['${name}']`
  return { value, path: `${path}${step}`, file }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${JSON.stringify(value).slice(0, 40)}`
}
