import type { Loss } from '@bptt/graph'
import {
  add,
  contract,
  type Dim,
  type Graph,
  graph,
  grow,
  inline,
  isRef,
  leaves,
  matmul,
  mul,
  type Ref,
  reshape,
  type Shape,
  scan,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import type { Cell } from '../cell.js'
import { jacobians } from './jacobian.js'
import {
  type FlatState,
  flatState,
  flatten,
  leavesOf,
  lossSlope,
  pullback,
  sizeOf,
  stepGraph,
} from './step.js'

/** What a forward-mode gradient is made from. */
export interface ForwardOptions {
  /** Number of steps, or the name of an axis. */
  readonly steps: Dim
  /** The loss of every step. */
  readonly loss: Loss
  /** Adds input `credit`, of shape `[steps]`, the weight of the edge into each step, as of a timeline. 0 forgets all influence. */
  readonly credit?: boolean
}

/** What is kept of the influence of parameters on the state. */
export interface Kept {
  /** Multiplies J [S, S]: 0 where one number of the state may not act on another. */
  readonly state?: Tensor
  /** Multiplies the influence [S, P] of a parameter, by name, after every step. */
  readonly params?: ReadonlyMap<string, Tensor>
}

/**
 * The graph of a gradient in forward mode: M_t = J_t M_{t−1} + ∂h_t/∂θ is carried along with the state, and every loss adds
 * its direct derivative times M. Inputs params, carry, xs, targets; outputs `loss`, `gradient.params`, `carry`. One example.
 */
export function influence(cell: Cell, options: ForwardOptions, kept: Kept = {}): Graph {
  const state = flatState(cell)
  const parts = {
    cell,
    state,
    names: leavesOf(cell.params, cell.name),
    kept,
    pull: pullback(cell),
    step: stepGraph(cell),
    slope: lossSlope(cell, options.loss),
    loss: options.loss,
  }
  return graph(forwardInputs(cell, options), refs => {
    const given = refs as unknown as ForwardRefs
    const home = given.xs.builder
    const zeros = (front: readonly number[]): Record<string, Ref> =>
      Object.fromEntries(
        parts.names.map(([, shape], i) => {
          const made = [...front, sizeOf(shape)]
          return [`p${i}`, home.constant({ shape: made, data: new Float64Array(sizeOf(made)) })]
        }),
      )
    const [end] = scan(
      ((carry: Carried, now: Now) => [advance(parts, given.params, carry, now), {}]) as never,
      {
        carry: {
          state: given.carry,
          influence: zeros([state.size]),
          gradient: zeros([]),
          loss: home.constant(0),
        },
        xs: { x: given.xs, target: given.targets, ...(given.credit && { credit: given.credit }) } as never,
        length: options.steps,
      },
    )
    return results(parts, end as unknown as Carried)
  }) as Graph
}

/** Inputs of a forward-mode gradient. */
export function forwardInputs(cell: Cell, { steps, loss, credit }: ForwardOptions): Tree<Shape> {
  return {
    params: cell.params,
    carry: cell.carry,
    xs: [steps, ...cell.input],
    targets: [steps, ...(loss.target?.(cell.output) ?? cell.output)],
    ...(credit && { credit: [steps] }),
  }
}

/** Inputs as refs. */
export interface ForwardRefs {
  readonly params: Tree<Ref>
  readonly carry: Tree<Ref>
  readonly xs: Ref
  readonly targets: Ref
  readonly credit?: Ref
  readonly signs?: Ref
}

interface Parts {
  readonly cell: Cell
  readonly state: FlatState
  readonly names: readonly (readonly [string, readonly number[]])[]
  readonly kept: Kept
  readonly pull: Graph
  readonly step: Graph
  readonly slope: Graph
  readonly loss: Loss
}

interface Carried {
  readonly state: Tree<Ref>
  readonly influence: Readonly<Record<string, Ref>>
  readonly gradient: Readonly<Record<string, Ref>>
  readonly loss: Ref
}

interface Now {
  readonly x: Ref
  readonly target: Ref
  readonly credit?: Ref
}

function advance(parts: Parts, params: Tree<Ref>, carried: Carried, { x, target, credit }: Now): Carried {
  const { cell, state, names, kept } = parts
  const at = { params, carry: carried.state, x }
  const weighted = (value: Ref): Ref => (credit === undefined ? value : mul(value, credit))
  const before = names.map((_, i) => weighted(carried.influence[`p${i}`]!))
  const made = jacobians(cell, state, parts.pull, at)
  const J = kept.state === undefined ? made.state : mul(made.state, kept.state)
  const after = names.map(([name], i) => {
    const grown = add(matmul(J, before[i]! as never), made.params.get(name)!)
    const mask = kept.params?.get(name)
    return mask === undefined ? grown : mul(grown, mask)
  })
  const [next, y] = stepped(parts.step, at)
  const direct = directSlope(parts, { ...at, next }, target)
  const gradient = names.map(([name], i) => {
    const past = contract(direct.carry, before[i]!, { spec: 'S,SP->P' })
    const now = contract(direct.next, after[i]!, { spec: 'S,SP->P' })
    return add(carried.gradient[`p${i}`]!, add(direct.params.get(name)!, add(past, now)))
  })
  return {
    state: next,
    influence: byPlace(after),
    gradient: byPlace(gradient),
    loss: add(carried.loss, lossAt(parts.loss, y, target)),
  }
}

/** Values by place as they are carried: `p0`, `p1`, … */
export const byPlace = (values: readonly Ref[]): Readonly<Record<string, Ref>> =>
  Object.fromEntries(values.map((value, i) => [`p${i}`, value]))

/** One step inside a graph: the next carry, and y. */
export function stepped(step: Graph, at: object): readonly [Tree<Ref>, Ref] {
  const made = inline(step, at as Tree<Ref>) as unknown as { carry: Tree<Ref>; y: Ref }
  return [made.carry, made.y]
}

/** The loss of one step, as a scalar. */
export function lossAt(loss: Loss, y: Ref, target: Ref): Ref {
  const one = (value: Ref): Ref => reshape(value, { shape: [1, ...value.shape] })
  return reshape(loss(one(y), one(target)), { shape: [] })
}

/** The direct derivative of a step's loss, by the carry before and after it and by params, each as a vector. */
export function directSlope(
  { cell, state, names, slope }: Pick<Parts, 'cell' | 'state' | 'names' | 'slope'>,
  at: object,
  target: Ref,
): { readonly carry: Ref; readonly next: Ref; readonly params: ReadonlyMap<string, Ref> } {
  const one = reshape(target, { shape: [1, ...target.shape] })
  const made = inline(slope, { ...at, target: one } as Tree<Ref>)
  const found = new Map(leaves(made as Tree<Ref>, isRef, cell.name))
  const under = (prefix: string): Ref =>
    flatten(state, new Map(state.parts.map(({ name }) => [name, found.get(`${prefix}.${name}`)!])))
  const params = names.map(
    ([name, shape]) => [name, reshape(found.get(`params.${name}`)!, { shape: [sizeOf(shape)] })] as const,
  )
  return { carry: under('carry'), next: under('next'), params: new Map(params) }
}

function results({ names }: Parts, { state, gradient, loss }: Carried): Tree<Ref> {
  return { loss, carry: state, gradient: { params: shaped(names, gradient) } } as Tree<Ref>
}

/** Vectors by place as params by name. */
export function shaped(names: Parts['names'], vectors: Readonly<Record<string, Ref>>): Tree<Ref> {
  return grow(names.map(([name, shape], i) => [name, reshape(vectors[`p${i}`]!, { shape })] as const))
}
