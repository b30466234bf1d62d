import { GraphError } from '@bptt/graph'
import type { Sample } from '../sample.js'
import { nameOf, type Source, textsOf } from './chunks.js'
import { CsvReader, type CsvRecord } from './csv-records.js'
import { columnsOf, eventsBy, type Fields, type Mapping } from './mapping.js'
import { orSkip, type RecordOptions } from './skip.js'

/** How a CSV source is read. */
export interface CsvOptions extends RecordOptions {
  /** The character between fields; `,` where not given. */
  readonly separator?: string
  /** Names of the columns, where the first record is no header. */
  readonly columns?: readonly string[]
}

/**
 * The events of a CSV source (RFC 4180, UTF-8). The first record names the columns. A record is read when it is asked for, so files of any
 * size take constant memory. Texts that break the format end the source even where records are skipped: what follows cannot be told apart.
 *
 * @example
 * from(csv(fileSource('machine.csv'), { input: ['temperature', { column: 'state', categories: ['on', 'off'] }], target: ['load'] }))
 * @throws GraphError naming source, line and column: `bad-line`, `bad-header`, `bad-width`, `bad-number`, `unknown-category`, `bad-text`.
 */
export async function* csv(
  source: Source,
  mapping: Mapping,
  options: CsvOptions = {},
): AsyncGenerator<Sample, void, undefined> {
  const name = nameOf(source, options, 'csv')
  const event = eventsBy(mapping)
  let places = options.columns && placesOf(options.columns, mapping, name)
  for await (const record of records(source, name, options.separator ?? ',')) {
    const where = `${name}, line ${record.line}`
    if (places === undefined) {
      places = placesOf(record.fields, mapping, where)
      continue
    }
    const known = places
    const made = orSkip(() => event(fieldsOf(record, known, where)), options)
    if (made !== undefined) yield made
  }
}

async function* records(
  source: Source,
  name: string,
  separator: string,
): AsyncGenerator<CsvRecord, void, undefined> {
  const reader = new CsvReader(name, separator)
  for await (const text of textsOf(source, name)) yield* reader.push(text)
  yield* reader.end()
}

type Places = ReadonlyMap<string, number>

function placesOf(columns: readonly string[], mapping: Mapping, where: string): Places {
  const places = new Map(columns.map((column, i) => [column, i]))
  const listed = columns.map(column => `'${column}'`).join(', ')
  const twice = columns.find((column, i) => places.get(column) !== i)
  if (twice !== undefined)
    throw new GraphError('bad-header', where, `names '${twice}' twice; a column has a name of its own`)
  const missing = columnsOf(mapping).find(column => !places.has(column))
  if (missing === undefined) return places
  throw new GraphError(
    'bad-header',
    where,
    `has no column '${missing}'; the columns are ${listed}`,
    'where the first record is no header, give columns',
  )
}

function fieldsOf({ fields }: CsvRecord, places: Places, where: string): Fields {
  if (fields.length !== places.size)
    throw new GraphError(
      'bad-width',
      where,
      `has ${fields.length} ${fields.length === 1 ? 'field' : 'fields'}; the header has ${places.size}, and so has every record`,
    )
  return { where, get: column => fields[places.get(column)!] }
}
