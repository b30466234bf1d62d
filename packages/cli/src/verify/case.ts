import { filled, isShape, isTensor, leaves, type Shape, type Tensor, type Tree } from '@bptt/graph'
import { zeroCarry } from '@bptt/unroll'
import type { Named } from './compare.js'
import { type Model, modelAt } from './model.js'
import { bad, field, fields, items, numberAt, optional, type Spot, tensorAt, wholeAt } from './read.js'

/** A case with a network: its model and all values, under our flat names. */
export interface Case {
  readonly name: string
  readonly spot: Spot
  readonly model: Model
  readonly steps: number
  readonly batch: number
  /** What multiplies the sum of the losses. */
  readonly scale: number
  /** `params.*`, `carry.*`, `xs`, and where the case has them `targets` and `reset`. */
  readonly values: Named
}

/** Reads a case; `data` is where its inputs and targets stand, if not in the case itself. */
export function caseAt(spot: Spot, name: string, data: Spot = spot): Case {
  const config = field(spot, 'config')
  const model = modelAt(config)
  const inputs = tensorAt(field(data, 'inputs'))
  const [steps = 0, batch = 0] = inputs.shape
  if (inputs.shape.length !== 3)
    throw bad(field(data, 'inputs'), 'inputs are [T, B, I]', `[${inputs.shape.join(', ')}]`)
  checkLength(config, 'T', steps)
  checkLength(config, 'B', batch)
  const xs = tensorAt(field(data, 'inputs'), [steps, batch, ...numbers(model.cell.input)])
  const scale = { mean: 1 / (steps * batch), mean_time: 1 / steps }[model.reduction] ?? 1
  const values = new Map([
    ...paramsAt(field(spot, 'params'), model),
    ...carryAt(spot, model, batch),
    ['xs', xs] as const,
  ])
  addOptional(values, data, model, steps, batch)
  return { name, spot, model, steps, batch, scale, values }
}

function checkLength(config: Spot, name: string, length: number): void {
  const given = optional(config, name)
  if (given !== undefined && wholeAt(given) !== length) throw bad(given, `the inputs have ${length}`)
}

/** The parameters of a model, all of them and no other, under our flat names. */
export function paramsAt(spot: Spot, { cell, names }: Model): Named {
  const wanted = leaves(cell.params, isShape, cell.name).map(
    ([name, shape]) => [`params.${name}`, shape] as const,
  )
  const known = wanted.map(([name]) => names.get(name)!.slice('params.'.length))
  const extra = fields(spot).find(([name]) => !known.includes(name))
  if (extra !== undefined)
    throw bad(extra[1], `the parameters are ${known.join(', ')}`, 'no parameter of the model')
  return new Map(wanted.map(([name, shape], i) => [name, tensorAt(field(spot, known[i]!), numbers(shape))]))
}

function carryAt(spot: Spot, { cell, names }: Model, batch: number): Named {
  const given = optional(spot, 'initial_carry')
  const zero = new Map(leaves(zeroCarry(cell, batch), isTensor, cell.name))
  return new Map(
    [...zero].map(([name, start]) => {
      const theirs = names.get(`carry.${name}`)!.slice('initial_carry.'.length)
      return [
        `carry.${name}`,
        given === undefined ? start : tensorAt(field(given, theirs), start.shape),
      ] as const
    }),
  )
}

function addOptional(
  values: Map<string, Tensor>,
  data: Spot,
  model: Model,
  steps: number,
  batch: number,
): void {
  const { cell, loss } = model
  const targets = optional(data, 'targets')
  const each = numbers(loss.target?.(cell.output) ?? cell.output)
  if (targets !== undefined) {
    values.set('targets', tensorAt(targets, [steps, batch, ...each]))
    if (loss.target !== undefined) checkClasses(targets, cell.output[0] as number)
  }
  const reset = optional(data, 'reset')
  if (reset !== undefined) values.set('reset', tensorAt(reset, [steps, batch]))
}

function checkClasses(targets: Spot, classes: number): void {
  for (const spot of items(field(targets, 'data'))) {
    const found = numberAt(spot)
    if (Number.isInteger(found) && found >= 0 && found < classes) continue
    throw bad(spot, `a class is a whole number from 0 to ${classes - 1}`, String(found))
  }
}

/** Gradients `{params, inputs, initial_carry}`, or what there is of them, under the names of the file. */
export function gradsAt(spot: Spot, of: Case): Named {
  const found = fields(spot).flatMap(([part, at]) =>
    part === 'inputs' ? [[part, at] as const] : prefixed(part, at),
  )
  return shaped(found, of)
}

/** Gradients by the parameters only, `{name: tensor}`; the names get `params.` before them. */
export function paramGradsAt(spot: Spot, of: Case): Named {
  return shaped(prefixed('params', spot), of)
}

const prefixed = (part: string, spot: Spot): (readonly [string, Spot])[] =>
  fields(spot).map(([name, at]) => [`${part}.${name}`, at] as const)

function shaped(found: readonly (readonly [string, Spot])[], { model, values }: Case): Named {
  const shapes = new Map([...model.names].map(([ours, theirs]) => [theirs, values.get(ours)!.shape]))
  return new Map(
    found.map(([name, at]) => {
      const shape = shapes.get(name)
      if (shape !== undefined) return [name, tensorAt(at, shape)] as const
      throw bad(at, `there are gradients by ${[...shapes.keys()].join(', ')}`, 'no gradient of the model')
    }),
  )
}

/** Our flat values as an object, with others added or put in their place; loss weights are the case's scale. */
export function valuesOf(
  { values, steps, batch, scale }: Case,
  others: Named = new Map(),
): Record<string, Tensor> {
  return {
    ...Object.fromEntries(values),
    weights: filled([steps, batch], scale),
    ...Object.fromEntries(others),
  }
}

/** Steps `from` to `to` (not included) of a tensor whose first axis is time. */
export function rows({ shape, data }: Tensor, from: number, to: number): Tensor {
  const size = data.length / shape[0]!
  return { shape: [to - from, ...shape.slice(1)], data: data.slice(from * size, to * size) }
}

const numbers = (shape: Shape): readonly number[] => shape as readonly number[]
/** A tree of tensors by flat names, with `prefix` before them. */
export function flatten(tree: Tree<Tensor>, prefix: string = ''): Named {
  return new Map(leaves(tree, isTensor, 'verify').map(([name, tensor]) => [prefix + name, tensor]))
}
