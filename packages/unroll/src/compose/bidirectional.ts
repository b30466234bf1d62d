import { concat, flip } from '@bptt/graph'
import type { Cell } from '../cell.js'
import { withReadout } from '../compose.js'
import { named } from './beside.js'
import { at } from './parts.js'
import {
  type Read,
  type Reading,
  readWindow,
  type WindowModel,
  type WindowOptions,
  windowModel,
} from './window.js'

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
 * `stack` puts several on top of each other, as PyTorch's `bidirectional=True` does with `num_layers`.
 * @throws GraphError `cell-input` where the inputs differ, or the outputs beside their last axis; `bad-size`.
 */
export function bidirectional(
  forward: Cell,
  backward: Cell,
  { outputs }: BidirectionalOptions = {},
): WindowModel {
  const { step: _step, init: _init, ...parts } = named('bidirectional', { forward, backward })
  const model = windowModel(parts, (options, inputs) => {
    const there = direction(forward, 'forward', options, inputs)
    const back = direction(backward, 'backward', options, reversed(inputs))
    const ys = concat([there.ys, flip(back.ys, { axes: [0] })], { axis: -1 })
    return { ys, carry: { forward: there.carry, backward: back.carry } }
  })
  return outputs === undefined ? model : withReadout(model, { outputs })
}

/** A window from its last step to its first; masked steps come first then, and leave the carry as it is. */
const reversed = ({ xs, mask, ...rest }: Reading): Reading => ({
  ...rest,
  xs: flip(xs, { axes: [0] }),
  ...(mask && { mask: flip(mask, { axes: [0] }) }),
})

function direction(
  cell: Cell,
  name: string,
  options: WindowOptions,
  { params, carry, ...rest }: Reading,
): Read {
  return readWindow(cell, options, { ...rest, params: at(params, name) ?? {}, carry: at(carry, name) ?? {} })
}
