import {
  add,
  concat,
  div,
  exp,
  linear,
  mul,
  type Ref,
  reshape,
  sigmoid,
  slice,
  softplus,
  square,
  sub,
  sum,
} from '@bptt/graph'
import { type Cell, cell } from '../cell.js'
import { uniform } from '../initialise.js'

/** Sizes of a neuro-fuzzy cell. */
export interface FuzzySizes {
  /** Fuzzy rules R. */
  readonly rules: number
  /** Numbers in u; 1 by default. */
  readonly inputs?: number
}

/** Keeps the shares of the rules finite where none fires. */
const NONE = 1e-12

/**
 * Recurrent neuro-fuzzy system of Takagi, Sugeno and Kang: R rules "if z is near m_r, then y is affine in z", whose
 * firing strengths have a memory, and whose output is fed back (as in TRFN [juang2002]).
 *
 * With z = [u, y]: f_r = exp(−Σ_d (z_d − m_rd)² / (2 s_rd²)), s = softplus(sr); φ' = λ f + (1 − λ) φ, λ = sigmoid(lr);
 * w_r = φ'_r / (Σ φ' + 1e−12); y' = Σ_r w_r (a_r0 + a_r · z). Params m, sr [R, inputs + 1], lr [R], a [R, inputs + 2]
 * (a_r0 first, the fed-back y last); input u [inputs]; carry phi [R], y [1]; the output is y' [1].
 *
 * One rule is a linear ARX model. `lr` → ∞ takes the memory away.
 * @throws GraphError `bad-size`.
 */
export function neuroFuzzy({ rules, inputs = 1 }: FuzzySizes): Cell {
  return cell({
    name: 'neuroFuzzy',
    params: ({ rules, inputs }: Required<FuzzySizes>) => ({
      m: [rules, inputs + 1],
      sr: [rules, inputs + 1],
      lr: [rules],
      a: [rules, inputs + 2],
    }),
    carry: ({ rules }) => ({ phi: [rules], y: [1] }),
    init: () => ({ m: uniform(1), a: uniform(0.5) }),
    step({ m, sr, lr, a }, { phi, y }, u) {
      const z = concat([u, y], { axis: -1 })
      const memory = sigmoid(lr)
      const next = add(mul(memory, firing(z, m, sr)), mul(sub(1, memory), phi))
      const share = div(next, add(sum(next, { axis: -1, keepDims: true }), NONE))
      const out = sum(mul(share, consequents(z, a)), { axis: -1, keepDims: true })
      return [{ phi: next, y: out }, out]
    },
  })({ rules, inputs })
}

/** Firing strengths [..., R] of z [..., D]. */
function firing(z: Ref, m: Ref, sr: Ref): Ref {
  const row = reshape(z, { shape: [...z.shape.slice(0, -1), 1, z.shape[z.shape.length - 1]!] })
  const apart = square(div(sub(row, m), softplus(sr)))
  return exp(mul(sum(apart, { axis: -1 }), -0.5))
}

/** a_r0 + a_r · z, [..., R]. */
function consequents(z: Ref, a: Ref): Ref {
  const [rules, size] = a.shape as readonly [number, number]
  const bias = reshape(slice(a, { axis: 1, start: 0, size: 1 }), { shape: [rules] })
  return linear(z, slice(a, { axis: 1, start: 1, size: size - 1 }), bias)
}
