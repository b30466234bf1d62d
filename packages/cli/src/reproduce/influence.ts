import { artbp, every, random, type Schedule } from '@bptt/unroll'
import { count } from '../format.js'
import {
  type Clock,
  type Descent,
  descend,
  influences,
  influencesClosed,
  optimum,
  overflow,
  type Reached,
  segmentProgram,
  start,
} from './balancing.js'
import { sparkline, thinned } from './chart.js'
import { type Advance, type Claim, type Course, claim, type Part } from './course.js'
import { digits } from './view.js'

/** How much is run. */
export interface InfluenceOptions {
  /** Steps of each run. */
  readonly steps: number
  /** ARTBP runs with the seeds 1 … `seeds`. */
  readonly seeds: number
  /** How ARTBP's rate counts; block truncation is run both ways. */
  readonly clock: Clock
}

/** A run, thinned. */
interface Run {
  readonly name: string
  readonly seed: number | null
  readonly clock: Clock
  readonly trace: readonly Reached[]
  readonly end: Reached
  readonly longest: number
}

const mean = 16
const blocks = [10, 100, 200]

/** ARTBP with constant chance and with the two tails of the paper. */
const cuts: readonly { readonly name: string; readonly of: (seed: number) => Schedule }[] = [
  { name: 'ARTBP, constant chance', of: seed => artbp({ mean, seed }) },
  { name: 'ARTBP, α = 4', of: seed => artbp({ mean, tail: 4, seed }) },
  { name: 'ARTBP, α = 6', of: seed => artbp({ mean, tail: 6, seed }) },
]

/** Influence balancing [tallec-ollivier2017, §6.1]: truncation gets the sign of the gradient wrong, ARTBP does not. */
export function* influence({ steps, seeds, clock }: InfluenceOptions): Course {
  const [table, tableClaim] = influenceTable()
  yield table
  const plans = [
    ...blocks.flatMap(K =>
      (['updates', 'steps'] as const).map(by => plan(`blocks of ${K}`, every(K), null, by)),
    ),
    ...cuts.flatMap(({ name, of }) => range(seeds).map(seed => plan(name, of(seed), seed, clock))),
    plan('random cuts, not repaid', random({ c: 1 / mean, seed: 1 }), 1, clock),
  ]
  const runs = yield* runAll(plans, steps)
  yield blockPart(runs.filter(({ seed }) => seed === null))
  yield cutPart(runs.filter(({ seed }) => seed !== null))
  return [tableClaim, ...claimsOf(runs)]
}

const range = (length: number): readonly number[] => Array.from({ length }, (_, i) => i + 1)

type Plan = Pick<Run, 'name' | 'seed' | 'clock'> & Pick<Descent, 'schedule'>
const plan = (name: string, schedule: Schedule, seed: number | null, clock: Clock): Plan => ({
  name,
  schedule,
  seed,
  clock,
})

function influenceTable(): readonly [Part, Claim] {
  const most = 200
  const [made, wanted] = [influences(most), influencesClosed(most)]
  const worst = Math.max(...made.map((value, k) => Math.abs(value - wanted[k]!)))
  const negative = 1 + made.findIndex(value => value < 0)
  const blockMean = made.map((_, k) => made.slice(0, k + 1).reduce((a, b) => a + b) / (k + 1))
  const shown = [1, 5, 10, 19, 20, 30, 40, 41, 50, 60, 80, 100, 109, 110, 200]
  const part: Part = {
    kind: 'part',
    name: 'influence',
    title: `Influence of θ on s₁ through K steps, G(K), and its mean over blocks of K  ${sparkline(made.slice(0, 100))}`,
    table: {
      head: ['K', 'G(K)', 'closed form', 'mean of G(1 … K)'],
      rows: shown.map(K => [
        `${K}`,
        made[K - 1]!.toFixed(4).replace('-', '−'),
        wanted[K - 1]!.toFixed(4).replace('-', '−'),
        blockMean[K - 1]!.toFixed(4).replace('-', '−'),
      ]),
    },
    records: made.map((G, k) => ({ K: k + 1, G, closedForm: wanted[k], blockMean: blockMean[k] })),
  }
  const held = worst < 1e-12 && negative === 41
  return [
    part,
    {
      claim: 'G(K) is as computed by hand',
      held,
      found: `apart by ${digits(worst, 2)}, negative from K = ${negative}`,
    },
  ]
}

/** Every plan to its end, one after the other. */
function* runAll(plans: readonly Plan[], steps: number): Generator<Advance, readonly Run[]> {
  const program = segmentProgram()
  const runs: Run[] = []
  const advance = (step: number, what: string): Advance => ({
    kind: 'advance',
    done: runs.length * steps + step,
    total: plans.length * steps,
    unit: 'steps',
    what,
  })
  for (const { name, schedule, seed, clock } of plans) {
    const trace: Reached[] = []
    for (const reached of descend(program, { schedule, steps, clock })) {
      trace.push(reached)
      if (reached.updates % 512 === 0) yield advance(reached.step, schedule.text)
    }
    const longest = trace.reduce((top, { length }) => Math.max(top, length), 0)
    runs.push({ name, seed, clock, trace: byDecades(trace), end: trace.at(-1)!, longest })
  }
  return runs
}

/** About 64 updates, evenly spread over the logarithm of the step. */
function byDecades(trace: readonly Reached[]): readonly Reached[] {
  const span = Math.log(trace.length)
  const at = Array.from({ length: 64 }, (_, i) => Math.round(Math.exp((i * span) / 63)) - 1)
  return [...new Set(at)].map(i => trace[i]!)
}

const apart = ({ theta }: Reached): number => Math.abs(theta - optimum)
const diverges = ({ trace, end }: Run): boolean =>
  apart(end) > Math.abs(start - optimum) && trace.every(reached => apart(reached) <= apart(end))

/** Within 1 % of the way; the time to get there is what the two readings of t differ in. */
const converges = ({ end }: Run): boolean => apart(end) < 0.01 * Math.abs(start - optimum)

const distance = (run: Run): string =>
  sparkline(
    thinned(
      run.trace.map(reached => Math.log10(Math.max(apart(reached), 1e-16))),
      24,
    ),
  )

const verdict = (run: Run): string => (diverges(run) ? 'diverges' : converges(run) ? 'converges' : 'neither')

function blockPart(runs: readonly Run[]): Part {
  return {
    kind: 'part',
    name: 'blocks',
    title: `Block truncation, loss at every step: θ from ½; the optimum is −1/6`,
    table: {
      head: ['estimator', 't in the rate', 'steps', 'updates', 'θ at the end', 'log |θ − θ*|', ''],
      rows: runs.map(run => [
        run.name,
        run.clock,
        count(run.end.step) + (Math.abs(run.end.theta) < overflow ? '' : ' (|θ| > 10⁶)'),
        count(run.end.updates),
        digits(run.end.theta, 9),
        distance(run),
        verdict(run),
      ]),
    },
    records: runs.map(record),
  }
}

function cutPart(runs: readonly Run[]): Part {
  const names = [...new Set(runs.map(({ name }) => name))]
  const rows = names.map(name => {
    const those = runs.filter(run => run.name === name)
    const worst = those.reduce((a, b) => (apart(b.end) > apart(a.end) ? b : a))
    const updates = those.reduce((sum, { end }) => sum + end.updates, 0) / those.length
    const longest = Math.max(...those.map(run => run.longest))
    const outcomes = [...new Set(those.map(verdict))].join(', ')
    return [
      name,
      `${those.length}`,
      count(updates),
      count(longest),
      digits(worst.end.theta, 9),
      digits(apart(worst.end), 2),
      distance(worst),
      outcomes,
    ]
  })
  return {
    kind: 'part',
    name: 'cuts',
    title: `Random cuts, mean segment ${mean}: the worst of the seeds`,
    table: {
      head: [
        'estimator',
        'seeds',
        'updates',
        'longest segment',
        'θ at the end',
        '|θ − θ*|',
        'log |θ − θ*|',
        '',
      ],
      rows,
    },
    records: runs.map(record),
  }
}

const record = (run: Run): object => ({
  estimator: run.name,
  seed: run.seed,
  clock: run.clock,
  steps: run.end.step,
  updates: run.end.updates,
  longest: run.longest,
  theta: run.end.theta,
  outcome: verdict(run),
  trace: run.trace.map(({ step, theta }) => [step, theta]),
})

function claimsOf(runs: readonly Run[]): readonly Claim[] {
  const named = (...names: readonly string[]): readonly Run[] =>
    runs.filter(({ name }) => names.includes(name))
  return [
    claim('blocks of 10 and 100 diverge', named('blocks of 10', 'blocks of 100'), diverges),
    claim('blocks of 200 converge', named('blocks of 200'), converges),
    ...cuts.map(({ name }) => claim(`${name}, converges to −1/6`, named(name), converges)),
    claim('without repayment random cuts diverge', named('random cuts, not repaid'), diverges),
  ]
}
