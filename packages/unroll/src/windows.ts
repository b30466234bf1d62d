import {
  concat,
  type Graph,
  GraphError,
  graph,
  grow,
  inline,
  isRef,
  mapTree,
  mul,
  type Ref,
  slice,
  stopGradient,
  sum,
  type Tree,
} from '@bptt/graph'
import { type Flags, flagsChecked } from './flags.js'
import { type Window, type WindowSizes, windowPlan } from './plan.js'
import type { Credit, Timeline } from './timeline.js'
import { unroll } from './unroll.js'

/**
 * BPTT(h; h′): the timeline whose losses each go back over a window of their own, which no weights of state edges
 * can say. Values are those of the timeline, bit for bit; the gradient of its `loss` is the sum over the windows.
 *
 * The graph runs the cell once over all steps without credit, for the carries that windows start from, and once per
 * window; it grows with the number of windows, and in the flat form with their steps. Only the windows that start
 * at step 1 pass credit to the initial carry. For long or unbounded sequences see `windowRunner`.
 * Biased, less than blocks of h steps: every loss keeps h − h′ + 1 lags or more [williams-peng1990].
 *
 * @throws GraphError `bad-windows`, `bad-steps` where the number of steps is not known.
 */
export function windows(line: Timeline, sizes: WindowSizes): Timeline {
  const { steps } = line.options
  if (typeof steps === 'string')
    throw new GraphError(
      'bad-steps',
      'windows',
      `a timeline of '${steps}' steps has no windows to count`,
      'unroll a number of steps, or use windowRunner',
    )
  const plan = windowPlan(steps, sizes)
  const shapes = grow(line.graph.inputs.map(({ name, value }) => [name, line.graph.shapes[value]!] as const))
  const options = { ...line.options, unchecked: true } // once, before the windows
  const made = graph(shapes, given => {
    const inputs = (line.options.unchecked ? given : flagsChecked(given as Flags)) as Branch
    const starts = carriesAt({ ...line, options }, plan.windows, inputs)
    const parts = plan.windows.map((window, i) => runWindow({ ...line, options }, window, inputs, starts[i]!))
    return joined(line, parts, inputs)
  })
  const { places: _places, ...rest } = line
  return { ...rest, graph: made, windows: plan }
}

type Branch = Readonly<Record<string, Tree<Ref>>>

/** The carries that windows start from, without credit but for the initial one. */
function carriesAt(
  line: Timeline,
  windows: readonly Window[],
  inputs: Branch,
): readonly (Tree<Ref> | undefined)[] {
  const initial = inputs['carry']
  if (initial === undefined) return windows.map(() => undefined)
  const still = (tree: Tree<Ref>): Tree<Ref> => mapTree(tree, isRef, value => stopGradient(value))
  const silent = Object.fromEntries(Object.entries(inputs).map(([name, tree]) => [name, still(tree)]))
  let [at, carry] = [1, silent['carry']!]
  return windows.map(({ first }) => {
    if (first === 1) return initial
    if (first > at) {
      const { loss: _loss, weighted: _weighted, ...bare } = line.options
      carry = still(segment({ ...line, options: bare }, at, first - 1, silent, carry).carry!)
      at = first
    }
    return carry
  })
}

interface Outputs {
  readonly ys: Ref
  readonly carry?: Tree<Ref>
  readonly losses?: Ref
}

/** Copies the cell over the steps `first` to `last` into the graph that the inputs belong to. */
function segment(
  { cell, options, credit }: Timeline,
  first: number,
  last: number,
  inputs: Branch,
  carry: Tree<Ref> | undefined,
): Outputs {
  const steps = last - first + 1
  const { weighted: _weighted, ...rest } = options
  const { probe } = inputs
  const part: Graph = unroll(cell, { ...rest, steps, credit: creditOf(credit, first, last) }).graph
  const cut = (name: string): object => {
    const all = inputs[name]
    if (all === undefined) return {}
    return { [name]: mapTree(all, isRef, one => slice(one, { axis: 0, start: first - 1, size: steps })) }
  }
  const given = {
    ...(inputs['params'] !== undefined && { params: inputs['params'] }),
    ...(carry !== undefined && { carry }),
    ...cut('xs'),
    ...cut('reset'),
    ...cut('mask'),
    ...cut('credit'),
    ...(probe && { probe: probeOf(probe, first, steps) }),
    ...(options.loss && cut('targets')),
  }
  return inline(part, given as Tree<Ref>) as unknown as Outputs
}

/** Rows of a probe; no credit passes the edge into a later window's first step, so its probe sees none. */
function probeOf(probe: Tree<Ref>, first: number, steps: number): Tree<Ref> {
  const rows = (all: Ref, start: number, size: number): Ref => slice(all, { axis: 0, start, size })
  return mapTree(probe, isRef, all => {
    if (first === 1) return rows(all, 0, steps)
    const edge = stopGradient(rows(all, first - 1, 1))
    return steps === 1 ? edge : concat([edge, rows(all, first, steps - 1)])
  })
}

function creditOf(credit: Credit, first: number, last: number): Credit {
  return credit.kind === 'weights'
    ? { kind: 'weights', weights: (credit.weights as readonly number[]).slice(first - 1, last - 1) }
    : credit
}

/** What a window adds: the outputs and losses of the steps whose losses it takes. */
function runWindow(
  line: Timeline,
  { first, last, from }: Window,
  inputs: Branch,
  carry: Tree<Ref> | undefined,
): Outputs {
  const made = segment(line, first, last, inputs, carry)
  const newest = (ref: Ref): Ref => slice(ref, { axis: 0, start: from - first, size: last - from + 1 })
  return { ...made, ys: newest(made.ys), ...(made.losses && { losses: newest(made.losses) }) }
}

function joined({ options }: Timeline, parts: readonly Outputs[], inputs: Branch): Tree<Ref> {
  const ys = concat(parts.map(part => part.ys))
  const { carry } = parts.at(-1)!
  const state = { ys, ...(carry !== undefined && { carry }) }
  if (options.loss === undefined) return state
  const losses = concat(parts.map(part => part.losses!))
  const weights = inputs['weights'] as Ref | undefined
  return { ...state, losses, loss: sum(weights === undefined ? losses : mul(losses, weights)) }
}
