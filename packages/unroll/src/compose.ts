import { GraphError, gather, linear, type Ref, showShape, type Tree } from '@bptt/graph'
import { type Cell, makeCell } from './cell.js'
import { allInitialisers, at, each, lastAxis, merged } from './compose/parts.js'
import { uniform } from './initialise.js'

/**
 * Cells on top of each other: the output of one is the input of the next, in the same step.
 * Params and carry of layer k stand under `l0`, `l1`, …
 * @throws GraphError `empty-list`; `cell-input` where an output does not fit the next input.
 */
export function stack(cells: readonly Cell[]): Cell {
  const [first] = cells
  if (first === undefined)
    throw new GraphError(
      'empty-list',
      'stack',
      'has no cell; a stack has at least one',
      'stack([elman({ inputs: 2, hidden: 3 })])',
    )
  const layers = Object.fromEntries(cells.map((cell, k) => [`l${k}`, cell]))
  cells.slice(1).forEach((cell, k) => checkFit(cells[k]!, cell))
  return makeCell({
    name: `stack(${cells.map(cell => cell.name).join(', ')})`,
    params: each(layers, cell => cell.params),
    carry: each(layers, cell => cell.carry),
    input: first.input,
    initialisers: allInitialisers(layers),
    step(params, carry, x) {
      const next: Record<string, Tree<Ref>> = {}
      let y = x
      for (const [name, cell] of Object.entries(layers)) {
        const [after, out] = cell.step(at(params, name), at(carry, name), y)
        next[name] = after
        y = out
      }
      return [next, y]
    },
  })
}

function checkFit(below: Cell, above: Cell): void {
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
 * [outputs, hidden] and `readout.bias` [outputs] beside the cell's own. The carry is the cell's.
 * @throws GraphError `bad-size`, `duplicate-name`.
 */
export function withReadout(cell: Cell, { outputs }: { readonly outputs: number }): Cell {
  if (!Number.isInteger(outputs) || outputs < 1)
    throw new GraphError('bad-size', 'withReadout', `outputs is ${outputs}; a size is a whole number ≥ 1`)
  const hidden = lastAxis('withReadout', cell.output)
  const make = uniform(1 / Math.sqrt(hidden))
  return makeCell({
    ...cell,
    name: `${cell.name}+readout`,
    params: merged(cell, { readout: { weight: [outputs, hidden], bias: [outputs] } }),
    initialisers: new Map([...cell.initialisers, ['readout.weight', make], ['readout.bias', make]]),
    step(params, carry, x) {
      const [next, h] = cell.step(params, carry, x)
      const { weight, bias } = at(params, 'readout') as { weight: Ref; bias: Ref }
      return [next, linear(h, weight, bias)]
    },
  })
}

/**
 * The cell reading symbols instead of vectors: its input is a whole number in [0, symbols), looked up in
 * `embedding.weight` [symbols, inputs].
 * @throws GraphError `bad-size`, `duplicate-name`.
 */
export function withEmbedding(cell: Cell, { symbols }: { readonly symbols: number }): Cell {
  if (!Number.isInteger(symbols) || symbols < 1)
    throw new GraphError('bad-size', 'withEmbedding', `symbols is ${symbols}; a size is a whole number ≥ 1`)
  const width = lastAxis('withEmbedding', cell.input)
  return makeCell({
    ...cell,
    name: `embedding+${cell.name}`,
    input: [],
    params: merged(cell, { embedding: { weight: [symbols, width] } }),
    initialisers: new Map([...cell.initialisers, ['embedding.weight', uniform(1)]]),
    step: (params, carry, x) =>
      cell.step(params, carry, gather((at(params, 'embedding') as { weight: Ref }).weight, x)),
  })
}
