import {
  compile,
  isTensor,
  leaves,
  mapTree,
  type NonFinite,
  type Program,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import { type Measures, measuresOf } from './finite.js'
import { Ports } from './ports.js'
import { sameRooms } from './rooms.js'
import { type Counters, PARTS, type TrainState, type Values } from './state.js'
import { type Setup, type StepOutputs, setupGraph } from './step.js'
import { advance, isBadIndex, type Report, stepValues, updateRule } from './update.js'
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
  /** `find` false: an error does not name the node, which takes an evaluation in JavaScript. */
  readonly learn: (window: Window, find?: boolean) => Report
  readonly counters: () => Counters
  /** A copy of the state as it is now. */
  readonly state: () => TrainState
  /** A copy of some parts of it. */
  readonly values: <P extends keyof Values>(parts: readonly P[]) => Pick<Values, P>
  /** Goes on with these in the place of its own. */
  readonly restore: (state: Partial<TrainState>) => void
}

/** A learner on the chosen engine, from a state. */
export function learner(setup: Setup, engine: Engine, from: TrainState): Learner {
  return engine.engine === 'reference' ? referenceLearner(setup, from) : compiledLearner(setup, engine, from)
}

function referenceLearner(setup: Setup, from: TrainState): Learner {
  const step = updateRule(setup)
  let state = from
  return {
    learn: (window, find) => {
      const [next, report] = step(state, window, find)
      state = next
      return report
    },
    counters: () => state.counters,
    state: () => state,
    values: parts => picked(parts, part => state[part]),
    restore: given => {
      state = { ...state, ...given }
    },
  }
}

/** The state stays in the program's memory; a run that is not finite is not committed. */
function compiledLearner(
  setup: Setup,
  { dtype = 'float32', flavour = 'fast' }: Engine,
  from: TrainState,
): Learner {
  const { method } = setup
  const parts = PARTS.filter(part => isFilled(from[part]))
  const keep = Object.fromEntries(parts.map(part => [part, part]))
  const graph = setupGraph(setup)
  const program: Program = compile(graph, { dtype, flavour, keep })
  const ports = new Ports(program, graph)
  let { counters } = from
  /** What is not in the program's memory yet. */
  let outside: Partial<Values> = from
  const given = (): Partial<Values> =>
    picked(
      parts.filter(part => outside[part] !== undefined),
      part => outside[part]!,
    )
  const rooms = sameRooms() // what is in them is copied at once
  const run = (window: Window): Measures => {
    const values = stepValues(method, counters, window, rooms)
    const written = ports.write(values) // also binds the program to the window's lengths, which a run would not tell the ports
    if (written && outside === NOTHING) {
      program.step(LATER)
      return ports.measures()
    }
    return measuresOf(program.run({ ...given(), ...values } as never, LATER) as unknown as StepOutputs)
  }
  const search = (part: Window): NonFinite | undefined => {
    run(part)
    return program.checkFinite()
  }
  const next = (): Values => picked(PARTS, part => reread(from[part], part, program.next))
  const values: Learner['values'] = chosen =>
    picked(chosen, part => outside[part] ?? reread(from[part], part, program.read))
  const state = (): TrainState => ({ ...values(PARTS), counters })
  return {
    learn: (window, find = true) => {
      const measures = explained(
        () => run(window),
        () => updateRule(setup)(state(), window),
      )
      const made = { measures, next, find: find ? search : () => undefined }
      const [after, report] = advance(counters, window, made, method)
      program.commit()
      outside = NOTHING
      counters = after
      return report
    },
    counters: () => counters,
    state,
    values,
    restore: ({ counters: counted = counters, ...given }) => {
      outside = { ...outside, ...given }
      counters = counted
    },
  }
}

/** Committed where it is finite. */
const LATER = { commit: false } as const

/** No value is outside of the program's memory. */
const NOTHING: Partial<Values> = {}

/** Runs the program; where it meets an unknown class or symbol, the reference engine names the event. */
export function explained<R>(run: () => R, reference: () => unknown): R {
  try {
    return run()
  } catch (error) {
    if (isBadIndex(error)) reference()
    throw error
  }
}

/** Some parts of a state, by name. */
const picked = <P extends keyof Values>(
  parts: readonly P[],
  of: (part: P) => Tree<Tensor>,
): Pick<Values, P> => Object.fromEntries(parts.map(part => [part, of(part)])) as Pick<Values, P>

const isFilled = (tree: Tree<Tensor>): boolean => leaves<Tensor>(tree, isTensor, 'state').length > 0

/** A tree of the same names with other values. */
export function reread(tree: Tree<Tensor>, prefix: string, of: (name: string) => Tensor): Tree<Tensor> {
  return mapTree(tree, isTensor, (_, name) => of(name === '' ? prefix : `${prefix}.${name}`))
}
