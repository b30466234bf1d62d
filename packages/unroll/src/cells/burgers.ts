import { add, mul, square, sub } from '@bptt/graph'
import { type Cell, cell } from '../cell.js'
import { shifted } from './periodic.js'
import { checkSetting } from './setting.js'

/** Size and numbers of a Burgers step. */
export interface BurgersOptions {
  /** Grid cells on a ring. */
  readonly cells: number
  /** Width of a cell, > 0. */
  readonly dx: number
  /** Length of a time step, > 0. */
  readonly dt: number
  /** ν ≥ 0; k = ν dt / dx² is at most ½. */
  readonly viscosity: number
}

/**
 * One explicit step of the viscous Burgers equation u_t + (u²/2)_x = ν u_xx + a on a ring, central and conservative.
 *
 * u'_i = u_i − dt/(2 dx) (F_{i+1} − F_{i−1}) + k (u_{i+1} − 2 u_i + u_{i−1}) + dt a_i, F = u²/2, k = ν dt/dx².
 * Without control Σ u is kept. No params; input a [cells], the control; carry and output u [cells].
 * @throws GraphError `bad-size`, `bad-setting`.
 */
export function burgers({ cells, dx, dt, viscosity }: BurgersOptions): Cell {
  checkSetting('burgers', 'dx', dx, dx > 0 && Number.isFinite(dx), 'a width is > 0')
  checkSetting('burgers', 'dt', dt, dt > 0 && Number.isFinite(dt), 'a time step is > 0')
  const k = (viscosity * dt) / dx ** 2
  checkSetting('burgers', 'viscosity', viscosity, k >= 0 && k <= 0.5, 'viscosity · dt / dx² is in [0, ½]')
  const make = cell({
    name: 'burgers',
    params: () => ({}),
    carry: ({ cells }: { readonly cells: number }) => ({ u: [cells] }),
    input: ({ cells }) => [cells],
    step(_params, { u }, a) {
      const flux = mul(square(u), 0.5)
      const moved = mul(sub(shifted(flux, 1), shifted(flux, -1)), dt / (2 * dx))
      const spread = mul(add(sub(shifted(u, 1), mul(u, 2)), shifted(u, -1)), k)
      const next = add(add(sub(u, moved), spread), mul(a, dt))
      return [{ u: next }, next]
    },
  })
  return make({ cells })
}
