import { concat, GraphError, type Ref, showShape, type Tree } from '@bptt/graph'
import { type Cell, makeCell } from '../cell.js'
import { allInitialisers, at, each, lastAxis } from './parts.js'

/**
 * Cells side by side: all read the same input, and their outputs stand one after the other along the last axis.
 * Params and carry of cell k stand under `c0`, `c1`, …
 * @throws GraphError `empty-list`; `cell-input` where the inputs differ, or the outputs beside their last axis.
 */
export function beside(cells: readonly Cell[]): Cell {
  if (cells.length === 0)
    throw new GraphError(
      'empty-list',
      'beside',
      'has no cell; at least one stands beside others',
      'beside([elman({ inputs: 2, hidden: 3 })])',
    )
  return named('beside', Object.fromEntries(cells.map((cell, k) => [`c${k}`, cell])))
}

/** Cells side by side under names of their own. */
export function named(where: string, cells: Readonly<Record<string, Cell>>): Cell {
  const all = Object.values(cells)
  const first = all[0]!
  for (const other of all.slice(1)) checkBeside(where, first, other)
  lastAxis(where, first.output)
  return makeCell({
    name: `${where}(${all.map(cell => cell.name).join(', ')})`,
    params: each(cells, cell => cell.params),
    carry: each(cells, cell => cell.carry),
    input: first.input,
    initialisers: allInitialisers(cells),
    step(params, carry, x) {
      const next: Record<string, Tree<Ref>> = {}
      const ys = Object.entries(cells).map(([name, cell]) => {
        const [after, y] = cell.step(at(params, name), at(carry, name), x)
        next[name] = after
        return y
      })
      return [next, concat(ys, { axis: -1 })]
    },
  })
}

function checkBeside(where: string, first: Cell, other: Cell): void {
  if (showShape(first.input) !== showShape(other.input))
    throw new GraphError(
      'cell-input',
      where,
      `${first.name} takes ${showShape(first.input)} and ${other.name} takes ${showShape(other.input)}; cells side by side read one input`,
      'make them for inputs of one shape',
    )
  if (showShape(first.output.slice(0, -1)) !== showShape(other.output.slice(0, -1)))
    throw new GraphError(
      'cell-input',
      where,
      `${first.name} gives ${showShape(first.output)} and ${other.name} gives ${showShape(other.output)}; outputs side by side differ in their last axis alone`,
      'give them outputs that differ in width alone',
    )
}
