import { add, linear, mul, sigmoid, split, tanh } from '@bptt/graph'
import { type Cell, cell, type Sizes } from '../cell.js'
import { gatedInit, gatedParams } from './gated.js'

/**
 * Long short-term memory, as PyTorch's `nn.LSTMCell`: row blocks in the order i, f, g, o.
 *
 * i, f, o = σ(…), g = tanh(…) of W_ih x + b_ih + W_hh h + b_hh; c' = f c + i g; h' = o tanh(c').
 * Carry h, c [hidden]; the output is h' [hochreiter-schmidhuber1997, gers2000].
 */
export const lstm: (sizes: Sizes) => Cell = cell({
  name: 'lstm',
  params: sizes => gatedParams(sizes, 4),
  carry: ({ hidden }) => ({ h: [hidden], c: [hidden] }),
  init: gatedInit,
  step({ weight_ih, weight_hh, bias_ih, bias_hh }, { h, c }, x) {
    const gates = add(linear(x, weight_ih, bias_ih), linear(h, weight_hh, bias_hh))
    const [i, f, g, o] = split(gates, { parts: 4 }) as [typeof h, typeof h, typeof h, typeof h]
    const memory = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)))
    const next = mul(sigmoid(o), tanh(memory))
    return [{ h: next, c: memory }, next]
  },
})
