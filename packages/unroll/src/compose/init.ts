import { GraphError, isShape, leaves } from '@bptt/graph'
import { type Cell, makeCell } from '../cell.js'
import type { Initialiser } from '../initialise.js'

/**
 * The cell with other start values. A key is a parameter's dotted name or the end of it: `weight_hh` is that of
 * every layer, `l1.weight_hh` that of one. Later keys win.
 *
 * @example
 * withInit(lstm({ inputs: 3, hidden: 8 }), { weight_ih: glorot(), weight_hh: orthogonal({ blocks: 4 }) })
 * @throws GraphError `cell-init` where a key names no parameter.
 */
export function withInit(cell: Cell, initialisers: Readonly<Record<string, Initialiser>>): Cell {
  const names = leaves(cell.params, isShape, cell.name).map(([name]) => name)
  const found = Object.entries(initialisers).flatMap(([key, make]) => {
    const hits = names.filter(name => name === key || name.endsWith(`.${key}`))
    if (hits.length === 0)
      throw new GraphError(
        'cell-init',
        'withInit',
        `'${key}' is no parameter of ${cell.name}; parameters are ${names.join(', ') || 'none'}`,
      )
    return hits.map(name => [name, make] as const)
  })
  return makeCell({ ...cell, initialisers: new Map([...cell.initialisers, ...found]) })
}
