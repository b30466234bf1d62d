import { adam, chain, clipByGlobalNorm, type Sample, trainer } from '@bptt/stream'
import { artbp, every, gru, random, type Schedule, withReadout } from '@bptt/unroll'
import { Subject } from 'rxjs'
import { bits } from '../format.js'
import { sparkline } from './chart.js'
import { type Advance, type Claim, type Course, claim, type Part } from './course.js'
import { recall, told } from './recall.js'
import { digits } from './view.js'

/** How much is run. */
export interface LongRangeOptions {
  /** Events each run learns from. */
  readonly events: number
  /** Each estimator runs with the seeds 1 … `seeds`: of start values, data and coins. */
  readonly seeds: number
  /** Steps between the bit and the question, at least; up to half as many more. */
  readonly lag: number
}

interface Estimator {
  readonly name: string
  readonly of: (seed: number) => Schedule
  /** What the claim says of it. */
  readonly expected: 'chance' | 'solved' | undefined
}

/** One run: bits per recall by tenths of the run, each predicted before it was learned from. */
interface Run {
  readonly estimator: Estimator
  readonly seed: number
  readonly bits: readonly number[]
}

const tenths = 10
const hidden = 4
const rate = 0.02

/** Block truncation cannot learn a dependency that is longer than its blocks; ARTBP of the same mean length can [tallec-ollivier2017]. */
export function* longRange(options: LongRangeOptions): Course {
  const { lag, seeds } = options
  const estimators = estimatorsFor(lag)
  const runs: Run[] = []
  for (const estimator of estimators)
    for (let seed = 1; seed <= seeds; seed++)
      runs.push(yield* learn(estimator, seed, options, runs.length, estimators.length * seeds))
  yield resultPart(estimators, runs, options)
  return claimsOf(runs)
}

function estimatorsFor(lag: number): readonly Estimator[] {
  const [mean, long] = [Math.max(2, Math.floor(lag / 2)), 5 * lag]
  const blocks = (K: number, expected: Estimator['expected']): Estimator => ({
    name: `blocks of ${K}`,
    of: () => every(K),
    expected,
  })
  const cuts = (name: string, of: Estimator['of'], expected: Estimator['expected']): Estimator => ({
    name: `${name}, mean ${mean}`,
    of,
    expected,
  })
  return [
    blocks(mean, 'chance'),
    blocks(lag, 'chance'),
    blocks(long, 'solved'),
    cuts('ARTBP, constant chance', seed => artbp({ mean, seed }), 'solved'),
    cuts('ARTBP, α = 4', seed => artbp({ mean, tail: 4, seed }), 'solved'),
    cuts('ARTBP, α = 6', seed => artbp({ mean, tail: 6, seed }), 'solved'),
    cuts('random cuts, not repaid', seed => random({ c: 1 / mean, seed }), undefined),
  ]
}

/** One run, from its first event to its last. */
function* learn(
  estimator: Estimator,
  seed: number,
  { events, lag }: LongRangeOptions,
  before: number,
  runs: number,
): Generator<Advance, Run> {
  const schedule = estimator.of(seed)
  const online = trainer({
    model: withReadout(gru({ inputs: 3, hidden }), { outputs: 1 }),
    loss: told,
    estimator: schedule,
    optimizer: chain(clipByGlobalNorm(1), adam(rate)),
    seed,
  })
  const meter = tally(events)
  const stream = new Subject<Sample>()
  stream.pipe(online.train()).subscribe(report => meter.learned(report.events, report.loss * report.length))
  let done = 0
  for (const sample of recall({ lag, spread: Math.ceil(lag / 2), events, seed })) {
    meter.arrived(sample)
    stream.next(sample)
    if (++done % 1024 === 0)
      yield {
        kind: 'advance',
        done: before * events + done,
        total: runs * events,
        unit: 'events',
        what: `${estimator.name}, seed ${seed}`,
      }
  }
  stream.complete()
  return { estimator, seed, bits: meter.bits() }
}

interface Tally {
  arrived(sample: Sample): void
  learned(events: number, nats: number): void
  bits(): readonly number[]
}

/** Loss per question, by tenths of the run. A window is counted where it ends, its questions with it. */
function tally(events: number): Tally {
  const nats = new Array<number>(tenths).fill(0)
  const asked = new Array<number>(tenths).fill(0)
  let open = 0
  return {
    arrived({ target }) {
      if ((target as readonly number[])[0] !== 0) open++
    },
    learned(so, loss) {
      const tenth = Math.min(tenths - 1, Math.floor((tenths * so) / events))
      nats[tenth]! += loss
      asked[tenth]! += open
      open = 0
    },
    bits: () => nats.map((sum, i) => bits(sum / asked[i]!)),
  }
}

const last = (run: Run): number => run.bits[tenths - 1]!
const solved = (run: Run): boolean => last(run) < 0.1
const atChance = (run: Run): boolean => last(run) > 0.9

function resultPart(
  estimators: readonly Estimator[],
  runs: readonly Run[],
  { events, lag, seeds }: LongRangeOptions,
): Part {
  const rows = estimators.map(estimator => {
    const those = runs.filter(run => run.estimator === estimator)
    const ends = those.map(last)
    const means = Array.from(
      { length: tenths },
      (_, i) => those.reduce((sum, run) => sum + run.bits[i]!, 0) / those.length,
    )
    return [
      estimator.name,
      sparkline(
        means.map(value => Math.min(value, 1)),
        tenths,
        [0, 1],
      ),
      digits(Math.min(...ends), 2),
      digits(Math.max(...ends), 2),
      `${those.filter(solved).length} of ${those.length}`,
    ]
  })
  return {
    kind: 'part',
    name: 'recall',
    title: `Recall of one bit over ${lag} to ${lag + Math.ceil(lag / 2) - 1} steps of noise; a GRU of ${hidden} units, ${events.toLocaleString('en-US')} events, ${seeds} seeds; bits per recall, 1 is chance`,
    table: { head: ['estimator', 'by tenths', 'best', 'worst', 'solved'], rows },
    records: runs.map(({ estimator, seed, bits }) => ({ estimator: estimator.name, seed, bits })),
  }
}

function claimsOf(runs: readonly Run[]): readonly Claim[] {
  const expecting = (expected: Estimator['expected'], kind: string): readonly Run[] =>
    runs.filter(({ estimator }) => estimator.expected === expected && estimator.name.startsWith(kind))
  return [
    claim('blocks no longer than the dependency stay at chance', expecting('chance', 'blocks'), atChance),
    claim('blocks much longer than it solve the task', expecting('solved', 'blocks'), solved),
    claim('ARTBP solves it with segments half as long in the mean', expecting('solved', 'ARTBP'), solved),
  ]
}
