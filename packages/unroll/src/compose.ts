import { GraphError, gather, linear, type Ref, type Shape, showShape, type Tree } from '@bptt/graph'
import { type Cell, makeCell } from './cell.js'
import { allInitialisers, at, each, lastAxis, merged } from './compose/parts.js'
import { isWindowModel, readWindow, unmasked, type WindowModel, windowModel } from './compose/window.js'
import { uniform } from './initialise.js'

/**
 * Cells on top of each other: the output of one is the input of the next, in the same step.
 * Params and carry of layer k stand under `l0`, `l1`, … With a bidirectional layer among them the stack is one of whole
 * windows too: every layer reads the outputs of the one below for all steps.
 * @throws GraphError `empty-list`; `cell-input` where an output does not fit the next input.
 */
export function stack(cells: readonly Cell[]): Cell
export function stack(layers: readonly (Cell | WindowModel)[]): WindowModel
export function stack(all: readonly (Cell | WindowModel)[]): Cell | WindowModel {
  const [first] = all
  if (first === undefined)
    throw new GraphError(
      'empty-list',
      'stack',
      'has no cell; a stack has at least one',
      'stack([elman({ inputs: 2, hidden: 3 })])',
    )
  all.slice(1).forEach((layer, k) => checkFit(all[k]!, layer))
  const layers = Object.fromEntries(all.map((layer, k) => [`l${k}`, layer]))
  const parts = {
    name: `stack(${all.map(({ name }) => name).join(', ')})`,
    params: each(layers, ({ params }) => params),
    carry: each(layers, ({ carry }) => carry),
    input: first.input,
    initialisers: allInitialisers(layers),
  }
  if (all.some(isWindowModel)) return stackOfWindows(layers, { ...parts, output: all.at(-1)!.output })
  return makeCell({
    ...parts,
    step(params, carry, x) {
      const next: Record<string, Tree<Ref>> = {}
      let y = x
      for (const [name, cell] of Object.entries(layers as Readonly<Record<string, Cell>>)) {
        const [after, out] = cell.step(at(params, name), at(carry, name), y)
        next[name] = after
        y = out
      }
      return [next, y]
    },
  })
}

const stackOfWindows = (
  layers: Readonly<Record<string, Cell | WindowModel>>,
  parts: Omit<WindowModel, 'init' | 'window'>,
): WindowModel =>
  windowModel(parts, (options, { params, carry, xs, ...rest }) => {
    const next: Record<string, Tree<Ref>> = {}
    let ys = xs
    for (const [name, layer] of Object.entries(layers)) {
      const own = { params: at(params, name) ?? {}, carry: at(carry, name) ?? {} }
      const made = readWindow(layer, options, { ...rest, ...own, xs: ys })
      next[name] = made.carry
      ys = made.ys
    }
    return { ys, carry: next }
  })

function checkFit(below: Cell | WindowModel, above: Cell | WindowModel): void {
  if (showShape(below.output) === showShape(above.input)) return
  throw new GraphError(
    'cell-input',
    'stack',
    `${below.name} gives ${showShape(below.output)} and ${above.name} takes ${showShape(above.input)}; an output fits the next input`,
    `make ${above.name} for inputs of ${showShape(below.output)}, or give ${below.name} a readout: withReadout(cell, { outputs })`,
  )
}

/**
 * The cell with a linear readout o = W h + b on its output, as PyTorch's `nn.Linear`: params `readout.weight`
 * [outputs, hidden] and `readout.bias` [outputs] beside the cell's own. The carry is the cell's. A model of windows likewise.
 * @throws GraphError `bad-size`, `duplicate-name`.
 */
export function withReadout(cell: Cell, options: { readonly outputs: number }): Cell
export function withReadout(model: WindowModel, options: { readonly outputs: number }): WindowModel
export function withReadout(
  model: Cell | WindowModel,
  { outputs }: { readonly outputs: number },
): Cell | WindowModel {
  if (!Number.isInteger(outputs) || outputs < 1)
    throw new GraphError('bad-size', 'withReadout', `outputs is ${outputs}; a size is a whole number ≥ 1`)
  const hidden = lastAxis('withReadout', model.output)
  const make = uniform(1 / Math.sqrt(hidden))
  const parts = {
    name: `${model.name}+readout`,
    params: merged(model, { readout: { weight: [outputs, hidden], bias: [outputs] } }),
    carry: model.carry,
    input: model.input,
    initialisers: new Map([...model.initialisers, ['readout.weight', make], ['readout.bias', make]]),
  }
  const readout = (params: Tree<Ref>, h: Ref): Ref => {
    const { weight, bias } = at(params, 'readout') as { weight: Ref; bias: Ref }
    return linear(h, weight, bias)
  }
  if (isWindowModel(model))
    return windowModel({ ...parts, output: [...model.output.slice(0, -1), outputs] }, (options, inputs) => {
      const { ys, carry } = readWindow(model, options, { ...inputs, params: own(model, inputs.params) })
      return { ys: unmasked(readout(inputs.params, ys), inputs.mask), carry }
    })
  return makeCell({
    ...parts,
    step(params, carry, x) {
      const [next, h] = model.step(params, carry, x)
      return [next, readout(params, h)]
    },
  })
}

/**
 * The cell reading symbols instead of vectors: its input is a whole number in [0, symbols), looked up in
 * `embedding.weight` [symbols, inputs]. A model of windows likewise.
 * @throws GraphError `bad-size`, `duplicate-name`.
 */
export function withEmbedding(cell: Cell, options: { readonly symbols: number }): Cell
export function withEmbedding(model: WindowModel, options: { readonly symbols: number }): WindowModel
export function withEmbedding(
  model: Cell | WindowModel,
  { symbols }: { readonly symbols: number },
): Cell | WindowModel {
  if (!Number.isInteger(symbols) || symbols < 1)
    throw new GraphError('bad-size', 'withEmbedding', `symbols is ${symbols}; a size is a whole number ≥ 1`)
  const width = lastAxis('withEmbedding', model.input)
  const parts = {
    name: `embedding+${model.name}`,
    params: merged(model, { embedding: { weight: [symbols, width] } }),
    carry: model.carry,
    input: [] as Shape,
    initialisers: new Map([...model.initialisers, ['embedding.weight', uniform(1)]]),
  }
  const vectors = (params: Tree<Ref>, x: Ref): Ref =>
    gather((at(params, 'embedding') as { weight: Ref }).weight, x)
  if (isWindowModel(model))
    return windowModel({ ...parts, output: model.output }, (options, inputs) =>
      readWindow(model, options, {
        ...inputs,
        params: own(model, inputs.params),
        xs: vectors(inputs.params, inputs.xs),
      }),
    )
  return makeCell({
    ...parts,
    step: (params, carry, x) => model.step(params, carry, vectors(params, x)),
  })
}

/** A model's own params among more. */
const own = ({ params }: WindowModel, all: Tree<Ref>): Tree<Ref> =>
  Object.fromEntries(
    Object.keys(params as Readonly<Record<string, Tree<Shape>>>).map(name => [name, at(all, name)]),
  )
