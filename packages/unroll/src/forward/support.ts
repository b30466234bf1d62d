import { evaluate, GraphError, sizeOf, type Tensor, type Values } from '@bptt/graph'
import type { Cell } from '../cell.js'
import { isWhole, shown } from '../checks.js'
import { coin } from '../coin.js'
import { tensorsOf, treeOf } from '../numbers.js'
import { jacobianGraph } from './jacobian.js'
import { flatState, leavesOf } from './step.js'

/** 1 where a number of the state belongs to the same unit as another, [S, S]. */
export function unitMask(cell: Cell): Tensor {
  const { size, parts } = flatState(cell)
  const unit = parts.flatMap(part => {
    const width = part.shape.at(-1) ?? 1
    return Array.from({ length: part.size }, (_, i) => i % width)
  })
  return {
    shape: [size, size],
    data: Float64Array.from({ length: size * size }, (_, k) =>
      unit[Math.floor(k / size)] === unit[k % size] ? 1 : 0,
    ),
  }
}

/**
 * 1 where a parameter can influence a number of the state within n steps, [S, P] by parameter.
 * @throws GraphError `bad-order`.
 */
export function snapMask(cell: Cell, n = 1): ReadonlyMap<string, Tensor> {
  if (!isWhole(n, 1))
    throw new GraphError(
      'bad-order',
      'snap',
      `order is ${shown(n)}; SnAp keeps influence of a whole number of steps ≥ 1`,
      'order 1 is the cheapest, rtrl keeps all',
    )
  const { state, params } = support(cell)
  let mask = params
  for (let k = 1; k < n; k++)
    mask = new Map([...mask].map(([name, own]) => [name, union(params.get(name)!, reached(state, own))]))
  return mask
}

/** Where J and ∂h'/∂θ are not zero at three random points. */
function support(cell: Cell): { readonly state: Tensor; readonly params: ReadonlyMap<string, Tensor> } {
  const made = jacobianGraph(cell)
  const points = [1, 2, 3].map(seed => tensorsOf(evaluate(made, pointOf(cell, seed))))
  const nonzero = (name: string): Tensor =>
    points
      .map(point => point.get(name)!)
      .map(({ shape, data }): Tensor => ({ shape, data: data.map(x => (x === 0 ? 0 : 1)) }))
      .reduce(union)
  return {
    state: nonzero('state'),
    params: new Map(
      leavesOf(cell.params, cell.name).map(([name]) => [
        name,
        withUnread(nonzero(`params.${name.replaceAll('.', '/')}`)),
      ]),
    ),
  }
}

/** A mask [S, P] where numbers that no point reads, as most rows of an embedding, act on all that others of their parameter act on. */
function withUnread({ shape, data }: Tensor): Tensor {
  const width = shape[1]!
  const read = new Set<number>()
  const reached = new Set<number>()
  data.forEach((x, k) => {
    if (x === 0) return
    read.add(k % width)
    reached.add(Math.floor(k / width))
  })
  return {
    shape,
    data: data.map((x, k) => (!read.has(k % width) && reached.has(Math.floor(k / width)) ? 1 : x)),
  }
}

function pointOf(cell: Cell, seed: number): Values {
  let stream = 0
  const drawn = (shape: readonly number[]): Tensor => {
    stream++
    return {
      shape,
      data: Float64Array.from({ length: sizeOf(shape) }, (_, i) => 2 * coin(seed, stream, i) - 1),
    }
  }
  const tree = (shapes: Cell['params']): unknown =>
    treeOf(new Map(leavesOf(shapes, cell.name).map(([name, shape]) => [name, drawn(shape)])))
  const scalar = cell.input.length === 0
  return {
    params: tree(cell.params),
    carry: tree(cell.carry),
    x: scalar ? 0 : drawn(cell.input as number[]),
  } as Values
}

const union = (a: Tensor, b: Tensor): Tensor => ({
  shape: a.shape,
  data: a.data.map((x, i) => Math.max(x, b.data[i]!)),
})

/** 1 where J · M can be other than zero. */
function reached({ shape, data }: Tensor, mask: Tensor): Tensor {
  const [S, P] = [shape[0]!, mask.shape[1]!]
  const out = new Float64Array(S * P)
  for (let i = 0; i < S; i++)
    for (let j = 0; j < S; j++)
      if (data[i * S + j] !== 0)
        for (let p = 0; p < P; p++) if (mask.data[j * P + p] !== 0) out[i * P + p] = 1
  return { shape: mask.shape, data: out }
}
