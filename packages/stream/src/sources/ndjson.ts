import { GraphError } from '@bptt/graph'
import { map, type OperatorFunction } from 'rxjs'
import type { Sample } from '../sample.js'
import { nameOf, type Source } from './chunks.js'
import { linesOf } from './lines.js'
import { eventsBy, type Fields, type Mapping, shortened } from './mapping.js'
import { orSkip, type RecordOptions } from './skip.js'

/**
 * The events of a source of JSON objects, one a line (NDJSON, JSON Lines). Empty lines are left out; a line is read when it is asked for.
 *
 * @example
 * from(ndjson(fileSource('sensor.jsonl'), { input: ['pressure', { column: 'state', categories: ['on', 'off'] }], target: ['load'] }))
 * @throws GraphError naming source, line and column: `bad-line`, `missing-column`, `bad-number`, `bad-width`, `unknown-category`, `bad-text`.
 */
export async function* ndjson(
  source: Source,
  mapping: Mapping,
  options: RecordOptions = {},
): AsyncGenerator<Sample, void, undefined> {
  const name = nameOf(source, options, 'ndjson')
  const event = eventsBy(mapping)
  for await (const { text, number } of linesOf(source, name)) {
    if (text.trim() === '') continue
    const where = `${name}, line ${number}`
    const made = orSkip(() => event(fieldsOf(parsed(text, where), where)), options)
    if (made !== undefined) yield made
  }
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const at = errorColumn(text)
    throw new GraphError(
      'bad-line',
      `${where}, column ${at}`,
      `is no JSON: ${shortened(text)}; a line is one JSON object`,
    )
  }
}

/** Where a text stops being JSON, from 1: what the engine says, else the end. */
function errorColumn(text: string): number {
  try {
    JSON.parse(text)
  } catch (error) {
    const position = /position (\d+)/.exec(String(error))?.[1]
    if (position !== undefined) return Number(position) + 1
  }
  return text.length
}

/** The fields of a JSON object. Throws GraphError `bad-line` where it is something else. */
function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const record = value as Readonly<Record<string, unknown>>
    return { where, get: column => (Object.hasOwn(record, column) ? record[column] : undefined) }
  }
  throw new GraphError('bad-line', where, `is ${shortened(value)}; a record is a JSON object`)
}

/**
 * Objects to events: for records that arrive as values, from `webSocket`, `serverSentEvents` or a source of one's own. In messages they are
 * counted from 1.
 * @throws GraphError in the stream, as `ndjson`.
 */
export function toEvents(
  mapping: Mapping,
  { name = 'stream' }: { readonly name?: string } = {},
): OperatorFunction<unknown, Sample> {
  const event = eventsBy(mapping)
  return records => records.pipe(map((record, i) => event(fieldsOf(record, `${name}, record ${i + 1}`))))
}
