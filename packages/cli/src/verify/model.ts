import { halfSquaredError, isShape, type Loss, leaves, softmaxCrossEntropy, squaredError } from '@bptt/graph'
import { type Cell, elman, gru, linearNet, lstm, stack, torchName, withReadout } from '@bptt/unroll'
import { bad, field, items, optional, type Spot, textAt, wholeAt } from './read.js'

/** The model of a case, and its loss. */
export interface Model {
  readonly cell: Cell
  readonly loss: Loss
  /** What the sum of the losses is divided by. */
  readonly reduction: string
  /** Our flat names (`params.l0.weight_ih`, `carry.h`, `xs`) to those of the file (`params.weight_ih_l0`, …). */
  readonly names: ReadonlyMap<string, string>
  /** Our parameter of the linear readout, whose rows are outputs. */
  readonly readout: string
  readonly layers: number
}

const losses: Readonly<Record<string, Loss>> = {
  half_squared_error: halfSquaredError,
  squared_error: squaredError,
  softmax_cross_entropy: softmaxCrossEntropy,
}

const cells = { elman, lstm, gru }

/** The model that `config` describes. */
export function modelAt(config: Spot): Model {
  const layers = items(field(config, 'layers'))
  if (layers.length === 0) throw bad(field(config, 'layers'), 'a model has at least one layer', 'empty')
  const outputs = wholeAt(field(config, 'output'))
  const linear = layers.some(layer => textAt(field(layer, 'type')) === 'linear')
  const cell = linear
    ? linearAt(field(config, 'layers'), outputs)
    : withReadout(recurrent(layers), { outputs })
  const reduction = optional(config, 'reduction')
  return {
    cell,
    loss: losses[textAt(field(config, 'loss'), Object.keys(losses))]!,
    reduction: reduction === undefined ? 'sum' : textAt(reduction, ['sum', 'mean', 'mean_time']),
    names: namesOf(cell),
    readout: linear ? 'V' : 'readout.weight',
    layers: layers.length,
  }
}

function linearAt(spot: Spot, outputs: number): Cell {
  const layers = items(spot)
  if (layers.length !== 1) throw bad(spot, 'a linear net has one layer', `a list of ${layers.length}`)
  return linearNet({ ...sizesAt(layers[0]!), outputs })
}

function recurrent(layers: readonly Spot[]): Cell {
  const made = layers.map(layer => {
    const type = textAt(field(layer, 'type'), Object.keys(cells)) as keyof typeof cells
    return cells[type](sizesAt(layer))
  })
  layers.slice(1).forEach((layer, k) => {
    const below = sizesAt(layers[k]!).hidden
    if (sizesAt(layer).inputs !== below)
      throw bad(field(layer, 'input'), `the layer below has ${below} hidden units`)
  })
  return made.length === 1 ? made[0]! : stack(made)
}

const sizesAt = (layer: Spot): { inputs: number; hidden: number } => ({
  inputs: wholeAt(field(layer, 'input')),
  hidden: wholeAt(field(layer, 'hidden')),
})

function namesOf(cell: Cell): ReadonlyMap<string, string> {
  const paths = (tree: Cell['params']): string[] => leaves(tree, isShape, cell.name).map(([name]) => name)
  return new Map([
    ...paths(cell.params).map(name => [`params.${name}`, `params.${torchName(name)}`] as const),
    ...paths(cell.carry).map(name => [`carry.${name}`, `initial_carry.${torchCarry(name)}`] as const),
    ['xs', 'inputs'] as const,
  ])
}

/** `h` and `l0.h` are `h_l0` in PyTorch's manner, `l1.c` is `c_l1`. */
function torchCarry(name: string): string {
  const [, layer = '0', part = name] = /^l(\d+)\.(.+)$/.exec(name) ?? []
  return `${part}_l${layer}`
}
