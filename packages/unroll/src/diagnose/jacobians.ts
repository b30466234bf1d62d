import { evaluate, type Graph, GraphError, sizeOf, type Tensor, type Tree, type Values } from '@bptt/graph'
import type { Cell } from '../cell.js'
import { checkCell, checkInputs, checkSteps, isWhole, shown } from '../checks.js'
import { jacobianGraph } from '../forward/jacobian.js'
import { flatState, stepGraph } from '../forward/step.js'
import { tensorsOf, treeOf } from '../numbers.js'
import { identity, product, qr, type Square, singularValues, spectralRadius } from './dense.js'

/** A run of one example: xs [T, ...inputs], from this carry. */
export interface Trajectory {
  readonly params: Tree<Tensor>
  readonly carry: Tree<Tensor>
  readonly xs: Tensor
}

/**
 * J_t = ∂h_t/∂h_{t−1} at every step, with the whole carry as one vector: T matrices [S, S].
 * @throws GraphError `bad-cell`, `no-state`, `bad-steps`, `shape`.
 */
export function stateJacobians(cell: Cell, { params, carry, xs }: Trajectory): readonly Square[] {
  checkCell('trajectory', cell)
  checkInputs('trajectory', xs, { front: ['T'], input: cell.input })
  const steps = xs.shape[0]!
  checkSteps('trajectory', steps)
  const { size: n } = flatState(cell)
  const [jacobian, step]: readonly [Graph, Graph] = [jacobianGraph(cell), stepGraph(cell)]
  const shape = xs.shape.slice(1)
  let now: Tree<Tensor> = carry
  return Array.from({ length: steps }, (_, t) => {
    const x = { shape, data: xs.data.slice(t * sizeOf(shape), (t + 1) * sizeOf(shape)) }
    const values = { params, carry: now, x } as Values
    const made = tensorsOf(evaluate(jacobian, values)).get('state')!
    const next = tensorsOf(evaluate(step, values))
    now = treeOf(
      new Map(
        [...next].flatMap(([name, value]) =>
          name.startsWith('carry.') ? [[name.slice(6), value] as const] : [],
        ),
      ),
    )!
    return { n, data: made.data }
  })
}

/** How a step stretches what passes it. */
export interface StepSpectrum {
  readonly t: number
  /** Largest |eigenvalue| of J_t: below 1 for every step alike, credit vanishes in the end. */
  readonly spectralRadius: number
  /** Largest singular value of J_t: the most that one step stretches a vector of credit [pascanu2013]. */
  readonly largestSingular: number
  /** Largest singular value of J_t … J_1. */
  readonly product: number
}

/**
 * Spectral radius and largest singular value of the state Jacobian along a trajectory.
 * @throws as `stateJacobians`.
 */
export function stateSpectrum(cell: Cell, trajectory: Trajectory): readonly StepSpectrum[] {
  let whole: Square | undefined
  return stateJacobians(cell, trajectory).map((J, i) => {
    whole = whole === undefined ? J : product(J, whole)
    return {
      t: i + 1,
      spectralRadius: spectralRadius(J),
      largestSingular: singularValues(J)[0]!,
      product: singularValues(whole)[0]!,
    }
  })
}

/**
 * Lyapunov exponents in nats per step, largest first: the mean log of the diagonal of R, from Q_t R_t = J_t Q_{t−1}.
 * The first `skip` steps turn Q and are not counted. −∞ where a direction dies.
 * @throws GraphError `bad-steps`; as `stateJacobians`.
 */
export function lyapunov(
  cell: Cell,
  trajectory: Trajectory,
  { skip = 0 }: { readonly skip?: number } = {},
): readonly number[] {
  const all = stateJacobians(cell, trajectory)
  if (!isWhole(skip, 0, all.length))
    throw new GraphError(
      'bad-steps',
      'lyapunov',
      `skip is ${shown(skip)}; of ${all.length} steps, a whole number in [0, ${all.length}) is skipped`,
      'a longer trajectory lets more steps be skipped',
    )
  let q = identity(all[0]!.n)
  const sums = new Array<number>(q.n).fill(0)
  all.forEach((J, i) => {
    const made = qr(product(J, q))
    q = made.q
    if (i >= skip)
      made.diagonal.forEach((r, k) => {
        sums[k]! += Math.log(r)
      })
  })
  return sums.map(sum => sum / (all.length - skip)).sort((a, b) => b - a)
}
