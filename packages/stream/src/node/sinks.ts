import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { GraphError } from '@bptt/graph'
import { defer, finalize, type MonoTypeOperatorFunction, tap } from 'rxjs'
import { eventFileHeader, type Scalars, scalarRecord } from '../sinks/tensorboard.js'
import { type AppendFile, appendFile } from './append.js'
import { reason } from './reason.js'

/**
 * Appends every value to a file as one line of JSON (what `pick` makes of it), and passes it on. A line is written whole or not at all; the file
 * is opened when subscribed to, and one whose last line was cut off goes on after a line end. NaN and infinities become null, JSON having neither.
 *
 * @example
 * sensor$.pipe(nextStep(), online.train(), jsonl('reports.jsonl', ({ events, loss }) => ({ events, loss })))
 * @throws GraphError in the stream, `cannot-write`.
 */
export function jsonl<T>(
  path: string,
  pick: (value: T) => unknown = value => value,
): MonoTypeOperatorFunction<T> {
  const open = (): AppendFile => {
    const file = appendFile(path)
    if (file.last !== undefined && file.last !== 0x0a) file.append(Buffer.from('\n'))
    return file
  }
  return appended(open, value => Buffer.from(`${JSON.stringify(pick(value)) ?? null}\n`))
}

/**
 * Writes scalars of every value to a new event file in a folder for TensorBoard (`tensorboard --logdir FOLDER`), and passes the value on. The folder is made where
 * there is none; a run that goes on writes another file beside the first, which TensorBoard joins.
 *
 * @example
 * online.train(), tensorBoard('runs/1', ({ events, loss, gradientNorm }) => ({ step: events, scalars: { loss, gradientNorm } }))
 * @throws GraphError in the stream, `cannot-write`, `bad-scalar`.
 */
export function tensorBoard<T>(folder: string, scalars: (value: T) => Scalars): MonoTypeOperatorFunction<T> {
  const open = (): AppendFile => {
    makeFolder(folder)
    const name = `events.out.tfevents.${String(Date.now()).padStart(13, '0')}.${hostname()}.${process.pid}`
    const file = appendFile(join(folder, name))
    if (file.size === 0) file.append(eventFileHeader(Date.now() / 1000))
    return file
  }
  return appended(open, value => scalarRecord(scalars(value), Date.now() / 1000))
}

/** Opens a file on subscription, appends a record per value, closes it at the end. */
function appended<T>(open: () => AppendFile, record: (value: T) => Uint8Array): MonoTypeOperatorFunction<T> {
  return values =>
    defer(() => {
      const file = open()
      return values.pipe(
        tap(value => file.append(record(value))),
        finalize(file.close),
      )
    })
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw new GraphError(
      'cannot-write',
      folder,
      `cannot be made: ${reason(error)}; event files are kept in a folder`,
    )
  }
}
