import type { Sample } from '@bptt/stream'
import {
  addingTask,
  copyTask,
  countingTask,
  lorenz,
  mackeyGlass,
  narma10,
  regimeChange,
  type Sequence,
  sines,
} from '@bptt/stream/sources'
import type { TaskName } from '../commands/tasks.js'

/** Events of a task from any place on, and what a model of it reads and says. */
export interface Made {
  readonly text: string
  readonly from: (start: number) => Iterable<Sample>
  readonly inputs: number
  /** Numbers, or classes one of which is the target; undefined for influence balancing, which has a model of its own. */
  readonly output:
    | { readonly numbers: number; readonly scaled: boolean }
    | { readonly classes: number }
    | undefined
}

/** What makes each task of `--task`, by its size and seed. */
export const makers: Readonly<Record<TaskName, (size: number, seed: number) => Made>> = {
  'mackey-glass': () => series('x(t) → x(t + 1), delay 17, chaotic', 1, mackeyGlass()),
  lorenz: () => series('(x, y, z) every 0.01 → the next', 3, lorenz()),
  sine: () => series('two sines of periods 25 and 60 → the next value', 1, waves(25, 60)),
  narma: (_, seed) => ({
    text: 'NARMA-10: y(t + 1) from u(0), …, u(t)',
    from: start => narma10({ seed }).from(start),
    inputs: 1,
    output: { numbers: 1, scaled: true },
  }),
  copy: (delay, seed) => ({
    text: `5 of 8 symbols, to be said again ${delay} steps later`,
    from: start => copyTask({ delay, length: 5, seed }).from(start),
    inputs: 10,
    output: { classes: 9 },
  }),
  adding: (length, seed) => ({
    text: `the sum of two marked numbers among ${length}`,
    from: start => addingTask({ length, seed }).from(start),
    inputs: 2,
    output: { numbers: 1, scaled: false },
  }),
  anbn: (most, seed) => ({
    text: `words aⁿbⁿ, n from 1 to ${most}`,
    from: start => countingTask({ most, seed }).from(start),
    inputs: 3,
    output: { classes: 3 },
  }),
  influence: () => ({
    text: 'influence balancing: s′ = A s + θ v, loss ½ (s₁ − 1)²',
    from: () => repeated({ input: 0, target: 1 }),
    inputs: 0,
    output: undefined,
  }),
  drift: every =>
    series(
      `two sines that change their periods every ${every} steps → the next value`,
      1,
      regimeChange({ regimes: [waves(25, 60), waves(12, 40)], every }),
    ),
}

const waves = (...periods: readonly number[]): Sequence<readonly number[]> =>
  sines(periods.map(period => ({ period })))

/** Next-step prediction of vectors. */
const series = (text: string, width: number, values: Sequence<readonly number[]>): Made => ({
  text,
  from: start => pairs(values.from(start)),
  inputs: width,
  output: { numbers: width, scaled: true },
})

function* pairs(values: Iterable<readonly number[]>): Generator<Sample, void, void> {
  let before: readonly number[] | undefined
  for (const value of values) {
    if (before !== undefined) yield { input: before, target: value }
    before = value
  }
}

function* repeated(sample: Sample): Generator<Sample, void, void> {
  for (;;) yield sample
}
