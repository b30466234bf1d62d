import { add, linear, tanh } from '@bptt/graph'
import { type Cell, cell, type Sizes } from '../cell.js'
import { gatedInit, gatedParams } from './gated.js'

/**
 * The simple recurrent net h' = tanh(W_ih x + b_ih + W_hh h + b_hh) [elman1990], as PyTorch's `nn.RNNCell`.
 * Carry h [hidden]; the output is h'.
 */
export const elman: (sizes: Sizes) => Cell = cell({
  name: 'elman',
  params: sizes => gatedParams(sizes, 1),
  carry: ({ hidden }) => ({ h: [hidden] }),
  init: gatedInit,
  step({ weight_ih, weight_hh, bias_ih, bias_hh }, { h }, x) {
    const next = tanh(add(linear(x, weight_ih, bias_ih), linear(h, weight_hh, bias_hh)))
    return [{ h: next }, next]
  },
})
