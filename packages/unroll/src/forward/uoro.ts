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
  type Shape,
  scan,
  sizeOf,
  sqrt,
  sum,
  type Tree,
  tangent,
} from '@bptt/graph'
import type { Cell } from '../cell.js'
import { shown } from '../checks.js'
import {
  byPlace,
  directSlope,
  entered,
  type ForwardOptions,
  type ForwardRefs,
  forwardInputs,
  lossAt,
  type Now,
  shaped,
  stepped,
  stepsOf,
  times,
} from './influence.js'
import {
  type FlatState,
  flatState,
  flatten,
  leavesOf,
  lossSlope,
  pullback,
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
 * @throws GraphError `no-state`, `bad-steps`; `bad-ratio` where a ratio is not > 0.
 */
export function uoro(cell: Cell, options: UoroOptions): Graph {
  const { ratios = [1, 1] } = options
  if (ratios.length !== 2 || ratios.some(ratio => !Number.isFinite(ratio) || ratio <= 0))
    throw new GraphError(
      'bad-ratio',
      'uoro',
      `ratios are ${ratios.map(shown).join(', ')}; r0 and r1 are two numbers > 0`,
      'leave ratios out to balance the norms, as the authors do',
    )
  const parts = partsOf(cell, options)
  const { state, names } = parts
  const own = forwardInputs(cell, options, uoroInfluenceOf(cell)) as object
  const inputs = { ...own, signs: [options.steps, state.size] }
  return graph(inputs as never, refs => {
    const given = refs as unknown as ForwardRefs
    const zero = (size: number): Ref =>
      given.xs.builder.constant({ shape: [size], data: new Float64Array(size) })
    const zeros = (): Record<string, Ref> =>
      Object.fromEntries(names.map(([, shape], i) => [`p${i}`, zero(sizeOf(shape))]))
    const [end] = scan(
      ((carry: Carried, now: Signed) => [advance(parts, given.params, carry, now), {}]) as never,
      {
        carry: {
          state: given.carry,
          s: (given.influence?.['s'] as Ref | undefined) ?? zero(state.size),
          theta: (given.influence?.['theta'] as Carried['theta'] | undefined) ?? zeros(),
          gradient: zeros(),
          loss: given.xs.builder.constant(0),
        },
        xs: { ...(stepsOf(given, options) as object), signs: given.signs! } as never,
        length: options.steps,
      },
    )
    const { state: carry, gradient, loss, s, theta } = end as unknown as Carried
    const made = { loss, carry, gradient: { params: shaped(names, gradient) } }
    return (options.carried ? { ...made, influence: { s, theta } } : made) as Tree<Ref>
  }) as Graph
}

/** Shapes of the two vectors that UORO carries on: `s` [S], and `theta` by parameter, `p0`, `p1`, … in their order. */
export function uoroInfluenceOf(cell: Cell): { readonly s: readonly number[]; readonly theta: Tree<Shape> } {
  const { size } = flatState(cell)
  const theta = leavesOf(cell.params, cell.name).map(([, shape], i) => [`p${i}`, [sizeOf(shape)]] as const)
  return { s: [size], theta: Object.fromEntries(theta) }
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

interface Signed extends Now {
  readonly signs: Ref
}

function advance(parts: Parts, params: Tree<Ref>, carried: Carried, now: Signed): Carried {
  const { x, target, signs, credit, weight, reset } = now
  const at = { params, carry: entered(carried.state, reset), x }
  const s = times(entered(carried.s, reset) as Ref, credit)
  const theta = entered(carried.theta, reset) as Carried['theta']
  const [next, y] = stepped(parts.step, at)
  const after = mixed(parts, at, { s, theta, signs })
  const direct = directSlope(parts, { ...at, next }, target)
  const [old, young] = [dot(direct.carry, s), dot(direct.next, after.s)]
  const gradient = parts.names.map(([name], i) => {
    const far = add(mul(theta[`p${i}`]!, old), mul(after.theta[`p${i}`]!, young))
    return add(carried.gradient[`p${i}`]!, times(add(direct.params.get(name)!, far), weight))
  })
  return {
    state: next,
    ...after,
    gradient: byPlace(gradient),
    loss: add(carried.loss, times(lossAt(parts.options.loss, y, target), weight)),
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
