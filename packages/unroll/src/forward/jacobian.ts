import {
  type Graph,
  graph,
  inline,
  isRef,
  leaves,
  type Ref,
  reshape,
  type Shape,
  scan,
  sizeOf,
  type Tree,
} from '@bptt/graph'
import type { Cell } from '../cell.js'
import { type FlatState, flatState, flatten, leavesOf, pullback, unflatten } from './step.js'

/** Jacobians of a step inside a graph: J = ∂h'/∂h [S, S], and ∂h'/∂θ [S, P] per parameter, by name. */
export interface Jacobians {
  readonly state: Ref
  readonly params: ReadonlyMap<string, Ref>
}

/** Appends the Jacobians of one step to a graph: one pullback per number of the state, in a loop. */
export function jacobians(
  cell: Cell,
  state: FlatState,
  pull: Graph,
  at: { readonly params: Tree<Ref>; readonly carry: Tree<Ref>; readonly x: Ref },
): Jacobians {
  const [first] = leaves(at.carry, isRef, cell.name)
  const identity = first![1].builder.constant({
    shape: [state.size, state.size],
    data: identityOf(state.size),
  })
  const names = leavesOf(cell.params, cell.name)
  const [, rows] = scan(
    ((_: unknown, { pick }: { pick: Ref }) => {
      const made = inline(pull, { ...at, pick: unflatten(state, pick) } as Tree<Ref>)
      const slopes = new Map(leaves(made as Tree<Ref>, isRef, cell.name))
      const params = names.map(
        ([name, shape], i) =>
          [`p${i}`, reshape(slopes.get(under('params', name))!, { shape: [sizeOf(shape)] })] as const,
      )
      const own = new Map(state.parts.map(({ name }) => [name, slopes.get(under('carry', name))!]))
      return [{}, { state: flatten(state, own), ...Object.fromEntries(params) }]
    }) as never,
    { carry: {}, xs: { pick: identity } },
  )
  const made = rows as unknown as Record<string, Ref>
  return { state: made['state']!, params: new Map(names.map(([name], i) => [name, made[`p${i}`]!])) }
}

const under = (prefix: string, name: string): string => (name === '' ? prefix : `${prefix}.${name}`)

function identityOf(size: number): Float64Array {
  const data = new Float64Array(size * size)
  for (let i = 0; i < size; i++) data[i * size + i] = 1
  return data
}

/** The Jacobians of one step as a graph: params, carry, x → `state` [S, S] and `params` [S, P] by name. */
export function jacobianGraph(cell: Cell): Graph {
  const [state, pull] = [flatState(cell), pullback(cell)]
  return graph({ params: cell.params, carry: cell.carry, x: cell.input } as Tree<Shape>, refs => {
    const made = jacobians(cell, state, pull, refs as never)
    return {
      state: made.state,
      params: Object.fromEntries([...made.params].map(([name, value]) => [name.replaceAll('.', '/'), value])),
    } as Tree<Ref>
  }) as Graph
}
