import { filled, isShape, leaves, type Shape, type Tensor, type Tree } from '@bptt/graph'
import { zeroCarry } from '@bptt/unroll'
import type { Named } from './compare.js'
import { type Model, modelAt } from './model.js'
import { bad, field, fields, optional, type Spot, tensorAt, wholeAt } from './read.js'

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
  const zero = new Map(leaves(zeroCarry(cell, batch), isTensorLike, cell.name))
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
  if (targets !== undefined) values.set('targets', tensorAt(targets, [steps, batch, ...each]))
  const reset = optional(data, 'reset')
  if (reset !== undefined) values.set('reset', tensorAt(reset, [steps, batch]))
}

/** Gradients `{params, inputs, initial_carry}`, or what there is of them, under the names of the file. */
export function gradsAt(spot: Spot, { model, values }: Case): Named {
  const shapes = new Map([...model.names].map(([ours, theirs]) => [theirs, values.get(ours)!.shape]))
  const found = new Map<string, Tensor>()
  const put = (name: string, at: Spot): void => {
    const shape = shapes.get(name)
    if (shape === undefined)
      throw bad(at, `there are gradients by ${[...shapes.keys()].join(', ')}`, 'no gradient of the model')
    found.set(name, tensorAt(at, shape))
  }
  for (const [part, at] of fields(spot))
    if (part === 'inputs') put(part, at)
    else for (const [name, leaf] of fields(at)) put(`${part}.${name}`, leaf)
  return found
}

/** Gradients by parameters only, `{name: tensor}`, under the names of the file with `params.` before them. */
export function paramGradsAt(spot: Spot, of: Case): Named {
  return gradsAt({ ...spot, value: { params: spot.value } }, of)
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
const isTensorLike = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'data' in value && !isBranch(value.data)
const isBranch = (value: unknown): boolean => !(value instanceof Float64Array)

/** A tree of tensors by flat names, with `prefix` before them. */
export function flatten(tree: Tree<Tensor>, prefix: string = ''): Named {
  return new Map(leaves(tree, isTensorLike, 'verify').map(([name, tensor]) => [prefix + name, tensor]))
}
