import {
  evaluate,
  type Graph,
  GraphError,
  inputTensors,
  sizeOf,
  type Tensor,
  type Tree,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { checkFlags } from './flags.js'
import { combined, rowsOf, tensorsOf, treeOf, under } from './numbers.js'
import { type WindowSizes, windowPlan } from './plan.js'
import type { Timeline } from './timeline.js'
import { unroll } from './unroll.js'

/** Runs one graph: `evaluate`, or the `run` of a compiled program of it. */
export type Run = (values: Values) => unknown

/** BPTT(h; h′) over sequences of any length, by two programs of a named axis run again and again. */
export interface WindowRunner {
  /** The carry after steps that no window needs to know more of: inputs of a timeline without loss. */
  readonly advance: Graph
  /** Loss and gradient of one window. */
  readonly window: Graph
  /** Sum over the windows of a sequence: loss, gradient by params, and the carry after the last step. */
  readonly run: (values: Values, runs?: { readonly advance: Run; readonly window: Run }) => WindowResult
}

/** What BPTT(h; h′) gives. */
export interface WindowResult {
  readonly loss: number
  readonly gradient: Tree<Tensor>
  readonly carry: Tree<Tensor> | undefined
  /** Gradient norm per window, before they are added. */
  readonly norms: readonly number[]
}

/**
 * BPTT(h; h′) for sequences too long for the graph of `windows`: same sum, to rounding. The gradient graph is one of
 * one window, whose number of steps is a named axis, so memory is that of h steps.
 *
 * The line has a loss, a named number of steps and full credit; `values` are its inputs.
 * @throws GraphError `bad-windows`; `bad-steps` where the number of steps is fixed, there is no loss, or there is a probe; running it, as `evaluate`
 * throws where values do not match the line's inputs.
 */
export function windowRunner(line: Timeline, sizes: WindowSizes): WindowRunner {
  checkLine(line)
  windowPlan(1, sizes)
  const options = { ...line.options, unchecked: true }
  const { loss: _loss, weighted: _weighted, ...bare } = options
  const advance = unroll(line.cell, bare).graph
  const open = unroll(line.cell, { ...options, weighted: true }).graph
  const window = valueAndGradient(open as Graph, { of: 'loss', by: ['params'] }) as Graph
  const own = {
    advance: (values: Values) => evaluate(advance, values),
    window: (values: Values) => evaluate(window, values),
  }
  return {
    advance,
    window,
    run: (values, runs = own) => {
      const given = inputTensors(line.graph, values)
      checkFlags(given)
      return fold(given, { ...sizes, batched: line.options.batch !== undefined }, runs)
    },
  }
}

function checkLine({ options, credit, windows }: Timeline): void {
  if (
    typeof options.steps === 'string' &&
    options.loss !== undefined &&
    credit.kind === 'full' &&
    windows === undefined &&
    !options.probed
  )
    return
  throw new GraphError(
    'bad-steps',
    'windowRunner',
    `takes a timeline of a named number of steps, with a loss and full credit, without a probe; this one has ${options.steps} steps, ${options.loss === undefined ? 'no loss' : 'a loss'}${options.probed ? ', a probe' : ''} and credit '${credit.kind}'`,
    "unroll(cell, { steps: 'T', loss })",
  )
}

type Found = ReadonlyMap<string, Tensor>

interface Sizes extends WindowSizes {
  readonly batched: boolean
}

function fold(
  given: Found,
  sizes: Sizes,
  { advance, window }: { readonly advance: Run; readonly window: Run },
): WindowResult {
  const plan = windowPlan(given.get('xs')!.shape[0]!, sizes)
  let [at, carry, last] = [1, under(given, 'carry'), under(given, 'carry')]
  let loss = 0
  const parts: Found[] = []
  for (const { first, last: end, from } of plan.windows) {
    if (first > at)
      carry = under(tensorsOf(advance(inputsOf(given, { first: at, last: first - 1 }, carry))), 'carry')
    at = first
    const made = tensorsOf(window(inputsOf(given, { first, last: end, from, batched: sizes.batched }, carry)))
    loss += made.get('loss')!.data[0]!
    parts.push(under(made, 'gradient.params'))
    last = under(made, 'carry')
  }
  return {
    loss,
    gradient: treeOf(combined(parts.map(part => [1, part] as const)))!,
    carry: treeOf(last),
    norms: parts.map(part =>
      Math.sqrt([...part.values()].reduce((sum, { data }) => data.reduce((s, x) => s + x * x, sum), 0)),
    ),
  }
}

/** Steps of a sequence; losses from step `from` on, where there is one. */
interface Part {
  readonly first: number
  readonly last: number
  readonly from?: number
  readonly batched?: boolean
}

/** Inputs for the steps `first` to `last`: of a window that takes losses from step `from` on, or without losses. */
function inputsOf(given: Found, part: Part, carry: Found): Values {
  const { first, last, from } = part
  const names = ['xs', 'reset', 'mask', ...(from === undefined ? [] : ['targets', 'weights'])]
  const rows = names.flatMap(name => {
    const all = given.get(name)
    return all === undefined ? [] : [[name, rowsOf(all, first - 1, last)] as const]
  })
  const params = treeOf(under(given, 'params'))
  const state = treeOf(carry)
  const inside = Object.fromEntries(rows)
  return {
    ...inside,
    ...(params !== undefined && { params }),
    ...(state !== undefined && { carry: state }),
    ...(from !== undefined && { weights: injected(given, inside['weights'], part) }),
  } as Values
}

/** The weights of a window's losses: 0 before step `from`. */
function injected(
  given: Found,
  weights: Tensor | undefined,
  { first, last, from = first, batched }: Part,
): Tensor {
  const batch = batched ? [given.get('xs')!.shape[1]!] : []
  const each = weights ?? ones([last - first + 1, ...batch])
  const row = each.data.length / each.shape[0]!
  return {
    shape: each.shape,
    data: each.data.map((weight, i) => (first + Math.floor(i / row) < from ? 0 : weight)),
  }
}

const ones = (shape: readonly number[]): Tensor => {
  const size = sizeOf(shape)
  return { shape, data: new Float64Array(size).fill(1) }
}
