import { add, GraphError, isShape, mapTree, mul, type Ref, type Shape, type Tree } from '@bptt/graph'
import { zip } from '../optimiser.js'
import { type Rate, rateText } from './rate.js'

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

/** @throws GraphError `bad-setting` where a number of updates is not whole and ≥ 1. */
export function checkCount(where: string, name: string, value: number): void {
  if (!(Number.isSafeInteger(value) && value >= 1))
    throw new GraphError('bad-setting', where, `${name} is ${value}; it is a whole number ≥ 1`)
}

/** An optimiser as text: its learning rate, and the settings that are not the usual ones. */
export function textOf<S extends object>(name: string, lr: Rate, settings: S, usual: S): string {
  const odd = (Object.keys(settings) as (keyof S & string)[]).filter(key => settings[key] !== usual[key])
  const told = odd.map(key => (settings[key] === true ? key : `${key} ${String(settings[key])}`))
  return `${name}(${[rateText(lr), ...told].join(', ')})`
}

/** Gradients with λ p added: L2 regularisation. */
export function decayed(gradients: Tree<Ref>, params: Tree<Ref>, weightDecay: number): Tree<Ref> {
  return weightDecay === 0 ? gradients : zip([gradients, params], (g, p) => add(g, mul(p, weightDecay)))
}

/** Slots of one kind: a number for every number of the parameters. */
export function alike(params: Tree<Shape>): Tree<Shape> {
  return mapTree(params, isShape, shape => shape)
}

/** An exponential average, one observation on: decay · mean + (1 − decay) · now. */
export function blend(mean: Ref, now: Ref, decay: number): Ref {
  return add(mul(mean, decay), mul(now, 1 - decay))
}
