import { extname } from 'node:path'
import type { Sample } from '@bptt/stream'
import { fileSource } from '@bptt/stream/node'
import { type Column, csv, ndjson } from '@bptt/stream/sources'
import { type Format, formats } from '../commands/source.js'
import { Failure } from '../failure.js'
import { inFlags } from './flags.js'

/** Which records are read, and what of them. */
export interface Recording {
  /** A file, or `-` for standard input. */
  readonly path: string
  readonly format: Format
  readonly input: readonly Column[]
  readonly target: readonly Column[]
  /** Targets are those of so many records later. */
  readonly ahead: number
  /** Column that is true where a sequence begins. */
  readonly reset?: string | undefined
  /** Column of the weights of losses. */
  readonly weight?: string | undefined
  /** The character between fields, where it is not that of the format. */
  readonly separator?: string | undefined
  /** Names of the columns, where the first record is no header. */
  readonly columns?: readonly string[] | undefined
  /** Leaves out records that do not fit; undefined where a command has no such flag. */
  readonly skip?: boolean | undefined
}

const extensions: Readonly<Record<string, Format>> = {
  '.csv': 'csv',
  '.tsv': 'tsv',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
}

/**
 * The format of a file: the one that is asked for, or that of its extension.
 * @throws Failure where the extension says nothing.
 */
export function formatOf(path: string, given: Format | undefined): Format {
  const format = given ?? extensions[extname(path).toLowerCase()]
  if (format !== undefined) return format
  const what = path === '-' ? 'standard input has no extension' : `the extension of ${path} is not known`
  throw new Failure(
    `${what}; --format says how records are written: ${formats.join(', ')} (.csv, .tsv, .ndjson and .jsonl need none)`,
  )
}

/**
 * The events of a recording, in the numbers of the data; `left` hears of every record that is left out. Throws GraphError that names file, line
 * and column.
 */
export function eventsOf(
  recording: Recording,
  left: (error: Error) => void = () => {},
): AsyncIterable<Sample> {
  const { path, format, input, target, reset, weight, ahead, columns } = recording
  const { separator = format === 'tsv' ? '\t' : ',' } = recording
  const mapping = {
    input,
    target,
    ...(reset !== undefined && { reset }),
    ...(weight !== undefined && { weight }),
  }
  const source = fileSource(path)
  const skipping = recording.skip ? { skip: left } : {}
  const records =
    format === 'ndjson'
      ? ndjson(source, mapping, skipping)
      : csv(source, mapping, { separator, ...skipping, ...(columns && { columns }) })
  return later(inFlags(records, recording.skip === false), ahead)
}

/** Each input with the target of `ahead` records later, in the same sequence. */
async function* later(records: AsyncIterable<Sample>, ahead: number): AsyncGenerator<Sample> {
  let waiting: Sample[] = []
  for await (const record of records) {
    if (record.reset) waiting = []
    waiting.push(record)
    if (waiting.length <= ahead) continue
    const { input, reset } = waiting.shift()!
    const { reset: _, ...rest } = record
    yield { ...rest, input, ...(reset && { reset }) }
  }
}
