import { add, linear, type Ref } from '@bptt/graph'
import { type Cell, cell } from '../cell.js'

/**
 * The linear recurrent net h' = U x + W h, o = V h', without biases; its gradients have closed forms [werbos1990].
 * Params U [hidden, inputs], W [hidden, hidden], V [outputs, hidden]; carry h [hidden]; output [outputs].
 * @throws GraphError `bad-size`.
 */
export const linearNet: (sizes: {
  readonly inputs: number
  readonly hidden: number
  readonly outputs: number
}) => Cell = cell({
  name: 'linear',
  params: ({ inputs, hidden, outputs }: { inputs: number; hidden: number; outputs: number }) => ({
    U: [hidden, inputs],
    W: [hidden, hidden],
    V: [outputs, hidden],
  }),
  carry: ({ hidden }) => ({ h: [hidden] }),
  step({ U, W, V }, { h }, x: Ref) {
    const next = add(linear(x, U), linear(h, W))
    return [{ h: next }, linear(next, V)]
  },
})
