import {
  add,
  concat,
  type Dim,
  dot,
  type Graph,
  GraphError,
  gradient,
  graph,
  grow,
  isRef,
  isShape,
  type Loss,
  leaves,
  mul,
  type Ref,
  reshape,
  type Shape,
  sizeOf,
  slice,
  sum,
  type Tree,
} from '@bptt/graph'
import type { Cell } from '../cell.js'
import { copyPart, refsOf } from '../part.js'

/** The state of a cell as one vector of S numbers: the leaves of its carry in order. */
export interface FlatState {
  readonly size: number
  readonly parts: readonly {
    readonly name: string
    readonly shape: readonly number[]
    readonly start: number
    readonly size: number
  }[]
}

/** How the carry of a cell lies in a vector. */
export function flatState(cell: Cell): FlatState {
  let start = 0
  const parts = leavesOf(cell.carry, cell.name).map(([name, shape]) => {
    const size = sizeOf(shape)
    start += size
    return { name, shape, start: start - size, size }
  })
  return { size: start, parts }
}

/** Names and shapes of a tree of shapes; none for an empty one. */
export function leavesOf(
  tree: Tree<Shape>,
  where: string,
): readonly (readonly [string, readonly number[]])[] {
  if (!isShape(tree) && Object.keys(tree).length === 0) return []
  return leaves(tree, isShape, where) as readonly (readonly [string, readonly number[]])[]
}

/** Carry leaves as one vector [S], with axes in front of it where they have them; `from` has them by dotted name. */
export function flatten(state: FlatState, from: ReadonlyMap<string, Ref>, front: readonly Dim[] = []): Ref {
  const vectors = state.parts.map(({ name, size }) => reshape(from.get(name)!, { shape: [...front, size] }))
  return concat(vectors, { axis: -1 })
}

/** A vector [S] as a carry; it and its parts may have axes in front. */
export function unflatten(state: FlatState, vector: Ref, front: readonly Dim[] = []): Tree<Ref> {
  return grow(
    state.parts.map(
      ({ name, shape, start, size }) =>
        [
          name,
          reshape(slice(vector, { axis: front.length, start, size }), { shape: [...front, ...shape] }),
        ] as const,
    ),
  )
}

type StepRefs = {
  readonly params: Tree<Ref>
  readonly carry: Tree<Ref>
  readonly x: Ref
  /** The target's shape for an output's; the same, where not given. */
  readonly target?: Ref
  readonly pick?: Tree<Ref>
}

/** One step of one example as a graph: params, carry, x → the next carry and y. */
export function stepGraph(cell: Cell): Graph {
  return graph(stepInputs(cell), refs => {
    const { params, carry, x } = refs as unknown as StepRefs
    const [next, y] = cell.step(params, carry, x)
    return { carry: next, y } as Tree<Ref>
  }) as Graph
}

/**
 * The direct derivative of a step's loss, with further inputs `target` and `next`, the carry after the step: by params and carry as far
 * as y depends on them otherwise than through the next carry, and by the next carry.
 */
export function lossSlope(cell: Cell, loss: Loss): Graph {
  const step = stepGraph(cell)
  const target = [1, ...(loss.target?.(cell.output) ?? cell.output)]
  const made = graph({ ...stepInputs(cell), target, next: cell.carry }, refs => {
    const { target: wanted, next, ...at } = refs as unknown as StepRefs & { readonly next: Tree<Ref> }
    const y = outputFrom(step, new Map(leaves(at as Tree<Ref>, isRef, cell.name)), next)
    return { loss: sum(loss(reshape(y, { shape: [1, ...y.shape] }), wanted!)) }
  })
  return gradient(made as Graph, { of: 'loss', by: ['params', 'carry', 'next'] }) as Graph
}

/** Copies a step with `next` in the place of the carry it makes; y. A carry that goes on unchanged is read as it came. */
export function outputFrom(step: Graph, inputs: ReadonlyMap<string, Ref>, next: Tree<Ref>): Ref {
  const given = refsOf(next, 'step')
  const own = new Set(step.inputs.map(({ value }) => value))
  const known = new Map(
    step.outputs.flatMap(({ name, value }) =>
      name.startsWith('carry.') && !own.has(value)
        ? [[value, given.get(name.slice('carry.'.length))!] as const]
        : [],
    ),
  )
  const refs = copyPart(step, { inputs, known })
  return refs[step.outputs.find(({ name }) => name === 'y')!.value]!
}

/** Pulls `pick`, a cotangent of the next carry, back to params and carry: one row of [∂h'/∂θ, ∂h'/∂h]. */
export function pullback(cell: Cell): Graph {
  const made = graph({ ...stepInputs(cell), pick: cell.carry }, refs => {
    const { params, carry, x, pick } = refs as unknown as StepRefs
    const [next] = cell.step(params, carry, x)
    const picks = new Map(leaves(pick as Tree<Ref>, isRef, cell.name))
    const dots = leaves(next, isRef, cell.name).map(([name, value]) => total(value, picks.get(name)!))
    return { dot: dots.reduce((all, one) => add(all, one)) }
  })
  return gradient(made as Graph, { of: 'dot', by: ['params', 'carry'] }) as Graph
}

const total = (a: Ref, b: Ref): Ref => (a.shape.length === 1 ? dot(a, b) : sum(mul(a, b)))

function stepInputs(cell: Cell): {
  readonly params: Tree<Shape>
  readonly carry: Tree<Shape>
  readonly x: Shape
} {
  if (leavesOf(cell.params, cell.name).length === 0 || leavesOf(cell.carry, cell.name).length === 0)
    throw new GraphError(
      'no-state',
      cell.name,
      'has no params or no carry; influence is that of parameters on a carry',
    )
  return { params: cell.params, carry: cell.carry, x: cell.input }
}
