import {
  type Dim,
  type Graph,
  graph,
  inline,
  isShape,
  type Loss,
  mapTree,
  mul,
  type Ref,
  reshape,
  type Shape,
  sum,
  type Tree,
  where,
} from '@bptt/graph'
import { type Cell, initialParams, zeroCarry } from '../cell.js'
import type { TimelineOptions } from '../timeline.js'
import { unroll } from '../unroll.js'

/**
 * A model of whole windows. Not a cell: its output at step t reads the steps after t too, so there is no step to
 * take while they have not come.
 */
export interface WindowModel extends Omit<Cell, 'step'> {
  /**
   * The graph of one window, with inputs and outputs named as `unroll` names them: `params`, `carry`, `xs`
   * [T, B, ...] and what the options add; `ys`, `carry`, and with a loss `losses` and `loss`.
   */
  readonly window: (options: WindowOptions) => Graph
}

/** What a window is made from, as in `TimelineOptions`. With a mask, sequences of different lengths are read as if each were alone. */
export type WindowOptions = Pick<TimelineOptions, 'steps' | 'batch' | 'form' | 'loss' | 'weighted' | 'masked'>

/** What a window is read from. */
export interface Reading {
  readonly params: Tree<Ref>
  readonly carry: Tree<Ref>
  readonly xs: Ref
  readonly mask?: Ref
}

/** What reading a window gives. */
export interface Read {
  readonly ys: Ref
  readonly carry: Tree<Ref>
}

interface Inputs extends Reading {
  readonly targets?: Ref
  readonly weights?: Ref
}

/** A model of windows from the way it reads them; its losses are those of its outputs. */
export function windowModel(
  parts: Omit<WindowModel, 'init' | 'window'>,
  read: (options: WindowOptions, inputs: Reading) => Read,
): WindowModel {
  const window = (options: WindowOptions): Graph =>
    graph(shapesOf(parts, options), refs => {
      const { params = {}, carry = {}, ...rest } = refs as unknown as Inputs // a graph has no empty branches
      const inputs = { params, carry, ...rest }
      const made = read(options, inputs)
      return { ...made, ...lossOf(options, inputs, made.ys) } as Tree<Ref>
    })
  const init = (seed: number): ReturnType<Cell['init']> => ({
    params: initialParams(parts, seed),
    carry: zeroCarry(parts),
  })
  return { ...parts, init, window }
}

/** True for a model of windows. */
export const isWindowModel = (model: Cell | WindowModel): model is WindowModel => 'window' in model

/** Reads a window by a cell, from its first step to its last, or by a model of windows. */
export function readWindow(
  model: Cell | WindowModel,
  { steps, batch, form, masked }: WindowOptions,
  { params, carry, xs, mask }: Reading,
): Read {
  const options = {
    steps,
    ...(batch !== undefined && { batch }),
    ...(form && { form }),
    ...(masked && { masked }),
  }
  const whole = isWindowModel(model) ? model.window(options) : unroll(model, options).graph
  const made = inline(whole, { params, carry, xs, ...(mask && { mask }) }) as Partial<Read> & {
    readonly ys: Ref
  }
  return { ys: made.ys, carry: made.carry ?? {} }
}

/** Outputs, zero at the steps that a mask leaves out. */
export const unmasked = (ys: Ref, mask: Ref | undefined): Ref =>
  mask === undefined
    ? ys
    : where(
        reshape(mask, { shape: [...mask.shape, ...ys.shape.slice(mask.shape.length).map(() => 1)] }),
        ys,
        0,
      )

function shapesOf(
  { params, carry, input, output }: Omit<WindowModel, 'init' | 'window'>,
  options: WindowOptions,
): Tree<Shape> {
  const { steps, batch, loss, weighted, masked } = options
  const front: readonly Dim[] = batch === undefined ? [] : [batch]
  const rows = [steps, ...front]
  return {
    params,
    carry: mapTree(carry, isShape, shape => [...front, ...shape]),
    xs: [...rows, ...input],
    ...(masked && { mask: rows }),
    ...(loss && { targets: [...rows, ...targetOf(loss, output)] }),
    ...(loss && weighted && { weights: rows }),
  }
}

const targetOf = (loss: Loss, output: Shape): Shape => loss.target?.(output) ?? output

function lossOf({ loss }: WindowOptions, { targets, weights, mask }: Inputs, ys: Ref): Record<string, Ref> {
  if (loss === undefined || targets === undefined) return {}
  const losses = unmasked(loss(ys, targets), mask)
  return { losses, loss: sum(weights === undefined ? losses : mul(losses, weights)) }
}
