import {
  filled,
  GraphError,
  isShape,
  isTensor,
  leaves,
  mapTree,
  type Shape,
  type Tensor,
  type Tree,
} from '@bptt/graph'
import { lagGraph, adaptive as scheduleOf } from '@bptt/unroll'
import type { Estimator, Probe, Site } from '../estimator.js'
import { columns } from '../grid.js'
import type { CutEdge, Notes, Segment } from '../window.js'
import { segmentMethod } from './segments.js'

/** How adaptive truncation chooses the length of its segments. */
export interface AdaptiveSettings {
  /** The relative bias that is aimed at, δ in (0, 1). */
  readonly bias: number
  /** Lengths are in [min, max], whole numbers of events ≥ 1; `min` is 1 where not given. Credit is measured over `max` lags. */
  readonly max: number
  readonly min?: number
  /** One window of every so many is measured; a whole number ≥ 1, 20 where not given. */
  readonly every?: number
}

/**
 * Block truncation whose length follows the stream: the shortest whose estimated relative bias is no more than `bias` [aicher2019].
 *
 * Now and then a window is `max` events long, and before it is learned from |∂L_t/∂h_{t−k}| of its last loss is measured for all lags k:
 * one more pass back. Their averages over the last ten or so measurements (and over lanes) choose the length of the windows to
 * come, as `adaptive` of `@bptt/unroll` does. What was measured is part of every snapshot.
 * @throws GraphError `bad-schedule`; `no-state` where the model has no carry.
 * @category Start here
 */
export function adaptive({ bias, max, min = 1, every = 20 }: AdaptiveSettings): Estimator {
  scheduleOf({ bias, norms: [1], min, max }) // settings that are none are refused here
  if (!(Number.isInteger(every) && every >= 1))
    throw new GraphError(
      'bad-schedule',
      'adaptive',
      `every is ${every}; one window of a whole number ≥ 1 is measured`,
    )
  return {
    text: `adaptive(bias ${bias}, ${min} to ${max}, every ${every})`,
    cuts: {
      weight: ({ age }: CutEdge, notes) => (age >= lengthOf(notes ?? start(max), max) ? 0 : 1),
      endsAtReset: true,
      notes: start(max),
    },
    method: segmentMethod,
    probe: site => ({
      ...measurement(site),
      when: isDue,
      next: (notes, measured) => {
        const norms = measured.reduce<Norms>(
          (known, found) => learned(known, normsByLag(found)),
          normsOf(notes),
        )
        const { length } = norms.mean
        const K = length === 0 ? max : scheduleOf({ bias, norms: norms.mean, min, max }).K
        return { K, due: isDue(notes) ? every - 1 : (notes['due'] as number) - 1, ...norms }
      },
    }),
  }
}

/** Before the first window: it is measured. */
const start = (max: number): Notes => ({ K: max, due: 0, mean: [], count: [] })

/** True where the window that is cut next is measured. */
const isDue = (notes: Notes): boolean => notes['due'] === 0

const lengthOf = (notes: Notes, max: number): number => (isDue(notes) ? max : (notes['K'] as number))

/** Average norms by lag, lag 0 first, and how many measurements each stands for. */
type Norms = { readonly mean: readonly number[]; readonly count: readonly number[] }

const normsOf = (notes: Notes): Norms => ({
  mean: notes['mean'] as readonly number[],
  count: notes['count'] as readonly number[],
})

/** Measurements that an average stands for at most: older ones fade. */
const MEMORY = 10

/** The averages with one more measurement, which is left out where it is not finite. */
function learned(known: Norms, norms: readonly number[]): Norms {
  if (!norms.every(Number.isFinite)) return known
  const [mean, count] = [[...known.mean], [...known.count]]
  norms.forEach((norm, k) => {
    const n = Math.min((count[k] ?? 0) + 1, MEMORY)
    mean[k] = (mean[k] ?? 0) + (norm - (mean[k] ?? 0)) / n
    count[k] = n
  })
  return { mean, count }
}

/** |∂L_T/∂h_{T−k}| for k = 0 … T − 1, over the whole carry. */
function normsByLag(found: Tree<Tensor>): readonly number[] {
  const { gradient } = found as unknown as { readonly gradient: { readonly probe: Tree<Tensor> } }
  const rows = leaves<Tensor>(gradient.probe, isTensor, 'probe').map(([, value]) => value)
  const T = rows[0]!.shape[0]!
  return Array.from({ length: T }, (_, k) =>
    Math.sqrt(rows.reduce((total, row) => total + squares(row, T - 1 - k), 0)),
  )
}

function squares({ shape, data }: Tensor, row: number): number {
  const size = data.length / shape[0]!
  return data.subarray(row * size, (row + 1) * size).reduce((total, x) => total + x * x, 0)
}

/** The derivative of the last loss by the states before it, for every lane by itself. */
function measurement({ model, loss }: Site): Pick<Probe, 'graph' | 'inputs'> {
  const read = columns({ model, loss, lanes: 1 })
  return {
    graph: lagGraph(model, loss, { steps: 'T', batch: 1 }),
    inputs: (window, { params, carry }) =>
      window.lanes.flatMap((lane, i) => {
        const samples = firstPart(lane)
        const T = samples.length
        if (T === 0) return []
        const alone = { lanes: [{ first: 1, samples, credit: [] }] }
        const zeros = (shape: Shape): Tensor => filled([T, 1, ...(shape as readonly number[])], 0)
        const weights = filled([T], 0)
        weights.data[T - 1] = 1
        return {
          ...{ params, carry: carryOf(carry, i, samples[0]!.reset === true), weights },
          ...{
            xs: read.xs(alone),
            targets: read.targets(alone),
            probe: mapTree(model.carry, isShape, zeros),
          },
        }
      }),
  }
}

/** A lane's events up to the first cut or reset: those that the carry before the window leads to. */
function firstPart({ samples, credit }: Segment): Segment['samples'] {
  const end = samples.findIndex(({ reset }, i) => i > 0 && (reset === true || credit[i] === 0))
  return end < 0 ? samples : samples.slice(0, end)
}

/** One lane's carry, [1, ...]; zero where it begins anew. */
function carryOf(carry: Tree<Tensor>, lane: number, anew: boolean): Tree<Tensor> {
  return mapTree(carry, isTensor, ({ shape: [lanes, ...shape], data }) => {
    const size = data.length / lanes!
    const row = data.slice(lane * size, (lane + 1) * size)
    return { shape: [1, ...shape], data: anew ? row.fill(0) : row }
  })
}
