import {
  evaluate,
  type Graph,
  sizeOf,
  type Tensor,
  type Tree,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import type { Cell } from '../cell.js'
import type { Square } from '../diagnose/dense.js'
import type { Batch } from '../diagnose/lags.js'
import { jacobianGraph } from '../forward/jacobian.js'
import { flatState, leavesOf, lossSlope, stepGraph } from '../forward/step.js'
import { combined, rowsOf, tensorsOf, treeOf, under } from '../numbers.js'
import { unroll } from '../unroll.js'
import { type Found, lawLoss, type Subject } from './subject.js'

/** The most numbers of a state whose Jacobians the laws look at. */
const MOST = 12

/** Why a law of parameters says nothing of a cell. */
export function hasParams({ cell }: Pick<Subject, 'cell'>): string | undefined {
  return leavesOf(cell.params, cell.name).length > 0 ? undefined : 'it has no parameters'
}

/** Why a law of Jacobians says nothing of a cell: they are of parameters that act on a state, and dense. */
export function smallState({ cell }: Pick<Subject, 'cell'>): string | undefined {
  const { size } = flatState(cell)
  if (size === 0) return 'it has no carry'
  return hasParams({ cell }) ?? (size > MOST ? `its carry has ${size} numbers, more than ${MOST}` : undefined)
}

/** The sequence of the first example, or its first steps, without the batch axis. */
export function single({ values, batch, steps }: Subject, first: number = steps): Values {
  const { params, carry, xs, targets } = values as unknown as Batch
  const pick = (tensor: Tensor, axis: number): Tensor => {
    const inner = sizeOf(tensor.shape.slice(axis + 1))
    const data = tensor.data.filter((_, i) => Math.floor(i / inner) % batch === 0)
    return { shape: tensor.shape.filter((_, i) => i !== axis), data }
  }
  const state = [...tensorsOf(carry)].map(([name, tensor]) => [name, pick(tensor, 0)] as const)
  const flat = Object.fromEntries(state.map(([name, tensor]) => [`carry.${name}`, tensor]))
  const given = Object.fromEntries([...tensorsOf(params)].map(([name, tensor]) => [`params.${name}`, tensor]))
  return {
    ...given,
    ...flat,
    xs: rowsOf(pick(xs, 1), 0, first),
    targets: rowsOf(pick(targets, 1), 0, first),
  } as Values
}

/** A vector of the state's numbers, or a matrix by rows. */
export type Vector = readonly number[]
export type Matrix = readonly Vector[]

/** One step seen as a function: h' = f(h), and the direct derivatives of its loss. */
export interface Link {
  readonly next: Vector
  /** ∂h'/∂h [S, S]. */
  readonly J: Matrix
  /** ∂h'/∂θ by parameter, [S, P]. */
  readonly M: Found
  /** ∂L/∂h and ∂L/∂h', each with the other fixed, and ∂L/∂θ with both. */
  readonly direct: { readonly carry: Vector; readonly next: Vector; readonly params: Found }
}

/** The steps of the first example as functions of the state: link(t, h), t from 0. */
export function linksOf(subject: Subject): (t: number, state: Vector) => Link {
  const { cell } = subject
  const [step, jacobian, slope] = [stepGraph(cell), jacobianGraph(cell), lossSlope(cell, lawLoss(1))]
  const { params, xs, targets } = rowsOfFirst(subject)
  return (t, state) => {
    const at = { params, carry: treeFrom(cell, state), x: xs(t) }
    const next = under(found(step, at), 'carry')
    const slopes = found(slope, { ...at, next: treeOf(next), target: front(targets(t)) })
    const made = found(jacobian, at)
    return {
      next: vectorFrom(cell, next),
      J: rowsFrom(made.get('state')!),
      M: new Map([...under(made, 'params')].map(([name, value]) => [name.replaceAll('/', '.'), value])),
      direct: {
        carry: vectorFrom(cell, under(slopes, 'carry')),
        next: vectorFrom(cell, under(slopes, 'next')),
        params: under(slopes, 'params'),
      },
    }
  }
}

/** The first example's carry before step 1. */
export const startOf = (subject: Subject): Vector =>
  vectorFrom(subject.cell, under(tensorsOf(single(subject)), 'carry'))

/** The links of a run from step to step. */
export function runLinks(subject: Subject): readonly Link[] {
  const link = linksOf(subject)
  let state = startOf(subject)
  return Array.from({ length: subject.steps }, (_, t) => {
    const made = link(t, state)
    state = made.next
    return made
  })
}

function rowsOfFirst(subject: Subject): {
  readonly params: Tree<Tensor>
  readonly xs: (t: number) => Tensor
  readonly targets: (t: number) => Tensor
} {
  const given = tensorsOf(single(subject))
  const row =
    (name: string) =>
    (t: number): Tensor => {
      const { shape, data } = given.get(name)!
      const size = sizeOf(shape.slice(1))
      return { shape: shape.slice(1), data: data.slice(t * size, (t + 1) * size) }
    }
  return { params: treeOf(under(given, 'params'))!, xs: row('xs'), targets: row('targets') }
}

const found = (graph: Graph, values: object): Found => tensorsOf(evaluate(graph, values as Values))
const front = ({ shape, data }: Tensor): Tensor => ({ shape: [1, ...shape], data })

const vectorFrom = (cell: Cell, parts: Found): Vector =>
  flatState(cell).parts.flatMap(({ name }) => [...parts.get(name)!.data])

const treeFrom = (cell: Cell, state: Vector): Tree<Tensor> =>
  treeOf(
    new Map(
      flatState(cell).parts.map(({ name, shape, start, size }) => [
        name,
        { shape, data: Float64Array.from(state.slice(start, start + size)) },
      ]),
    ),
  )!

/** The rows of a matrix. */
export function rowsFrom({ shape, data }: Tensor): Matrix {
  const width = shape[1]!
  return Array.from({ length: shape[0]! }, (_, i) => [...data.subarray(i * width, (i + 1) * width)])
}

/** a + b. */
export const plus = (a: Vector, b: Vector): Vector => a.map((x, i) => x + b[i]!)
/** A x. */
export const times = (A: Matrix, x: Vector): Vector =>
  A.map(row => row.reduce((sum, a, j) => sum + a * x[j]!, 0))
/** Aᵀ. */
export const transposed = (A: Matrix): Matrix => A[0]!.map((_, j) => A.map(row => row[j]!))

/** q_t = ∂L_t/∂h_t + ∂L_(t+1)/∂h_t, what losses say of h_t directly. */
export function injections(links: readonly Link[]): readonly Vector[] {
  return links.map(({ direct }, t) => {
    const later = links[t + 1]
    return later === undefined ? direct.next : plus(direct.next, later.direct.carry)
  })
}

/** Σ d_t ∂h_t/∂θ: the gradient that credit d_t on the states gives, by parameter. */
export function throughStates(links: readonly Link[], credit: readonly Vector[]): Found {
  return new Map(
    [...links[0]!.M].map(([name, { shape }]) => {
      const width = shape[1]!
      const data = new Float64Array(width)
      links.forEach(({ M }, t) => {
        M.get(name)!.data.forEach((value, i) => {
          data[i % width]! += credit[t]![Math.floor(i / width)]! * value
        })
      })
      return [name, { shape: [width], data }]
    }),
  )
}

/** Σ ∂L_t/∂θ with all states fixed, as flat as `throughStates`. */
export function besideStates(links: readonly Link[]): Found {
  return new Map(
    [...links[0]!.direct.params].map(([name, { data }]) => {
      const total = data.map((_, i) =>
        links.reduce((sum, { direct }) => sum + direct.params.get(name)!.data[i]!, 0),
      )
      return [name, { shape: [data.length], data: total }]
    }),
  )
}

/** Every leaf as a vector. */
export const flattened = (leaves: Found): Found =>
  new Map([...leaves].map(([name, { data }]) => [name, { shape: [data.length], data }]))

/** a + b, leaf by leaf. */
export const total = (a: Found, b: Found): Found =>
  combined([
    [1, a],
    [1, b],
  ])

/** A square matrix by rows, as one vector. */
export const squareOf = (J: Matrix): Square => ({ n: J.length, data: Float64Array.from(J.flat()) })

/** The gradient of the first example by the engine, or of its first steps: by params, every leaf a vector, and by the carry, as one vector. */
export function firstGradient(
  subject: Subject,
  steps: number = subject.steps,
): { readonly params: Found; readonly carry: Vector } {
  const { cell } = subject
  const given = single(subject, steps)
  const by = [...new Set(Object.keys(given).map(name => name.split('.')[0]!))].filter(name =>
    ['params', 'carry'].includes(name),
  )
  const { graph } = unroll(cell, { steps, loss: lawLoss(1) })
  const slope = valueAndGradient(graph as Graph, { of: 'loss', by }) as Graph
  const made = under(tensorsOf(evaluate(slope, given)), 'gradient')
  return { params: flattened(under(made, 'params')), carry: vectorFrom(cell, under(made, 'carry')) }
}
