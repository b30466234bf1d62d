import { GraphError, isShape, leaves, type Shape, showShape, type Tree } from '@bptt/graph'
import type { Cell } from '../cell.js'
import type { Initialiser } from '../initialise.js'

/** A tree that is no leaf. */
export type Branch<T> = { readonly [name: string]: Tree<T> }

/** What stands under a name; a graph has no empty branches, so it may be nothing. */
export function at<T>(tree: Tree<T>, name: string): Tree<T> {
  return (tree as Branch<T>)[name]!
}

/** Initialisers of a part, under its name. */
export function prefixed(
  prefix: string,
  found: ReadonlyMap<string, Initialiser>,
): (readonly [string, Initialiser])[] {
  return [...found].map(([name, make]) => [name === '' ? prefix : `${prefix}.${name}`, make] as const)
}

/**
 * The length of the last axis of a cell's input or output.
 * @throws GraphError `cell-input` where it is a scalar.
 */
export function lastAxis(where: string, shape: Shape): number {
  const length = shape[shape.length - 1]
  if (typeof length === 'number') return length
  throw new GraphError(
    'cell-input',
    where,
    `the cell's values are ${showShape(shape)}; they need a last axis`,
    'let it take and give vectors, [1] for one number',
  )
}

/**
 * A cell's params with more beside them.
 * @throws GraphError `duplicate-name`.
 */
export function merged(cell: Pick<Cell, 'name' | 'params'>, more: Branch<Shape>): Tree<Shape> {
  const known = leaves(cell.params, isShape, cell.name).map(([name]) => name)
  for (const key of Object.keys(more))
    if (known.some(name => name === key || name.startsWith(`${key}.`)))
      throw new GraphError('duplicate-name', cell.name, `already has params named '${key}'; names are unique`)
  return { ...(cell.params as Branch<Shape>), ...more }
}

/** One part of each of several cells, under their names. */
export function each<C, T>(cells: Readonly<Record<string, C>>, part: (cell: C) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(cells).map(([name, cell]) => [name, part(cell)]))
}

/** The initialisers of several cells, under their names. */
export function allInitialisers(
  cells: Readonly<Record<string, Pick<Cell, 'initialisers'>>>,
): ReadonlyMap<string, Initialiser> {
  return new Map(Object.entries(cells).flatMap(([name, cell]) => prefixed(name, cell.initialisers)))
}
