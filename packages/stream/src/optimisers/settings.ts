import { add, GraphError, mul, type Ref, type Tree } from '@bptt/graph'
import { zip } from '../optimiser.js'

/** @throws GraphError `bad-setting` where a learning rate is not a number > 0. */
export function checkRate(where: string, lr: number): void {
  if (!(lr > 0 && lr < Number.POSITIVE_INFINITY))
    throw new GraphError(
      'bad-setting',
      where,
      `the learning rate is ${lr}; it is a number > 0`,
      '1e-3 is a usual start',
    )
}

/** @throws GraphError `bad-setting` where a decay is not in [0, 1). */
export function checkUnit(where: string, name: string, value: number): void {
  if (!(value >= 0 && value < 1))
    throw new GraphError('bad-setting', where, `${name} is ${value}; it is in [0, 1)`)
}

/** @throws GraphError `bad-setting` where a value is not a number ≥ 0. */
export function checkAmount(where: string, name: string, value: number): void {
  if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
    throw new GraphError('bad-setting', where, `${name} is ${value}; it is a number ≥ 0`)
}

/** Gradients with λ p added: L2 regularisation. */
export function decayed(gradients: Tree<Ref>, params: Tree<Ref>, weightDecay: number): Tree<Ref> {
  return weightDecay === 0 ? gradients : zip([gradients, params], (g, p) => add(g, mul(p, weightDecay)))
}
