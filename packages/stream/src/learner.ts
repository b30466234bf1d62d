import { compile, isTensor, leaves, mapTree, type Program, type Tensor, type Tree } from '@bptt/graph'
import { zeroCarry } from '@bptt/unroll'
import type { TrainState } from './state.js'
import { type StepOptions, stepGraph } from './step.js'
import { advance, isBadIndex, type Measures, type Report, updateRule, windowValues } from './update.js'
import type { Window } from './window.js'

/** Where the arithmetic of training runs. */
export interface Engine {
  /** `compiled` (the default): WebAssembly, in place. `reference`: plain JavaScript in float64, slow and obviously right. */
  readonly engine?: 'compiled' | 'reference'
  /** Element type of the compiled engine; float32 where not given. */
  readonly dtype?: 'float32' | 'float64'
  /** `portable` gives the same bits on every machine; `fast` uses fused multiply-add where the engine has it. */
  readonly flavour?: 'fast' | 'portable'
}

/** Learns from windows, one after the other. A window that fails leaves the state as it was. */
export interface Learner {
  readonly learn: (window: Window) => Report
  /** A copy of the state as it is now. */
  readonly state: () => TrainState
}

/** A learner on the chosen engine, from a state. */
export function learner(options: StepOptions & Engine, from: TrainState): Learner {
  return options.engine === 'reference' ? referenceLearner(options, from) : compiledLearner(options, from)
}

function referenceLearner(options: StepOptions, from: TrainState): Learner {
  const step = updateRule(options)
  let state = from
  return {
    learn: window => {
      const [next, report] = step(state, window)
      state = next
      return report
    },
    state: () => state,
  }
}

/** Params, slots and carry stay in the program's memory; a run that is not finite is not committed. */
function compiledLearner(options: StepOptions & Engine, from: TrainState): Learner {
  const { dtype = 'float32', flavour = 'fast' } = options
  const parts = (['params', 'slots', 'carry'] as const).filter(part => isFilled(from[part]))
  const keep = Object.fromEntries(parts.map(part => [part, part]))
  const program: Program = compile(stepGraph(options), { dtype, flavour, keep })
  let { counters } = from
  /** Parts of the state that are not, or no longer, in the program's memory. */
  let outside: Partial<TrainState> = Object.fromEntries(parts.map(part => [part, from[part]]))
  const run = (window: Window): Measures => {
    const carry = window.fresh && isFilled(from.carry) ? { carry: zeroCarry(options.model, 1) } : {}
    const values = { ...outside, ...carry, ...windowValues(options, counters, window) }
    return program.run(values as never, { commit: false }) as unknown as Measures
  }
  const read = (of: (name: string) => Tensor): Pick<TrainState, 'params' | 'slots' | 'carry'> => ({
    params: reread(from.params, 'params', of),
    slots: reread(from.slots, 'slots', of),
    carry: reread(from.carry, 'carry', of),
  })
  const state = (): TrainState => ({
    ...(outside.params === undefined ? read(program.read) : from),
    ...outside,
    counters,
  })
  return {
    learn: window => {
      // a reset overwrites the carry: it is kept outside until the window has been learned from
      if (window.fresh && outside.carry === undefined)
        outside = { ...outside, carry: read(program.read).carry }
      const measures = explained(
        () => run(window),
        () => updateRule(options)(state(), window),
      )
      const [next, report] = advance(counters, window, measures, () => read(program.next))
      program.commit()
      outside = {}
      counters = next
      return report
    },
    state,
  }
}

/** Runs the program; where it meets an unknown class or symbol, the reference engine names the event. */
function explained(run: () => Measures, reference: () => unknown): Measures {
  try {
    return run()
  } catch (error) {
    if (isBadIndex(error)) reference()
    throw error
  }
}

const isFilled = (tree: Tree<Tensor>): boolean => leaves<Tensor>(tree, isTensor, 'state').length > 0

/** A tree of the same names with other values. */
function reread(tree: Tree<Tensor>, prefix: string, of: (name: string) => Tensor): Tree<Tensor> {
  return mapTree(tree, isTensor, (_, name) => of(name === '' ? prefix : `${prefix}.${name}`))
}
