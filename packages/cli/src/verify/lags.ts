import type { Tensor } from '@bptt/graph'
import { needTargets } from './base.js'
import { type Case, paramGradsAt } from './case.js'
import { compare, type Finding, type Named, type Pair, pairOf, pairUp } from './compare.js'
import { lagGradients } from './copies.js'
import { type Vectors, vectorsOf } from './probe.js'
import { items, listAt, numberAt, optional, type Spot, tensorAt } from './read.js'

/** Derivatives by lag: one entry a lag k, of all losses by h_{t−k} and by the parameters of step t−k. */
export function checkLags(of: Case): readonly Finding[] {
  const lags = optional(of.spot, 'lags')
  if (lags === undefined) return []
  needTargets(of, 'lags')
  const vectors = vectorsOf(of)
  const byLag = lagGradients(of)
  return Array.from({ length: of.steps + 1 }, (_, k) =>
    compare(of.name, `lag ${k}`, [
      ...vectorPairs(of, lags, vectors, k),
      ...gradientPairs(of, lags, byLag, k),
    ]),
  )
}

function vectorPairs(of: Case, lags: Spot, vectors: Vectors, k: number): readonly Pair[] {
  const at = (name: string, t: number): Spot[] => {
    const list = optional(lags, name)
    return list === undefined ? [] : [items(items(list, of.steps)[t]!, t + 2)[k]!]
  }
  const steps = Array.from({ length: of.steps }, (_, t) => t).filter(t => k <= t + 1)
  return steps.flatMap(t => {
    const got = vectors[t]![k]!
    const name = `[${t}][${k}]`
    return [
      ...at('vectors', t).map(spot => ({ name: `vectors${name}`, got, expected: tensorAt(spot, got.shape) })),
      ...at('norms', t).map(spot => pairOf(`norms${name}`, norm(got.data), numberAt(spot))),
      ...at('norms_per_example', t).map(spot =>
        pairOf(`norms_per_example${name}`, rowNorms(got), [...listAt(spot, of.batch).data]),
      ),
    ]
  })
}

function gradientPairs(of: Case, lags: Spot, byLag: readonly Named[], k: number): readonly Pair[] {
  const got = byLag[k]
  if (got === undefined) return []
  const grads = optional(lags, 'param_grads_by_lag')
  const norms = optional(lags, 'param_grad_norms_by_lag')
  const all = [...got.values()].flatMap(({ data }) => [...data])
  return [
    ...(grads === undefined
      ? []
      : pairUp('param_grads_by_lag: ', got, paramGradsAt(items(grads, of.steps)[k]!, of))),
    ...(norms === undefined
      ? []
      : [pairOf('param_grad_norms_by_lag', norm(all), listAt(norms, of.steps).data[k]!)]),
  ]
}

const norm = (values: Iterable<number>): number => Math.hypot(...values)

const rowNorms = ({ shape, data }: Tensor): readonly number[] => {
  const [count = 0, width = 0] = shape
  return Array.from({ length: count }, (_, b) => norm(data.subarray(b * width, (b + 1) * width)))
}
