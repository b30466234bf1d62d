import { abs, add, dropout, floor, less, maxOver, mul, type Ref, type Tree, where } from '@bptt/graph'
import { type Cell, makeCell } from '../cell.js'
import { checkSetting } from '../cells/setting.js'
import { at } from './parts.js'

/** Settings of a dropout after a cell. */
export interface WithDropoutOptions {
  /** Chance of an element to be dropped, in [0, 1); 0 to evaluate. */
  readonly rate: number
  /** Layers with different seeds drop different elements; a whole number in [0, 1024), 0 by default. */
  readonly seed?: number
}

const SEEDS = 1024
/** Masks repeat after this many steps: keys below 2^24 are exact in float32. */
const STEPS = 2 ** 14

/**
 * The cell with elements of its output dropped, for between the layers of a stack [srivastava2014]: 0 with chance `rate`, else
 * divided by 1 − rate. The recurrence inside the cell is left alone [zaremba2014].
 *
 * Deterministic: the mask is a function of `seed`, the step, and the place. The step is counted in the carry (`step`, beside
 * the cell's own under `state`), so a run that goes on, goes on with new masks; after a reset it counts from 0 again. Start the
 * carry's `step` elsewhere for other masks; they repeat after 16384 steps. Rate 0 drops nothing and has the same
 * params and carry: that is the model to evaluate.
 * @throws GraphError `bad-setting`.
 */
export function withDropout(cell: Cell, { rate, seed = 0 }: WithDropoutOptions): Cell {
  checkSetting('withDropout', 'rate', rate, rate >= 0 && rate < 1, 'a rate is in [0, 1)')
  checkSetting(
    'withDropout',
    'seed',
    seed,
    Number.isInteger(seed) && seed >= 0 && seed < SEEDS,
    `a seed is whole, in [0, ${SEEDS})`,
  )
  return makeCell({
    ...cell,
    name: `${cell.name}+dropout`,
    carry: { step: [], state: cell.carry },
    step(params, carry, x) {
      const step = at(carry, 'step') as Ref
      const [state, y] = cell.step(params, at(carry, 'state'), x)
      const key = add(mul(latest(count(step)), SEEDS), seed)
      const after = add(step, 1)
      const next = { step: where(less(after, STEPS), after, 0), state } satisfies Tree<Ref>
      return [next, rate === 0 ? y : dropout(y, { rate, key })]
    },
  })
}

/** A whole number ≥ 0, also where the start of the counter has become a parameter (`learnCarry`). */
const count = (step: Ref): Ref => abs(floor(add(step, 0.5)))

/** One key for all examples; a mask covers them all, each with its own part. */
const latest = (step: Ref): Ref => (step.shape.length === 0 ? step : maxOver(step))
