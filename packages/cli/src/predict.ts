import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { predictor, type Sample } from '@bptt/stream'
import { load } from '@bptt/stream/node'
import type { PredictOptions } from './commands/predict.js'

import { Failure } from './failure.js'
import { cellOf, checkParams, decodeRecord, type ModelRecord, type NumberModel } from './model.js'
import { columnsOf, nameOf, widthOf } from './records/columns.js'
import { eventsOf, formatOf } from './records/read.js'
import { fromScale, toScale } from './records/scale.js'

/** Writes what a saved model of numbers says of records. */
export async function predict(options: PredictOptions): Promise<void> {
  const { model: path, json = false } = options
  const loaded = await load(path)
  if (loaded.warning !== undefined) process.stderr.write(`bptt: ${loaded.warning}\n`)
  const record = decodeRecord(loaded.metadata, path)
  if (!('numbers' in record))
    throw new Failure(`${path} is a model of text (--text); bptt sample lets it write`)
  const cell = cellOf(record.model)
  checkParams(cell, loaded.params, path)
  const names = columnsOf('--target', String(record.training['target'])).flatMap(column =>
    widthOf(column) === 1
      ? nameOf(column)
      : Array.from({ length: widthOf(column) }, (_, i) => `${nameOf(column)}.${i}`),
  )
  const said = predictions(record, predictor(cell, loaded.params), eventsFor(options, record.training))
  await pipeline(Readable.from(json ? inJson(names, said) : inCsv(names, said)), process.stdout, {
    end: false,
  })
}

/** The records with the inputs of the model; as targets, which they need not have, the inputs again. */
function eventsFor(
  { data, format, separator, columns }: PredictOptions,
  { input, reset }: ModelRecord['training'],
): AsyncIterable<Sample> {
  const read = columnsOf('--input', String(input))
  return eventsOf({
    ...{ path: data, format: formatOf(data, format), separator, ahead: 0, input: read, target: read },
    columns: columns?.split(',').map(name => name.trim()),
    reset: typeof reset === 'string' ? reset : undefined,
  })
}

/** What the model says of each record, in the numbers of the data. */
async function* predictions(
  { numbers: { input, target } }: NumberModel,
  { carry: zero, step }: ReturnType<typeof predictor>,
  records: AsyncIterable<Sample>,
): AsyncGenerator<readonly number[], void, void> {
  let carry = zero
  for await (const { input: x, reset } of records) {
    const [next, y] = step(reset ? zero : carry, toScale(input, x as readonly number[]))
    carry = next
    yield fromScale(target, y)
  }
}

/** The names come before the first row: where that cannot be read, nothing is written. */
async function* inCsv(
  names: readonly string[],
  rows: AsyncIterable<readonly number[]>,
): AsyncGenerator<string> {
  let head = `${names.map(field).join(',')}\n`
  for await (const row of rows) {
    yield `${head}${row.join(',')}\n`
    head = ''
  }
}

const field = (name: string): string => (/[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)

async function* inJson(
  names: readonly string[],
  rows: AsyncIterable<readonly number[]>,
): AsyncGenerator<string> {
  for await (const row of rows)
    yield `${JSON.stringify(Object.fromEntries(names.map((name, i) => [name, row[i]])))}\n`
}
