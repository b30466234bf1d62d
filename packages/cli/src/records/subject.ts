import type { Sample } from '@bptt/stream'
import { type Moments, noMoments, observe } from '@bptt/stream/sources'
import type { CellName } from '../commands/model.js'
import type { LossName } from '../commands/source.js'
import { Failure, sentence } from '../failure.js'
import { count, plural, rate } from '../format.js'
import { modelTextOf, type Subject } from '../material.js'
import { cellOf, type NumberModel, type NumberSpec } from '../model.js'
import { events, type Reading, type Stream } from '../source.js'
import type { LiveLine } from '../terminal.js'
import { nameOf, quantities, widthOf } from './columns.js'
import { lossOf, unitOf } from './loss.js'
import { eventsOf, type Recording } from './read.js'
import { type Numbers, noScale, scaleOf, toScale } from './scale.js'
import { numberYardsticks } from './yardsticks.js'

/** Records to learn from, and how. */
export interface Records extends Recording {
  readonly cell: CellName
  readonly hidden: number
  readonly loss: LossName
  /** The first so many events say where numbers lie; 0 leaves numbers as they are. */
  readonly scale: number
  /** Where numbers lie, as a run before found; overrules `scale`. */
  readonly numbers?: Numbers | undefined
}

/**
 * Records of a file or of standard input, to be predicted number by number. A file is read through once before, so that its records are known to fit.
 * @throws Failure where there are none; GraphError that names file, line and column of one that does not fit.
 */
export async function recordSubject(records: Records, live: LiveLine): Promise<Subject<NumberModel>> {
  const { path, cell, hidden, loss } = records
  const spec: NumberSpec = { cell, hidden, inputs: total(records.input), outputs: total(records.target) }
  const [model, { stream, numbers, leftOut }] = [cellOf(spec), await survey(records, spec, live)]
  const unit = unitOf(loss, numbers.target)
  const scaled: Stream = { ...stream, from: at => onScale(stream.from(at) as AsyncIterable<Sample>, numbers) }
  const columns = ([records.input, records.target] as const).map(side => side.map(nameOf).join(', '))
  const name = path === '-' ? 'standard input' : path
  const far = records.ahead === 0 ? '' : `, ${plural(records.ahead, 'record')} ahead`
  return {
    kind: 'data',
    name,
    size: `${stream.length === undefined ? 'records as they come' : plural(stream.length, 'record')}; ${columns.join(' → ')}${far}`,
    model,
    modelText: modelTextOf(cell, hidden, model),
    loss: lossOf(loss).loss,
    unit,
    toBeat: 'the mean of the targets so far, and the last target; both are told at the end',
    yardsticks: state => numberYardsticks(spec.outputs, unit, lossOf(loss).of, state),
    length: stream.length,
    samples: reading => (path === '-' ? fromStandardInput(scaled, reading) : events(scaled, reading)),
    described: { model: spec, numbers },
    leftOut,
  }
}

const total = (columns: Recording['input']): number =>
  columns.reduce((sum, column) => sum + widthOf(column), 0)

interface Survey {
  readonly stream: Stream
  readonly numbers: Numbers
  readonly leftOut: () => string | undefined
}

/** Reads what must be known before: of a file everything, of standard input the first records. */
async function survey(records: Records, spec: NumberSpec, live: LiveLine): Promise<Survey> {
  const { path, scale, numbers } = records
  const once = path === '-'
  const left = { count: 0, first: '' }
  const source = eventsOf(records, error => {
    if (left.count++ === 0) left.first = sentence(error)
  })[Symbol.asyncIterator]()
  const enough = once ? (numbers === undefined ? Math.max(1, scale) : 1) : Number.POSITIVE_INFINITY
  const [head, began]: [Sample[], number] = [[], performance.now()]
  let [input, target, length] = [noMoments(spec.inputs), noMoments(spec.outputs), 0]
  while (length < enough) {
    const { done, value } = await source.next()
    if (done) break
    if (++length <= scale) {
      input = seen(input, value.input)
      target = seen(target, value.target)
    }
    if (once) head.push(value)
    const seconds = (performance.now() - began) / 1000
    live.show(() => `reading ${path}: ${count(length)} records, ${rate(length / seconds)} a second`, seconds)
  }
  live.clear()
  const leftOut = (): string | undefined =>
    left.count === 0 ? undefined : `${plural(left.count, 'record')} left out, the first: ${left.first}`
  if (length === 0) throw nothing(records, leftOut())
  return {
    leftOut,
    numbers: numbers ?? {
      input: scale === 0 ? noScale(spec.inputs) : scaleOf(input, quantities(records.input)),
      target: scale === 0 ? noScale(spec.outputs) : scaleOf(target, quantities(records.target)),
    },
    stream: once
      ? { length: undefined, from: at => after(rest(head, source), at) }
      : { length, from: at => after(eventsOf(records), at) },
  }
}

const listed = (value: Sample['input']): ArrayLike<number> => (typeof value === 'number' ? [value] : value)

const seen = (moments: Moments, value: Sample['input']): Moments => observe(moments, listed(value))

function nothing({ path, ahead }: Recording, leftOut: string | undefined): Failure {
  const name = path === '-' ? 'standard input' : path
  const need = ahead === 0 ? 'at least one record' : `more than ${plural(ahead, 'record')}, as --ahead says`
  return new Failure(
    `${name} has nothing to learn from; there must be ${need}${leftOut === undefined ? '' : ` (${leftOut})`}`,
  )
}

async function* rest(head: Sample[], source: AsyncIterator<Sample>): AsyncGenerator<Sample, void, void> {
  yield* head.splice(0) // let go: what is read is not kept
  yield* { [Symbol.asyncIterator]: () => source }
}

async function* after<T>(values: AsyncIterable<T>, places: number): AsyncGenerator<T, void, void> {
  let passed = 0
  for await (const value of values) if (passed++ >= places) yield value
}

async function* onScale(
  samples: AsyncIterable<Sample>,
  { input, target }: Numbers,
): AsyncGenerator<Sample, void, void> {
  for await (const sample of samples)
    yield {
      ...sample,
      input: toScale(input, listed(sample.input)),
      target: toScale(target, listed(sample.target)),
    }
}

/** The longest that a timer waits, in seconds. */
const longest = 2_147_483

/** Standard input until it ends, or until the reading is to: a record that has not come by then is not waited for. */
async function* fromStandardInput(stream: Stream, reading: Reading): AsyncGenerator<Sample, void, void> {
  const { seconds } = reading.limits
  const timer = seconds === undefined || seconds > longest ? [] : [AbortSignal.timeout(1000 * seconds)]
  const stop = AbortSignal.any([reading.signal, ...timer])
  stop.addEventListener('abort', () => process.stdin.destroy(), { once: true })
  try {
    yield* events(stream, { ...reading, signal: stop })
  } catch (error) {
    if (!stop.aborted) throw error
  }
}
