import {
  filled,
  GraphError,
  graph,
  grow,
  isRef,
  isShape,
  leaves,
  type Ref,
  type Refs,
  type Shape,
  showShape,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import { byRank, type Initialiser, initialise } from './initialise.js'

/** A recurrent model: one step, `(params, carry, x) → [carry, y]`. Shapes are those of one example. */
export interface Cell {
  readonly name: string
  readonly params: Tree<Shape>
  readonly carry: Tree<Shape>
  readonly input: Shape
  readonly output: Shape
  /** Values may have further axes in front (a batch); params never have. */
  readonly step: Step
  /** Initialisers by dotted parameter name. */
  readonly initialisers: ReadonlyMap<string, Initialiser>
  /** Start values: parameters by their initialisers from `seed` (a whole number ≥ 0), and a zero carry. */
  readonly init: (seed: number) => { readonly params: Tree<Tensor>; readonly carry: Tree<Tensor> }
}

/** What a cell is made from; the rest is derived. */
export type CellParts = Omit<Cell, 'output' | 'init'>

/** One step in time. */
export type Step = (params: Tree<Ref>, carry: Tree<Ref>, x: Ref) => readonly [Tree<Ref>, Ref]

/** Sizes that most cells have. */
export interface Sizes {
  readonly inputs: number
  readonly hidden: number
}

/** What makes a cell, given sizes. */
export interface CellDeclaration<S, P extends Tree<Shape>, C extends Tree<Shape>> {
  readonly name?: string
  /** Shapes of the parameters; their dotted paths are their names for good. */
  readonly params: (sizes: S) => P
  /** Shapes of the carry, for one example. */
  readonly carry: (sizes: S) => C
  /** Shape of one input; `[inputs]` where not given. */
  readonly input?: (sizes: S) => Shape
  /** Start values, by parameter; Glorot for matrices and zero for the rest where not given. */
  readonly init?: (sizes: S) => Tree<Initialiser>
  /** One step in time: `(params, carry, x) → [carry, y]`. */
  readonly step: (params: Refs<P>, carry: Refs<C>, x: Ref) => readonly [Tree<Ref>, Ref]
}

/**
 * Declares a cell in plain functions of public ops; the result makes cells of given sizes.
 *
 * @example
 * const leaky = cell({
 *   params: ({ inputs, hidden }) => ({ U: [hidden, inputs], W: [hidden, hidden] }),
 *   carry: ({ hidden }) => ({ h: [hidden] }),
 *   step({ U, W }, { h }, x) {
 *     const next = tanh(add(linear(x, U), linear(h, W)))
 *     return [{ h: next }, next]
 *   },
 * })
 * const net = leaky({ inputs: 3, hidden: 8 })
 * @throws GraphError `bad-size`, `cell-carry`, or what an op finds wrong with the step, when sizes are given.
 */
/* @__NO_SIDE_EFFECTS__ */
export function cell<P extends Tree<Shape>, C extends Tree<Shape>, S extends object = Sizes>(
  declared: CellDeclaration<S, P, C>,
): (sizes: S) => Cell {
  const name = declared.name ?? 'cell'
  return sizes => {
    checkSizes(name, sizes)
    const init = declared.init?.(sizes)
    return makeCell({
      name,
      params: declared.params(sizes),
      carry: declared.carry(sizes),
      input: declared.input?.(sizes) ?? [(sizes as unknown as Sizes).inputs],
      step: declared.step as unknown as Step,
      initialisers: new Map(init === undefined ? [] : leaves(init, isInitialiser, name)),
    })
  }
}

const isInitialiser = (value: unknown): value is Initialiser => typeof value === 'function'

function checkSizes(name: string, sizes: object): void {
  for (const [key, size] of Object.entries(sizes))
    if (typeof size === 'number' && (!Number.isInteger(size) || size < 1))
      throw new GraphError('bad-size', name, `${key} is ${size}; a size is a whole number ≥ 1`)
}

/** A cell whose step has been traced once: its output shape is known, and its carry keeps its shape. */
export function makeCell(parts: CellParts): Cell {
  checkInitialisers(parts)
  let output: Shape = []
  // a graph has no empty branches, so a cell without carry or params gets none
  const step: Step = (params = {}, carry = {}, x) => parts.step(params, carry, x)
  graph({ params: parts.params, carry: parts.carry, x: parts.input }, refs => {
    const { params, carry, x } = refs as { params: Tree<Ref>; carry: Tree<Ref>; x: Ref }
    const [next, y] = step(params, carry, x)
    checkCarry(parts, next)
    if (!isRef(y))
      throw new GraphError(
        'cell-output',
        parts.name,
        'the step returns no value as its output; a step returns [carry, y]',
      )
    output = y.shape
    return { y }
  })
  const init = (seed: number): ReturnType<Cell['init']> => ({
    params: initialParams(parts, seed),
    carry: zeroCarry(parts),
  })
  return { ...parts, step, output, init }
}

function checkInitialisers({ name, params, initialisers }: CellParts): void {
  const known = leaves(params, isShape, name).map(([key]) => key)
  for (const key of initialisers.keys())
    if (!known.includes(key))
      throw new GraphError(
        'cell-init',
        name,
        `init names '${key}', which is no parameter; parameters are ${known.join(', ') || 'none'}`,
      )
}

function checkCarry({ name, carry }: CellParts, next: Tree<Ref>): void {
  const after = new Map(leaves(next, isRef, name).map(([key, ref]) => [key, ref.shape]))
  const before = leaves(carry, isShape, name)
  for (const [key, shape] of before) {
    const found = after.get(key)
    if (found !== undefined && showShape(found) === showShape(shape)) continue
    const what =
      found === undefined ? 'is missing from what the step returns' : `leaves the step as ${showShape(found)}`
    throw new GraphError(
      'cell-carry',
      name,
      `carry '${key}' is declared ${showShape(shape)} and ${what}; a carry keeps its name and shape`,
      found === undefined
        ? 'return every part of the carry, also one that stays as it is'
        : `declare it as ${showShape(found)}, or let the step return ${showShape(shape)}`,
    )
  }
  const extra = [...after.keys()].find(key => !before.some(([known]) => known === key))
  if (extra !== undefined)
    throw new GraphError(
      'cell-carry',
      name,
      `the step returns carry '${extra}', which is not declared; a carry keeps its name and shape`,
      `declare '${extra}' in carry, as ${showShape(after.get(extra)!)}`,
    )
}

/** Start values of parameters by their initialisers, each from a stream of its own. */
export function initialParams(
  { name: cellName, params, initialisers }: Pick<Cell, 'name' | 'params' | 'initialisers'>,
  seed: number,
): Tree<Tensor> {
  const otherwise = byRank()
  const made = leaves(params, isShape, cellName).map(([name, shape], stream) => {
    const make = initialisers.get(name) ?? otherwise
    return [name, initialise(make, shape as readonly number[], seed, stream)] as const
  })
  return grow(made)
}

/** The zero carry of a cell, for a batch of this many examples; without `batch`, for one example. */
export function zeroCarry(cell: Pick<Cell, 'name' | 'carry'>, batch?: number): Tree<Tensor> {
  const front = batch === undefined ? [] : [batch]
  return grow(
    leaves(cell.carry, isShape, cell.name).map(
      ([name, shape]) => [name, filled([...front, ...(shape as number[])], 0)] as const,
    ),
  )
}
