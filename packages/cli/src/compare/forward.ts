import {
  compile,
  type Graph,
  GraphError,
  isTensor,
  type Loss,
  leaves,
  mapTree,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import { type Batch, type Cell, coin, rtrl, snap, uoro } from '@bptt/unroll'
import { apart, drawn, inner, type Numbers, type Quality } from './bias.js'
import type { Means } from './contender.js'

type Forward = Extract<Means, { readonly kind: 'forward' }>

/** What gradients are made of. */
interface Site {
  readonly model: Cell
  readonly batch: Batch
  readonly loss: Loss
  /** Patterns of random signs that are drawn. */
  readonly samples: number
}

/** The quality of a gradient made forward in time, beside that of RTRL, which is full BPTT where parameters stay. */
export function forwardReport(means: Forward, site: Site): Quality {
  const exact = gradients(rtrl, site)(0)
  if (inner(exact, exact) === 0)
    throw new GraphError(
      'no-gradient',
      'compare',
      'the gradient is zero by every parameter; estimators are compared with it',
    )
  if (means.name === 'uoro') return drawn(gradients(uoro, site), exact, site.samples)
  const own = means.name === 'rtrl' ? exact : gradients(snapOf(means.order), site)(0)
  return apart(own, exact)
}

type Make = (cell: Cell, options: { readonly steps: number; readonly loss: Loss }) => Graph

const snapOf =
  (order: number): Make =>
  (cell, options) =>
    snap(cell, { ...options, order })

/** Gradients of a sequence by a graph of forward mode; the random signs of each are its own. */
export function gradients(make: Make, { model, batch, loss }: Site): (which: number) => Numbers {
  const [steps] = batch.xs.shape as readonly [number]
  const graph = make(model, { steps, loss })
  const signs = graph.inputs.find(({ name }) => name === 'signs')
  const [, width = 0] = signs === undefined ? [] : (graph.shapes[signs.value] as readonly number[])
  const program = compile(graph, { dtype: 'float64' })
  const given = {
    params: batch.params,
    carry: mapTree(batch.carry, isTensor, value => without(value, 0)),
    xs: without(batch.xs, 1),
    targets: without(batch.targets, 1),
  }
  return which => {
    const random = signs === undefined ? {} : { signs: signsOf(steps, width, which) }
    const { gradient } = program.run({ ...given, ...random } as never) as unknown as {
      readonly gradient: Tree<Tensor>
    }
    return Float64Array.from(
      leaves<Tensor>(gradient, isTensor, 'gradient').flatMap(([, { data }]) => [...data]),
    )
  }
}

/** A tensor without an axis of length 1. */
const without = ({ shape, data }: Tensor, axis: number): Tensor => ({
  shape: shape.filter((_, i) => i !== axis),
  data,
})

/** Random signs [steps, width], other ones for each `which`. */
const signsOf = (steps: number, width: number, which: number): Tensor => ({
  shape: [steps, width],
  data: Float64Array.from({ length: steps * width }, (_, i) => (coin(which, 0, i) < 0.5 ? -1 : 1)),
})
