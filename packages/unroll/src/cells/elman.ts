import { add, GraphError, linear, relu, tanh } from '@bptt/graph'
import { type Cell, cell, type Sizes } from '../cell.js'
import { gatedInit, gatedParams } from './gated.js'

/** Sizes and settings of an Elman net. */
export interface ElmanOptions extends Sizes {
  /** `tanh` by default. */
  readonly activation?: 'tanh' | 'relu'
}

const activations = { tanh, relu }

/**
 * The simple recurrent net h' = f(W_ih x + b_ih + W_hh h + b_hh), f = tanh or relu [elman1990], as PyTorch's `nn.RNNCell`.
 * Carry h [hidden]; the output is h'.
 * @throws GraphError `bad-size`, `bad-setting`.
 */
export function elman({ inputs, hidden, activation = 'tanh' }: ElmanOptions): Cell {
  if (!Object.hasOwn(activations, activation))
    throw new GraphError(
      'bad-setting',
      'elman',
      `activation is '${activation}'; it is one of ${Object.keys(activations).join(', ')}`,
    )
  return cell({
    name: 'elman',
    params: (sizes: Sizes) => gatedParams(sizes, 1),
    carry: ({ hidden }) => ({ h: [hidden] }),
    init: gatedInit,
    step({ weight_ih, weight_hh, bias_ih, bias_hh }, { h }, x) {
      const next = activations[activation](add(linear(x, weight_ih, bias_ih), linear(h, weight_hh, bias_hh)))
      return [{ h: next }, next]
    },
  })({ inputs, hidden })
}
