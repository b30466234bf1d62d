import { add, linear, mul, sigmoid, split, sub, tanh } from '@bptt/graph'
import { type Cell, cell, type Sizes } from '../cell.js'
import { gatedInit, gatedParams } from './gated.js'

/**
 * Gated recurrent unit, as PyTorch's `nn.GRUCell`: row blocks in the order r, z, n; the reset gate acts after the
 * product, on its bias too.
 *
 * r, z = σ(W_ih x + b_ih + W_hh h + b_hh); n = tanh(W_in x + b_in + r (W_hn h + b_hn)); h' = (1 − z) n + z h.
 * Carry h [hidden]; the output is h' [cho2014].
 * @throws GraphError `bad-size`.
 */
export const gru: (sizes: Sizes) => Cell = cell({
  name: 'gru',
  params: sizes => gatedParams(sizes, 3),
  carry: ({ hidden }) => ({ h: [hidden] }),
  init: gatedInit,
  step({ weight_ih, weight_hh, bias_ih, bias_hh }, { h }, x) {
    const [xr, xz, xn] = split(linear(x, weight_ih, bias_ih), { parts: 3 }) as [typeof h, typeof h, typeof h]
    const [hr, hz, hn] = split(linear(h, weight_hh, bias_hh), { parts: 3 }) as [typeof h, typeof h, typeof h]
    const z = sigmoid(add(xz, hz))
    const n = tanh(add(xn, mul(sigmoid(add(xr, hr)), hn)))
    const next = add(mul(sub(1, z), n), mul(z, h))
    return [{ h: next }, next]
  },
})
