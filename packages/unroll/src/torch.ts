import { GraphError, grow, isShape, isTensor, leaves, showShape, type Tensor, type Tree } from '@bptt/graph'
import type { Cell } from './cell.js'

/**
 * A parameter's name in PyTorch's `state_dict`: `l0.weight_ih` and `weight_ih` are `weight_ih_l0`, `l1.backward.weight_ih`
 * of stacked bidirectional layers is `weight_ih_l1_reverse`; others keep theirs.
 */
export function torchName(name: string): string {
  const match = /^(?:l(\d+)\.)?(?:(forward|backward)\.)?((?:weight|bias)_[ih]h)$/.exec(name)
  if (match === null) return name
  const [, layer = '0', direction, parameter] = match
  return `${parameter}_l${layer}${direction === 'backward' ? '_reverse' : ''}`
}

/** What the parts of a model are called in the module whose `state_dict` it is. */
export interface TorchNames {
  /** The attribute that holds the `nn.RNN`, `nn.GRU` or `nn.LSTM`, as in `rnn.weight_ih_l0`; none by default. */
  readonly recurrent?: string
  /** The `nn.Linear` of `withReadout`; `readout` by default. */
  readonly readout?: string
  /** The `nn.Embedding` of `withEmbedding`; `embedding` by default. */
  readonly embedding?: string
  /** The recurrent part is an `nn.RNNCell`, `nn.GRUCell` or `nn.LSTMCell`: `weight_ih`, without a layer's number. */
  readonly single?: boolean
}

/** Tensors by name, as in a `state_dict`. */
export type StateDict = Readonly<Record<string, Tensor>>

/**
 * The `state_dict` of a model's parameters: for `load_state_dict` of a module with `nn.RNN`, `nn.GRU` or `nn.LSTM`,
 * `nn.Linear` and `nn.Embedding`, whose layouts the cells here have. Tensors are the same, not copies.
 * @throws GraphError `duplicate-name` where two parameters get one name.
 */
export function toTorch(params: Tree<Tensor>, names: TorchNames = {}): StateDict {
  const found = leaves<Tensor>(params, isTensor, 'toTorch')
  const renamed = unique(
    'toTorch',
    found.map(([name]) => name),
    names,
  )
  return Object.fromEntries(found.map(([, value], i) => [renamed[i]!, value]))
}

/**
 * The parameters of a cell or window model from a `state_dict`: the inverse of `toTorch`, exactly.
 * @throws GraphError `bad-state-dict`, which names every entry that is missing, extra or of another shape; `duplicate-name`.
 */
export function fromTorch(
  model: Pick<Cell, 'name' | 'params'>,
  stateDict: StateDict,
  names: TorchNames = {},
): Tree<Tensor> {
  const wanted = leaves(model.params, isShape, model.name)
  const renamed = unique(
    'fromTorch',
    wanted.map(([name]) => name),
    names,
  )
  const shapes = new Map(wanted.map(([, shape], i) => [renamed[i]!, showShape(shape)]))
  const wrong = complaints(shapes, stateDict)
  if (wrong.length > 0)
    throw new GraphError(
      'bad-state-dict',
      'fromTorch',
      `${wrong.join('; ')}; a state_dict has the parameters of ${model.name}, no more and no fewer`,
      wrong.some(text => text.startsWith('missing'))
        ? 'name the modules: { recurrent, readout, embedding }'
        : undefined,
    )
  return grow(wanted.map(([name], i) => [name, stateDict[renamed[i]!]!] as const))
}

function complaints(shapes: ReadonlyMap<string, string>, stateDict: StateDict): readonly string[] {
  const has = (name: string): boolean => Object.hasOwn(stateDict, name)
  const missing = [...shapes].filter(([name]) => !has(name)).map(([name, shape]) => `${name} ${shape}`)
  const extra = Object.keys(stateDict).filter(name => !shapes.has(name))
  const misshapen = [...shapes].flatMap(([name, shape]) => {
    const found = has(name) ? showShape(stateDict[name]!.shape) : shape
    return found === shape ? [] : [`${name} is ${found}, not ${shape}`]
  })
  return [
    ...(missing.length > 0 ? [`missing ${missing.join(', ')}`] : []),
    ...(extra.length > 0 ? [`extra ${extra.join(', ')}`] : []),
    ...misshapen,
  ]
}

/** The names in a `state_dict`, each once. */
function unique(where: string, found: readonly string[], names: TorchNames): readonly string[] {
  const renamed = found.map(name => placed(name, names))
  renamed.forEach((name, i) => {
    const first = renamed.indexOf(name)
    if (first < i)
      throw new GraphError(
        'duplicate-name',
        where,
        `'${found[first]}' and '${found[i]}' are both '${name}' in a state_dict; names are unique`,
      )
  })
  return renamed
}

function placed(name: string, { recurrent, readout, embedding, single = false }: TorchNames): string {
  const [first, ...rest] = name.split('.')
  if (first === 'readout' && readout !== undefined) return [readout, ...rest].join('.')
  if (first === 'embedding' && embedding !== undefined) return [embedding, ...rest].join('.')
  const torch = torchName(name)
  if (torch === name) return name
  const shown = single && rest.length === 0 ? name : torch
  return recurrent === undefined || recurrent === '' ? shown : `${recurrent}.${shown}`
}
