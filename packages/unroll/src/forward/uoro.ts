import {
  add,
  div,
  dot,
  type Graph,
  GraphError,
  graph,
  inline,
  isRef,
  leaves,
  mul,
  type Ref,
  reshape,
  scan,
  sqrt,
  sum,
  type Tree,
  tangent,
} from '@bptt/graph'
import type { Cell } from '../cell.js'
import {
  byPlace,
  directSlope,
  type ForwardOptions,
  type ForwardRefs,
  forwardInputs,
  lossAt,
  shaped,
  stepped,
} from './influence.js'
import {
  type FlatState,
  flatState,
  flatten,
  leavesOf,
  lossSlope,
  pullback,
  sizeOf,
  stepGraph,
  unflatten,
} from './step.js'

/** How UORO balances the two vectors whose product stands for the influence. */
export interface UoroOptions extends ForwardOptions {
  /** Fixed r0, r1 > 0; where not given, from the norms, as the authors do. Neither changes the mean. */
  readonly ratios?: readonly [r0: number, r1: number]
}

/**
 * Unbiased online recurrent optimization: the influence is a random product of two vectors, M ≈ s̃ θ̃ᵀ [tallec-ollivier2018].
 *
 * s̃' = r0 J s̃ + r1 ν, θ̃' = θ̃/r0 + νᵀ(∂h'/∂θ)/r1 with random signs ν, input `signs` [steps, S] of ±1. The mean over all signs
 * is RTRL; the variance grows with S. Costs a step forward and one back, O(S + P) memory. Otherwise as `rtrl`.
 * @throws GraphError `no-state`; `bad-ratio` where a ratio is not > 0.
 */
export function uoro(cell: Cell, options: UoroOptions): Graph {
  const bad = options.ratios?.find(ratio => !(ratio > 0))
  if (bad !== undefined)
    throw new GraphError('bad-ratio', 'uoro', `a ratio is ${bad}; r0 and r1 are numbers > 0`)
  const parts = partsOf(cell, options)
  const { state, names } = parts
  const inputs = { ...(forwardInputs(cell, options) as object), signs: [options.steps, state.size] }
  return graph(inputs as never, refs => {
    const given = refs as unknown as ForwardRefs
    const zero = (size: number): Ref =>
      given.xs.builder.constant({ shape: [size], data: new Float64Array(size) })
    const zeros = (): Record<string, Ref> =>
      Object.fromEntries(names.map(([, shape], i) => [`p${i}`, zero(sizeOf(shape))]))
    const [end] = scan(
      ((carry: Carried, now: Now) => [advance(parts, given.params, carry, now), {}]) as never,
      {
        carry: {
          state: given.carry,
          s: zero(state.size),
          theta: zeros(),
          gradient: zeros(),
          loss: given.xs.builder.constant(0),
        },
        xs: {
          x: given.xs,
          target: given.targets,
          signs: given.signs!,
          ...(given.credit && { credit: given.credit }),
        } as never,
        length: options.steps,
      },
    )
    const { state: carry, gradient, loss } = end as unknown as Carried
    return { loss, carry, gradient: { params: shaped(names, gradient) } } as Tree<Ref>
  }) as Graph
}

interface Parts {
  readonly cell: Cell
  readonly state: FlatState
  readonly names: readonly (readonly [string, readonly number[]])[]
  readonly pull: Graph
  readonly push: Graph
  readonly step: Graph
  readonly slope: Graph
  readonly options: UoroOptions
}

function partsOf(cell: Cell, options: UoroOptions): Parts {
  const step = stepGraph(cell)
  return {
    cell,
    state: flatState(cell),
    names: leavesOf(cell.params, cell.name),
    pull: pullback(cell),
    push: tangent(step, { by: ['carry'] }) as Graph,
    step,
    slope: lossSlope(cell, options.loss),
    options,
  }
}

interface Carried {
  readonly state: Tree<Ref>
  readonly s: Ref
  readonly theta: Readonly<Record<string, Ref>>
  readonly gradient: Readonly<Record<string, Ref>>
  readonly loss: Ref
}

interface Now {
  readonly x: Ref
  readonly target: Ref
  readonly signs: Ref
  readonly credit?: Ref
}

function advance(
  parts: Parts,
  params: Tree<Ref>,
  carried: Carried,
  { x, target, signs, credit }: Now,
): Carried {
  const at = { params, carry: carried.state, x }
  const s = credit === undefined ? carried.s : mul(carried.s, credit)
  const [next, y] = stepped(parts.step, at)
  const after = mixed(parts, at, { s, theta: carried.theta, signs })
  const direct = directSlope(parts, { ...at, next }, target)
  const [past, now] = [dot(direct.carry, s), dot(direct.next, after.s)]
  const gradient = parts.names.map(([name], i) => {
    const own = add(mul(carried.theta[`p${i}`]!, past), mul(after.theta[`p${i}`]!, now))
    return add(carried.gradient[`p${i}`]!, add(direct.params.get(name)!, own))
  })
  return {
    state: next,
    ...after,
    gradient: byPlace(gradient),
    loss: add(carried.loss, lossAt(parts.options.loss, y, target)),
  }
}

/** The two vectors after a step. */
function mixed(
  { cell, state, names, push, pull, options }: Parts,
  at: object,
  { s, theta, signs }: { readonly s: Ref; readonly theta: Carried['theta']; readonly signs: Ref },
): Pick<Carried, 's' | 'theta'> {
  const pushed = new Map(
    leaves(
      inline(push, { ...at, tangent: { carry: unflatten(state, s) } } as Tree<Ref>) as Tree<Ref>,
      isRef,
      cell.name,
    ),
  )
  const Js = flatten(
    state,
    new Map(state.parts.map(({ name }) => [name, pushed.get(`tangent.carry.${name}`)!])),
  )
  const pulled = new Map(
    leaves(
      inline(pull, { ...at, pick: unflatten(state, signs) } as Tree<Ref>) as Tree<Ref>,
      isRef,
      cell.name,
    ),
  )
  const local = names.map(([name, shape]) =>
    reshape(pulled.get(`params.${name}`)!, { shape: [sizeOf(shape)] }),
  )
  const old = names.map((_, i) => theta[`p${i}`]!)
  const [r0, r1] = options.ratios ?? [ratio(length(old), length([Js])), ratio(length(local), length([signs]))]
  return {
    s: add(mul(Js, r0), mul(signs, r1)),
    theta: Object.fromEntries(names.map((_, i) => [`p${i}`, add(div(old[i]!, r0), div(local[i]!, r1))])),
  }
}

const TINY = 1e-7

const length = (vectors: readonly Ref[]): Ref =>
  sqrt(vectors.map(vector => sum(mul(vector, vector))).reduce((a, b) => add(a, b)))
const ratio = (a: Ref, b: Ref): Ref => sqrt(div(add(a, TINY), add(b, TINY)))
