import {
  concat,
  type Dim,
  flip,
  type Graph,
  graph,
  inline,
  isShape,
  type Loss,
  linear,
  mapTree,
  mul,
  type Ref,
  type Shape,
  sum,
  type Tree,
} from '@bptt/graph'
import type { Cell } from '../cell.js'
import { withReadout } from '../compose.js'
import type { TimelineOptions } from '../timeline.js'
import { unroll } from '../unroll.js'
import { named } from './beside.js'
import { at } from './parts.js'

/**
 * A model of whole windows. Not a cell: its output at step t reads the steps after t too, so there is no step to
 * take while they have not come.
 */
export interface WindowModel extends Pick<Cell, 'name' | 'params' | 'carry' | 'input' | 'output' | 'init'> {
  /**
   * The graph of one window, with inputs and outputs named as `unroll` names them: `params`, `carry`, `xs`
   * [T, B, ...] and, with a loss, `targets` and `weights`; `ys`, `carry`, `losses` and `loss`.
   */
  readonly window: (options: WindowOptions) => Graph
}

/** What a window is made from, as in `TimelineOptions`. */
export type WindowOptions = Pick<TimelineOptions, 'steps' | 'batch' | 'form' | 'loss' | 'weighted'>

/** Settings of a bidirectional model. */
export interface BidirectionalOptions {
  /** Width of a linear readout of both directions, `readout.weight` and `readout.bias`; none where not given. */
  readonly outputs?: number
}

/**
 * Two cells that read a window from both ends; their outputs for a step stand side by side [schuster-paliwal1997].
 *
 * `window(options)` unrolls each cell with `unroll`, the backward one over the window in reverse, and joins what they give.
 * Full BPTT in both directions. Params and carry of the two stand under `forward` and `backward`; the backward carry is
 * the one after the last step, and comes out as of the first: for the next window, hand on the forward one alone.
 * @throws GraphError `cell-input` where the inputs differ, or the outputs beside their last axis; `bad-size`.
 */
export function bidirectional(
  forward: Cell,
  backward: Cell,
  { outputs }: BidirectionalOptions = {},
): WindowModel {
  const pair = named('bidirectional', { forward, backward })
  const whole = outputs === undefined ? pair : withReadout(pair, { outputs })
  const { name, params, carry, input, output, init } = whole
  const run = (options: WindowOptions, inputs: Inputs): Tree<Ref> => {
    const there = direction(forward, 'forward', options, inputs, inputs.xs)
    const back = direction(backward, 'backward', options, inputs, flip(inputs.xs, { axes: [0] }))
    const both = concat([there.ys, flip(back.ys, { axes: [0] })], { axis: -1 })
    const ys = outputs === undefined ? both : readout(inputs.params, both)
    return { ys, carry: { forward: there.carry, backward: back.carry }, ...lossOf(options, inputs, ys) }
  }
  const window = (options: WindowOptions): Graph =>
    graph(shapesOf(whole, options), refs => run(options, refs as unknown as Inputs))
  return { name, params, carry, input, output, init, window }
}

interface Inputs {
  readonly params: Tree<Ref>
  readonly carry: Tree<Ref>
  readonly xs: Ref
  readonly targets?: Ref
  readonly weights?: Ref
}

function shapesOf({ params, carry, input, output }: Cell, options: WindowOptions): Tree<Shape> {
  const { steps, batch, loss, weighted } = options
  const front: readonly Dim[] = batch === undefined ? [] : [batch]
  const rows = [steps, ...front]
  return {
    params,
    carry: mapTree(carry, isShape, shape => [...front, ...shape]),
    xs: [...rows, ...input],
    ...(loss && { targets: [...rows, ...targetOf(loss, output)] }),
    ...(loss && weighted && { weights: rows }),
  }
}

const targetOf = (loss: Loss, output: Shape): Shape => loss.target?.(output) ?? output

function direction(
  cell: Cell,
  name: string,
  { steps, batch, form }: WindowOptions,
  { params, carry }: Inputs,
  xs: Ref,
): { readonly ys: Ref; readonly carry: Tree<Ref> } {
  const line = unroll(cell, { steps, ...(batch !== undefined && { batch }), ...(form && { form }) })
  const given = { params: at(params ?? {}, name) ?? {}, carry: at(carry ?? {}, name) ?? {}, xs }
  const made = inline(line.graph, given) as { readonly ys: Ref; readonly carry?: Tree<Ref> }
  return { ys: made.ys, carry: made.carry ?? {} }
}

function readout(params: Tree<Ref>, ys: Ref): Ref {
  const { weight, bias } = at(params, 'readout') as { weight: Ref; bias: Ref }
  return linear(ys, weight, bias)
}

function lossOf({ loss }: WindowOptions, { targets, weights }: Inputs, ys: Ref): Record<string, Ref> {
  if (loss === undefined || targets === undefined) return {}
  const losses = loss(ys, targets)
  return { losses, loss: sum(weights === undefined ? losses : mul(losses, weights)) }
}
