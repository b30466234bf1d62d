import { add, GraphError, showShape } from '@bptt/graph'
import { type Cell, makeCell } from '../cell.js'

/**
 * The cell with its input added to its output, y = x + cell(x) [he2016]: in a deep stack, credit has a way down past every
 * layer. Params and carry are the cell's.
 * @throws GraphError `cell-input` where the cell's output does not have its input's shape.
 */
export function residual(cell: Cell): Cell {
  if (showShape(cell.input) !== showShape(cell.output))
    throw new GraphError(
      'cell-input',
      'residual',
      `${cell.name} takes ${showShape(cell.input)} and gives ${showShape(cell.output)}; what is added has one shape`,
      'withReadout gives another width',
    )
  return makeCell({
    ...cell,
    name: `residual(${cell.name})`,
    step(params, carry, x) {
      const [next, y] = cell.step(params, carry, x)
      return [next, add(x, y)]
    },
  })
}
