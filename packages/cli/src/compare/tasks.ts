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

/** A task that `--task` can name. */
export interface Task {
  readonly about: string
  /** What the number after its name means, and the one that is taken where none is given. */
  readonly size?: { readonly name: string; readonly least: number; readonly usual: number }
  readonly make: (size: number, seed: number) => Made
}

/** The tasks by name. */
export const tasks: Readonly<Record<string, Task>> = {
  'mackey-glass': {
    about: 'the next value of a chaotic series with delay 17',
    make: () => series('x(t) → x(t + 1), delay 17, chaotic', 1, mackeyGlass()),
  },
  lorenz: {
    about: 'the next point of a chaotic system in three dimensions',
    make: () => series('(x, y, z) every 0.01 → the next', 3, lorenz()),
  },
  sine: {
    about: 'the next value of two sines, of periods 25 and 60',
    make: () => series('two sines of periods 25 and 60 → the next value', 1, waves(25, 60)),
  },
  narma: {
    about: 'a system of tenth order, from its input',
    make: (_, seed) => ({
      text: 'NARMA-10: y(t + 1) from u(0), …, u(t)',
      from: start => narma10({ seed }).from(start),
      inputs: 1,
      output: { numbers: 1, scaled: true },
    }),
  },
  copy: {
    about: 'say 5 symbols again after N steps',
    size: { name: 'N', least: 1, usual: 10 },
    make: (delay, seed) => ({
      text: `5 of 8 symbols, to be said again ${delay} steps later`,
      from: start => copyTask({ delay, length: 5, seed }).from(start),
      inputs: 10,
      output: { classes: 9 },
    }),
  },
  adding: {
    about: 'the sum of two marked numbers among N',
    size: { name: 'N', least: 2, usual: 30 },
    make: (length, seed) => ({
      text: `the sum of two marked numbers among ${length}`,
      from: start => addingTask({ length, seed }).from(start),
      inputs: 2,
      output: { numbers: 1, scaled: false },
    }),
  },
  anbn: {
    about: 'words aⁿbⁿ with n up to N, symbol by symbol',
    size: { name: 'N', least: 1, usual: 16 },
    make: (most, seed) => ({
      text: `words aⁿbⁿ, n from 1 to ${most}`,
      from: start => countingTask({ most, seed }).from(start),
      inputs: 3,
      output: { classes: 3 },
    }),
  },
  influence: {
    about: 'influence balancing: one parameter, credit that is wrong where it is cut short',
    make: () => ({
      text: 'influence balancing: s′ = A s + θ v, loss ½ (s₁ − 1)²',
      from: () => repeated({ input: 0, target: 1 }),
      inputs: 0,
      output: undefined,
    }),
  },
  drift: {
    about: 'two sines whose periods change every N steps',
    size: { name: 'N', least: 1, usual: 2000 },
    make: every =>
      series(
        `two sines that change their periods every ${every} steps → the next value`,
        1,
        regimeChange({ regimes: [waves(25, 60), waves(12, 40)], every }),
      ),
  },
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
