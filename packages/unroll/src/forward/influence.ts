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
  mapTree,
  matmul,
  mul,
  type Ref,
  reshape,
  type Shape,
  scan,
  sizeOf,
  type Tensor,
  type Tree,
  where,
} from '@bptt/graph'
import type { Cell } from '../cell.js'
import { checkStepsOrAxis } from '../checks.js'
import { flagsChecked } from '../flags.js'
import { jacobians } from './jacobian.js'
import { type FlatState, flatState, flatten, leavesOf, lossSlope, pullback, stepGraph } from './step.js'

/** What a forward-mode gradient is made from. */
export interface ForwardOptions {
  /** Number of steps, or the name of an axis. */
  readonly steps: Dim
  /** The loss of every step. */
  readonly loss: Loss
  /** Adds input `credit`, of shape `[steps]`, the weight of the edge into each step, as of a timeline. 0 forgets all influence. */
  readonly credit?: boolean
  /** Adds input `weights` [steps], which multiply the losses. */
  readonly weighted?: boolean
  /** Adds input `reset` [steps] of 0 and 1: before a step with 1 the carry is zero, and all influence is forgotten. */
  readonly resets?: boolean
  /** Takes `reset` for 0 and 1 without looking, as of a timeline. */
  readonly unchecked?: boolean
  /** Adds input and output `influence`, shaped as `influenceOf` says: it goes on from one run to the next, and is zero before the first. */
  readonly carried?: boolean
}

/** Shapes of the influence that RTRL and SnAp carry on: [S, P] per parameter, `p0`, `p1`, … in their order. */
export function influenceOf(cell: Cell): Readonly<Record<string, readonly number[]>> {
  const { size } = flatState(cell)
  return Object.fromEntries(
    leavesOf(cell.params, cell.name).map(([, shape], i) => [`p${i}`, [size, sizeOf(shape)]]),
  )
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
  return graph(forwardInputs(cell, options, influenceOf(cell)), refs => {
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
          influence: given.influence ?? zeros([state.size]),
          gradient: zeros([]),
          loss: home.constant(0),
        },
        xs: stepsOf(given, options) as never,
        length: options.steps,
      },
    )
    return results(parts, end as unknown as Carried, options)
  }) as Graph
}

/**
 * Inputs of a forward-mode gradient.
 * @throws GraphError `bad-steps`.
 */
export function forwardInputs(
  cell: Cell,
  { steps, loss, credit, weighted, resets, carried }: ForwardOptions,
  influenceShapes: Tree<Shape>,
): Tree<Shape> {
  checkStepsOrAxis('forward mode', steps)
  return {
    params: cell.params,
    carry: cell.carry,
    xs: [steps, ...cell.input],
    targets: [steps, ...(loss.target?.(cell.output) ?? cell.output)],
    ...(credit && { credit: [steps] }),
    ...(weighted && { weights: [steps] }),
    ...(resets && { reset: [steps] }),
    ...(carried && { influence: influenceShapes }),
  }
}

/** The sequences that the loop runs along. */
export function stepsOf(given: ForwardRefs, { unchecked }: ForwardOptions): Tree<Ref> {
  const { xs, targets, credit, weights, reset } = unchecked ? given : flagsChecked(given)
  return {
    x: xs,
    target: targets,
    ...(credit && { credit }),
    ...(weights && { weight: weights }),
    ...(reset && { reset }),
  }
}

/** The carry as a step gets it: zero at a reset. */
export const entered = (carry: Tree<Ref>, reset: Ref | undefined): Tree<Ref> =>
  reset === undefined ? carry : mapTree(carry, isRef, value => where(reset, 0, value))

/** A value times a weight, where there is one. */
export const times = (value: Ref, weight: Ref | undefined): Ref =>
  weight === undefined ? value : mul(value, weight)

/** Inputs as refs. */
export interface ForwardRefs {
  readonly params: Tree<Ref>
  readonly carry: Tree<Ref>
  readonly xs: Ref
  readonly targets: Ref
  readonly credit?: Ref
  readonly weights?: Ref
  readonly reset?: Ref
  readonly influence?: Readonly<Record<string, Ref>>
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

/** What a step reads of the sequences. */
export interface Now {
  readonly x: Ref
  readonly target: Ref
  readonly credit?: Ref
  readonly weight?: Ref
  readonly reset?: Ref
}

function advance(parts: Parts, params: Tree<Ref>, carried: Carried, now: Now): Carried {
  const { cell, state, names, kept } = parts
  const { x, target, credit, weight, reset } = now
  const at = { params, carry: entered(carried.state, reset), x }
  const past = entered(carried.influence, reset) as Carried['influence']
  const before = names.map((_, i) => times(past[`p${i}`]!, credit))
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
    const old = contract(direct.carry, before[i]!, { spec: 'S,SP->P' })
    const young = contract(direct.next, after[i]!, { spec: 'S,SP->P' })
    const own = add(direct.params.get(name)!, add(old, young))
    return add(carried.gradient[`p${i}`]!, times(own, weight))
  })
  return {
    state: next,
    influence: byPlace(after),
    gradient: byPlace(gradient),
    loss: add(carried.loss, times(lossAt(parts.loss, y, target), weight)),
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

function results(
  { names }: Parts,
  { state, gradient, loss, influence: kept }: Carried,
  { carried }: ForwardOptions,
): Tree<Ref> {
  const made = { loss, carry: state, gradient: { params: shaped(names, gradient) } }
  return (carried ? { ...made, influence: kept } : made) as Tree<Ref>
}

/** Vectors by place as params by name. */
export function shaped(names: Parts['names'], vectors: Readonly<Record<string, Ref>>): Tree<Ref> {
  return grow(names.map(([name, shape], i) => [name, reshape(vectors[`p${i}`]!, { shape })] as const))
}
