import {
  adam,
  chain,
  clipByGlobalNorm,
  halfSquaredError,
  predictor,
  type Sample,
  type Trainer,
  trainer,
} from '@bptt/stream'
import { every, neuroFuzzy } from '@bptt/unroll'
import { Subject } from 'rxjs'
import { plural } from '../format.js'
import { sparkline } from './chart.js'
import type { Advance, Claim, Course, Part } from './course.js'
import { observed, plant, testInput, trainingInput } from './plant.js'
import { digits } from './view.js'

/** How much is run. */
export interface FuzzyOptions {
  /** Fuzzy rules. */
  readonly rules: number
  /** Sequences of 900 steps to learn from. */
  readonly epochs: number
  /** Each runs with the seeds 1 … `seeds`: of start values and data. */
  readonly seeds: number
}

/** A cell that has learned. */
interface Run {
  readonly rules: number
  readonly seed: number
  /** Root mean squared error on the test input before and after learning, in free run: no output of the plant is told. */
  readonly before: number
  readonly after: number
  readonly outputs: readonly number[]
}

/** Steps back in time; rule memory and output feedback both go through the carry. */
const block = 30

/** A recurrent neuro-fuzzy cell identifies a plant it is told only the input of. */
export function* fuzzy({ rules, epochs, seeds }: FuzzyOptions): Course {
  const plans = [rules, 1].flatMap(size =>
    Array.from({ length: seeds }, (_, i) => ({ rules: size, seed: i + 1 })),
  )
  const runs: Run[] = []
  for (const plan of plans) runs.push(yield* identify(plan, epochs, runs.length, plans.length))
  const [golden, plantClaim] = plantPart()
  yield golden
  yield resultPart(runs)
  return [plantClaim, ...claimsOf(runs, rules)]
}

function* identify(
  { rules, seed }: Pick<Run, 'rules' | 'seed'>,
  epochs: number,
  before: number,
  plans: number,
): Generator<Advance, Run> {
  const model = neuroFuzzy({ rules })
  const optimizer = chain(clipByGlobalNorm(1), adam(0.01))
  const online = trainer({ model, loss: halfSquaredError, estimator: every(block), optimizer, seed })
  const outputs = (): readonly number[] => freeRun(model, online)
  const start = error(outputs())
  const stream = new Subject<Sample>()
  stream.pipe(online.train()).subscribe()
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const sample of observed(trainingInput(seed, epoch))) stream.next(sample)
    const done = before * epochs + epoch + 1
    yield {
      kind: 'advance',
      done,
      total: plans * epochs,
      unit: 'epochs',
      what: `${plural(rules, 'rule')}, seed ${seed}`,
    }
  }
  stream.complete()
  const reached = outputs()
  return { rules, seed, before: start, after: error(reached), outputs: reached }
}

/** What the cell says to the test input, with its own outputs fed back. */
function freeRun(model: ReturnType<typeof neuroFuzzy>, online: Trainer): readonly number[] {
  const { carry, step } = predictor(model, online.snapshot().params)
  let now = carry
  return testInput().map(u => {
    const [next, y] = step(now, [u])
    now = next
    return y[0]!
  })
}

const wanted = (): readonly number[] => plant(testInput())

const error = (outputs: readonly number[]): number => rms(wanted().map((y, k) => outputs[k]! - y))

const rms = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length)

/** The plant's outputs under the test input that the reference gives, by k. */
const published = [
  [1, 0],
  [2, 0.12533323356],
  [5, 0.44370474695],
  [250, -0.10879453546],
  [400, 0.56367134175],
  [600, -0.98480050826],
  [1000, -0.23340143014],
] as const

function plantPart(): readonly [Part, Claim] {
  const ys = wanted()
  const worst = Math.max(...published.map(([k, y]) => Math.abs(ys[k - 1]! - y)))
  const part: Part = {
    kind: 'part',
    name: 'plant',
    title: 'The plant under the test input',
    table: {
      head: ['k', 'y(k)', 'reference'],
      rows: published.map(([k, y]) => [`${k}`, digits(ys[k - 1]!, 11), digits(y, 11)]),
    },
    records: published.map(([k, y]) => ({ k, y: ys[k - 1], reference: y })),
  }
  return [
    part,
    { claim: 'the plant is the published one', held: worst < 1e-10, found: `apart by ${digits(worst, 2)}` },
  ]
}

function resultPart(runs: readonly Run[]): Part {
  const ys = wanted()
  const row = (
    name: string,
    seed: string,
    before: string,
    after: number,
    outputs: readonly number[],
  ): string[] => [name, seed, before, digits(after, 3), sparkline(outputs, 40, [-1, 1])]
  return {
    kind: 'part',
    name: 'identification',
    title: `Error on the test input in free run (root mean square; y has ${digits(rms(ys), 3)})`,
    table: {
      head: ['model', 'seed', 'untrained', 'trained', 'output'],
      rows: [
        ...runs.map(({ rules, seed, before, after, outputs }) =>
          row(
            `${plural(rules, 'rule')}${rules === 1 ? ' (linear)' : ''}`,
            `${seed}`,
            digits(before, 3),
            after,
            outputs,
          ),
        ),
        row('the plant', '', '', 0, ys),
      ],
    },
    records: [...runs, { rules: null, seed: null, before: null, after: 0, outputs: ys }],
  }
}

function claimsOf(runs: readonly Run[], rules: number): readonly Claim[] {
  const errors = (size: number): number[] => runs.filter(run => run.rules === size).map(({ after }) => after)
  const [many, one] = [Math.max(...errors(rules)), Math.min(...errors(1))]
  return [
    {
      claim: 'the neuro-fuzzy cell identifies it',
      held: many < 0.1 * rms(wanted()),
      found: `errors up to ${digits(many, 3)}, ${digits((100 * many) / rms(wanted()), 2)} % of the output`,
    },
    {
      claim: 'better than every linear one',
      held: many < one,
      found: `${digits(many, 3)} against ${digits(one, 3)}`,
    },
  ]
}
