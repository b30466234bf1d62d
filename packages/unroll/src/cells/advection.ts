import { add, mul, sub } from '@bptt/graph'
import { type Cell, cell } from '../cell.js'
import { shifted } from './periodic.js'
import { checkSetting } from './setting.js'

/** Size and numbers of an advection–diffusion step. */
export interface AdvectionOptions {
  /** Grid cells on a ring. */
  readonly cells: number
  /** C = velocity · dt / (2 dx). */
  readonly courant: number
  /** k = diffusivity · dt / dx², in [0, ½]. */
  readonly diffusion: number
}

/**
 * One explicit step of advection and diffusion on a ring, with central differences.
 *
 * u'_i = u_i − C (u_{i+1} − u_{i−1}) + k (u_{i+1} − 2 u_i + u_{i−1}) + x_i. Linear: Σ u is kept where the source x is 0, and
 * the adjoint is the same step with the velocity reversed. No params; input x [cells], the source per step; carry and
 * output u [cells].
 * @throws GraphError `bad-size`, `bad-setting`.
 */
export function advectionDiffusion({ cells, courant, diffusion }: AdvectionOptions): Cell {
  const where = 'advectionDiffusion'
  checkSetting(where, 'courant', courant, Number.isFinite(courant), 'a Courant number is finite')
  checkSetting(where, 'diffusion', diffusion, diffusion >= 0 && diffusion <= 0.5, 'diffusion is in [0, ½]')
  const make = cell({
    name: where,
    params: () => ({}),
    carry: ({ cells }: { readonly cells: number }) => ({ u: [cells] }),
    input: ({ cells }) => [cells],
    step(_params, { u }, x) {
      const [right, left] = [shifted(u, 1), shifted(u, -1)]
      const spread = mul(add(sub(right, mul(u, 2)), left), diffusion)
      const next = add(add(sub(u, mul(sub(right, left), courant)), spread), x)
      return [{ u: next }, next]
    },
  })
  return make({ cells })
}
