import {
  add,
  evaluate,
  type Graph,
  GraphError,
  graph,
  grow,
  isRef,
  isShape,
  type Loss,
  leaves,
  mul,
  type Ref,
  type Shape,
  scan,
  sum,
  type Tensor,
  type Tree,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import type { Cell } from '../cell.js'
import { leavesOf } from '../forward/step.js'
import { tensorsOf } from '../numbers.js'

/** A batch of sequences: xs [T, B, ...], targets [T, B, ...], carry [B, ...]. */
export interface Batch {
  readonly params: Tree<Tensor>
  readonly carry: Tree<Tensor>
  readonly xs: Tensor
  readonly targets: Tensor
}

/** How the losses depend on earlier states. */
export interface LagNorms {
  /** `norms[t − 1][k − 1]` = |∂L_t/∂h_{t−k}| over the whole carry and batch, t = 1..T, k = 1..t; k = t is the initial carry. */
  readonly norms: readonly (readonly number[])[]
  /** The same for each part of the carry on its own, by name. */
  readonly parts: Readonly<Record<string, readonly (readonly number[])[]>>
  /** Mean over t of |∂L_t/∂h_{t−k}|, k = 1..T: φ_k of adaptive truncation. */
  readonly mean: readonly number[]
}

/**
 * The norm of every loss's total derivative by every earlier state, by lag; losses are summed over the batch. The slope
 * of log `mean` is the rate at which credit vanishes or explodes. One reverse pass per loss: O(T²) steps.
 * @throws GraphError `no-state`, `bad-steps`.
 */
export function lagNorms(cell: Cell, { params, carry, xs, targets }: Batch, loss: Loss): LagNorms {
  const names = leavesOf(cell.carry, cell.name)
  const [steps, batch] = [xs.shape[0] ?? 0, xs.shape[1] ?? 0]
  if (names.length === 0)
    throw new GraphError('no-state', cell.name, 'has no carry; lags are those of losses behind a carry')
  if (steps < 1)
    throw new GraphError('bad-steps', 'lagNorms', `xs has ${steps} steps; a timeline has at least one`)
  const slope = probed(cell, loss, { steps, batch, targets: targets.shape })
  const zeros = names.map(([name, shape]) => {
    const whole = [steps, batch, ...shape]
    return [
      `probe.${name}`,
      { shape: whole, data: new Float64Array(whole.reduce((a, b) => a * b, 1)) },
    ] as const
  })
  const byLoss = Array.from({ length: steps }, (_, t) => {
    const weights = new Float64Array(steps).fill(0).fill(1, t, t + 1)
    const made = tensorsOf(
      evaluate(slope, {
        ...flat('params', params),
        ...flat('carry', carry),
        ...Object.fromEntries(zeros),
        xs,
        targets,
        weights,
      } as Values),
    )
    return names.map(([name]) => rowSquares(made.get(`gradient.probe.${name}`)!, t + 1))
  })
  const root = (squares: readonly (readonly number[])[]): readonly (readonly number[])[] =>
    squares.map(row => row.map(Math.sqrt))
  const norms = root(
    byLoss.map(rows => rows[0]!.map((_, k) => rows.reduce((total, row) => total + row[k]!, 0))),
  )
  const parts = Object.fromEntries(names.map(([name], i) => [name, root(byLoss.map(rows => rows[i]!))]))
  return { norms, parts, mean: meanByLag(norms) }
}

const flat = (prefix: string, tree: Tree<Tensor>): Record<string, Tensor> =>
  Object.fromEntries([...tensorsOf(tree)].map(([name, value]) => [`${prefix}.${name}`, value]))

/** Σ over a row, for the rows t … 1 of the first axis: lag 1 first. */
function rowSquares({ shape, data }: Tensor, t: number): readonly number[] {
  const size = data.length / shape[0]!
  return Array.from({ length: t }, (_, k) => {
    const row = data.subarray((t - 1 - k) * size, (t - k) * size)
    return row.reduce((total, x) => total + x * x, 0)
  })
}

function meanByLag(norms: readonly (readonly number[])[]): readonly number[] {
  return norms.map((_, k) => {
    const known = norms.flatMap(row => (row[k] === undefined ? [] : [row[k]]))
    return known.reduce((total, x) => total + x, 0) / known.length
  })
}

/** The gradient of Σ weights_t L_t by zeros that are added to the carry before every step. */
function probed(
  cell: Cell,
  loss: Loss,
  { steps, batch, targets }: { steps: number; batch: number; targets: readonly number[] },
): Graph {
  const front = (shapes: Tree<Shape>, before: readonly number[]): Tree<Shape> =>
    grow(
      leaves(shapes, isShape, cell.name).map(
        ([name, shape]) => [name, [...before, ...shape] as Shape] as const,
      ),
    )
  const inputs = {
    params: cell.params,
    carry: front(cell.carry, [batch]),
    probe: front(cell.carry, [steps, batch]),
    xs: [steps, batch, ...cell.input],
    targets,
    weights: [steps],
  }
  const made = graph(inputs as Tree<Shape>, refs => {
    const all = refs as unknown as {
      params: Tree<Ref>
      carry: Tree<Ref>
      probe: Tree<Ref>
      xs: Ref
      targets: Ref
      weights: Ref
    }
    const step = (
      carry: Tree<Ref>,
      { x, probe }: { x: Ref; probe: Tree<Ref> },
    ): readonly [Tree<Ref>, Ref] => {
      const probes = new Map(leaves(probe, isRef, cell.name))
      const touched = leaves(carry, isRef, cell.name).map(
        ([name, value]) => [name, add(value, probes.get(name)!)] as const,
      )
      return cell.step(all.params, grow(touched), x)
    }
    const [, ys] = scan(step as never, { carry: all.carry, xs: { x: all.xs, probe: all.probe } as never })
    return { loss: sum(mul(sum(loss(ys as unknown as Ref, all.targets), { axis: 1 }), all.weights)) }
  })
  return valueAndGradient(made as Graph, { of: 'loss', by: ['probe'] }) as Graph
}
