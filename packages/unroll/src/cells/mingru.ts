import { add, greaterEqual, linear, mul, type Ref, sigmoid, sub, where } from '@bptt/graph'
import { type Cell, cell, type Sizes } from '../cell.js'
import { uniform } from '../initialise.js'

/**
 * Minimal gated recurrent unit: the gate and the candidate read the input alone, so the recurrence is linear in h.
 *
 * z = σ(W_z x + b_z); h' = (1 − z) h + z g(W_h x + b_h), with g(v) = v + ½ for v ≥ 0, σ(v) else: positive, as the
 * log-space scan wants it; g has a kink at 0 [feng2024]. Params weight_z, weight_h [hidden, inputs], bias_z,
 * bias_h [hidden]; carry h [hidden]; the output is h'. ∂h'/∂h = 1 − z is diagonal and in (0, 1).
 * @throws GraphError `bad-size`.
 */
export const minGru: (sizes: Sizes) => Cell = cell({
  name: 'minGru',
  params: ({ inputs, hidden }: Sizes) => ({
    weight_z: [hidden, inputs],
    bias_z: [hidden],
    weight_h: [hidden, inputs],
    bias_h: [hidden],
  }),
  carry: ({ hidden }) => ({ h: [hidden] }),
  init: ({ inputs }) => {
    const make = uniform(1 / Math.sqrt(inputs))
    return { weight_z: make, bias_z: make, weight_h: make, bias_h: make }
  },
  step({ weight_z, bias_z, weight_h, bias_h }, { h }, x) {
    const z = sigmoid(linear(x, weight_z, bias_z))
    const next = add(mul(sub(1, z), h), mul(z, positive(linear(x, weight_h, bias_h))))
    return [{ h: next }, next]
  },
})

const positive = (v: Ref): Ref => where(greaterEqual(v, 0), add(v, 0.5), sigmoid(v))
