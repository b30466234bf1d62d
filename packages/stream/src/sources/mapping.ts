import { GraphError } from '@bptt/graph'
import { cut } from '../cut.js'
import type { Sample } from '../sample.js'

/** A column of names: one of these, written as 1 at its place and 0 elsewhere (`oneHot`, the default) or as its place (`id`). */
export interface CategoryColumn {
  readonly column: string
  readonly categories: readonly string[]
  readonly as?: 'oneHot' | 'id'
}

/** A field that holds a list of this many numbers (JSON only). */
export interface ListColumn {
  readonly column: string
  readonly width: number
}

/** A column: by name, of one number each; of categories; or of lists. */
export type Column = string | CategoryColumn | ListColumn

/** Which columns make an event. A list of columns makes a vector, one column that is a number or an id makes a number. */
export interface Mapping {
  readonly input: Column | readonly Column[]
  readonly target: Column | readonly Column[]
  /** Column of true or false (or 1 or 0): true at the first event of a sequence. */
  readonly reset?: string
  /** Column of numbers ≥ 0 that multiply the losses. */
  readonly weight?: string
  /** Column that names the stream an event belongs to. */
  readonly key?: string
}

/** A record as a source reads it. */
export interface Fields {
  /** The value of a column; undefined where the record has none of that name. */
  readonly get: (column: string) => unknown
  /** Where the record stands, for messages: `data.csv, line 7`. */
  readonly where: string
}

type Numbers = (fields: Fields) => readonly number[]
type Value = (fields: Fields) => number | readonly number[]

/**
 * The function from records to events that a mapping says.
 * @throws GraphError `bad-mapping`; from the function `missing-column`, `bad-number`, `unknown-category`, `bad-width`.
 */
export function eventsBy({ input, target, reset, weight, key }: Mapping): (fields: Fields) => Sample {
  const [inputOf, targetOf] = [readerOf('input', input), readerOf('target', target)]
  return fields => ({
    input: inputOf(fields),
    target: targetOf(fields),
    ...(reset !== undefined && { reset: truth(fields, reset) }),
    ...(weight !== undefined && { weight: weightOf(fields, weight) }),
    ...(key !== undefined && { key: String(given(fields, key)) }),
  })
}

/** Every column a mapping names. */
export function columnsOf({ input, target, reset, weight, key }: Mapping): readonly string[] {
  const listed = [input, target].flat().map(column => (typeof column === 'string' ? column : column.column))
  return [...listed, reset, weight, key].filter(name => name !== undefined)
}

function readerOf(part: string, columns: Column | readonly Column[]): Value {
  if (isList(columns)) {
    if (columns.length === 0) throw badMapping(part, 'names no column; a vector has one at least')
    const parts = columns.map(column => numbersOf(part, column))
    return fields => parts.flatMap(numbers => numbers(fields))
  }
  const numbers = numbersOf(part, columns)
  const single = typeof columns === 'string' || ('categories' in columns && columns.as === 'id')
  return single ? fields => numbers(fields)[0]! : numbers
}

const isList = (columns: Column | readonly Column[]): columns is readonly Column[] => Array.isArray(columns)

function numbersOf(part: string, column: Column): Numbers {
  if (typeof column === 'string') return fields => [numberOf(fields, column, given(fields, column))]
  if ('categories' in column) return categoriesOf(part, column)
  const { width } = column
  if (!Number.isInteger(width) || width < 1)
    throw badMapping(part, `column '${column.column}' has width ${width}; a width is a whole number ≥ 1`)
  return fields => listOf(fields, column)
}

function categoriesOf(part: string, { column, categories, as = 'oneHot' }: CategoryColumn): Numbers {
  const ids = new Map(categories.map((name, id) => [name, id]))
  if (ids.size !== categories.length || ids.size === 0)
    throw badMapping(part, `the categories of '${column}' are none or named twice; a category has one name`)
  return fields => {
    const value = String(given(fields, column))
    const id = ids.get(value)
    if (id === undefined) throw unknownCategory(fields, column, value, categories)
    return as === 'id' ? [id] : categories.map((_, k) => (k === id ? 1 : 0))
  }
}

function unknownCategory(
  { where }: Fields,
  column: string,
  value: string,
  categories: readonly string[],
): GraphError {
  const [shown, more] = [categories.slice(0, 8).map(shortened).join(', '), categories.length > 8 ? ', …' : '']
  const what = `${shortened(value)} is no category; there are ${categories.length}: ${shown}${more}`
  return new GraphError('unknown-category', at(where, column), what, 'list every category the source has')
}

function listOf(fields: Fields, { column, width }: ListColumn): readonly number[] {
  const list = given(fields, column)
  if (!Array.isArray(list) || list.length !== width) {
    const found = Array.isArray(list) ? `a list of ${list.length}` : shortened(list)
    throw new GraphError(
      'bad-width',
      at(fields.where, column),
      `is ${found}; it is a list of ${width} numbers`,
    )
  }
  return list.map(value => numberOf(fields, column, value))
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** A finite number, or text that is one in decimal. */
function numberOf({ where }: Fields, column: string, value: unknown): number {
  const number = typeof value !== 'string' ? value : decimal.test(value.trim()) ? Number(value) : undefined
  if (typeof number === 'number' && Number.isFinite(number)) return number
  throw new GraphError(
    'bad-number',
    at(where, column),
    `is ${shortened(value)}; events are finite decimal numbers`,
    'leave such records out with skip, or list the categories of the column',
  )
}

function weightOf(fields: Fields, column: string): number {
  const value = numberOf(fields, column, given(fields, column))
  if (value >= 0) return value
  throw new GraphError('bad-number', at(fields.where, column), `is ${value}; a weight is ≥ 0`)
}

const truths: Readonly<Record<string, boolean>> = { true: true, 1: true, false: false, 0: false }

function truth(fields: Fields, column: string): boolean {
  const value = String(given(fields, column))
  if (Object.hasOwn(truths, value)) return truths[value]!
  throw new GraphError(
    'unknown-category',
    at(fields.where, column),
    `is ${shortened(value)}; a reset is true or false, or 1 or 0`,
  )
}

function given({ get, where }: Fields, column: string): unknown {
  const value = get(column)
  if (value !== undefined) return value
  throw new GraphError('missing-column', at(where, column), 'is not there; every record has every column')
}

const at = (where: string, column: string): string => `${where}, column '${column}'`

function badMapping(part: string, what: string): GraphError {
  return new GraphError('bad-mapping', part, what)
}

/** A value as JSON, cut where it is long. */
export function shortened(value: unknown): string {
  return cut(JSON.stringify(value) ?? String(value))
}
