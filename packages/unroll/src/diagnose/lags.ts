import {
  add,
  compile,
  type Dim,
  type Graph,
  GraphError,
  graph,
  grow,
  inline,
  isRef,
  isShape,
  type Loss,
  leaves,
  mapTree,
  mul,
  type Ref,
  type Shape,
  scan,
  sizeOf,
  sum,
  type Tensor,
  type Tree,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import type { Cell } from '../cell.js'
import { checkCell, checkInputs, checkSteps } from '../checks.js'
import { leavesOf, outputFrom } from '../forward/step.js'
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
  /** `norms[t − 1][k]` = |∂L_t/∂h_{t−k}| over the whole carry and batch, t = 1..T, k = 0..t; h_t is the carry after step t, h_0 the initial one. */
  readonly norms: readonly (readonly number[])[]
  /** The same for each part of the carry on its own, by name. */
  readonly parts: Readonly<Record<string, readonly (readonly number[])[]>>
  /** Mean over t of |∂L_t/∂h_{t−k}|, k = 0..T: φ_k of adaptive truncation. */
  readonly mean: readonly number[]
}

/**
 * The norm of every loss's total derivative by every state up to its own, by lag; losses are summed over the batch. The slope
 * of log `mean` is the rate at which credit vanishes or explodes. The parts of a carry are independent numbers: where an LSTM puts
 * out h, its c has no credit at lag 0. One reverse pass per loss: O(T²) steps.
 * @throws GraphError `bad-cell`, `no-state`, `bad-steps`, `shape`.
 */
export function lagNorms(cell: Cell, { params, carry, xs, targets }: Batch, loss: Loss): LagNorms {
  checkCell('lagNorms', cell)
  checkInputs('lagNorms', xs, { front: ['T', 'B'], input: cell.input })
  const names = leavesOf(cell.carry, cell.name)
  const [steps, batch] = [xs.shape[0]!, xs.shape[1]!]
  checkSteps('lagNorms', steps)
  const slope = lagGraph(cell, loss, { steps, batch, targets: targets.shape })
  const zeros = names.map(([name, shape]) => {
    const whole = [steps, batch, ...shape]
    return [`probe.${name}`, { shape: whole, data: new Float64Array(sizeOf(whole)) }] as const
  })
  const { run } = compile(slope, { dtype: 'float64' })
  const byLoss = Array.from({ length: steps }, (_, t) => {
    const weights = new Float64Array(steps).fill(0).fill(1, t, t + 1)
    const made = tensorsOf(
      run({
        ...flat('params', params),
        ...flat('carry', carry),
        ...Object.fromEntries(zeros),
        xs,
        targets,
        weights,
      } as Values),
    )
    return names.map(([name]) => [
      ...rowSquares(made.get(`gradient.probe.${name}`)!, t + 1),
      squares(made.get(`gradient.carry.${name}`)!.data),
    ])
  })
  const root = (rows: readonly (readonly number[])[]): readonly (readonly number[])[] =>
    rows.map(row => row.map(Math.sqrt))
  const norms = root(
    byLoss.map(rows => rows[0]!.map((_, k) => rows.reduce((total, row) => total + row[k]!, 0))),
  )
  const parts = Object.fromEntries(names.map(([name], i) => [name, root(byLoss.map(rows => rows[i]!))]))
  return { norms, parts, mean: meanByLag(norms) }
}

const flat = (prefix: string, tree: Tree<Tensor>): Record<string, Tensor> =>
  Object.fromEntries([...tensorsOf(tree)].map(([name, value]) => [`${prefix}.${name}`, value]))

const squares = (data: Tensor['data']): number => data.reduce((total, x) => total + x * x, 0)

/** Σ x² over a row, for the rows t … 1 of the first axis: lag 0 first. */
function rowSquares({ shape, data }: Tensor, t: number): readonly number[] {
  const size = data.length / shape[0]!
  return Array.from({ length: t }, (_, k) => squares(data.subarray((t - 1 - k) * size, (t - k) * size)))
}

function meanByLag(norms: readonly (readonly number[])[]): readonly number[] {
  return norms.at(-1)!.map((_, k) => {
    const known = norms.flatMap(row => (row[k] === undefined ? [] : [row[k]]))
    return known.reduce((total, x) => total + x, 0) / known.length
  })
}

/** Lengths of a lag graph: numbers, or axes bound at run time. */
export interface LagSizes {
  readonly steps: Dim
  readonly batch: Dim
  /** Shape of the targets, where it is not the one that the loss wants for the cell's output. */
  readonly targets?: Shape
}

/**
 * The graph behind `lagNorms`: the gradient of Σ_t w_t Σ_batch L_t by the carry before step 1 and by every carry after. Inputs params, carry
 * [batch, ...], `probe` (a carry [steps, batch, ...] of zeros), xs, targets, weights [steps]; outputs loss, gradient.carry and
 * gradient.probe, whose row t − 1 is the derivative by h_t.
 * @throws GraphError `no-state`.
 */
export function lagGraph(cell: Cell, loss: Loss, { steps, batch, ...given }: LagSizes): Graph {
  if (leavesOf(cell.carry, cell.name).length === 0)
    throw new GraphError(
      'no-state',
      cell.name,
      'has no carry; lags are those of losses behind a carry',
      'a cell without carry has credit at no lag',
    )
  const targets = given.targets ?? [steps, batch, ...(loss.target?.(cell.output) ?? cell.output)]
  const inputs = {
    params: cell.params,
    carry: front(cell.carry, [batch]),
    probe: front(cell.carry, [steps, batch]),
    xs: [steps, batch, ...cell.input],
    targets,
    weights: [steps],
  }
  const step = probedStep(cell, batch)
  const made = graph(inputs as Tree<Shape>, refs => {
    const { params, carry, probe, xs, targets, weights } = refs as unknown as Probed
    const [, ys] = scan(
      ((now: Tree<Ref>, row: object) => {
        const next = inline(step, { ...(params && { params }), carry: now, ...row } as Tree<Ref>)
        const { carry, y } = next as { carry: Tree<Ref>; y: Ref }
        return [carry, y]
      }) as never,
      { carry, xs: { x: xs, probe } as never },
    )
    return { loss: sum(mul(sum(loss(ys as unknown as Ref, targets), { axis: 1 }), weights)) }
  })
  return valueAndGradient(made as Graph, { of: 'loss', by: ['carry', 'probe'] }) as Graph
}

interface Probed {
  readonly params?: Tree<Ref>
  readonly carry: Tree<Ref>
  readonly probe: Tree<Ref>
  readonly xs: Ref
  readonly targets: Ref
  readonly weights: Ref
}

/** One step of a batch, whose output reads the next carry with `probe` added, and which hands that one on. */
function probedStep(cell: Cell, batch: Dim): Graph {
  const inputs = { params: cell.params, carry: front(cell.carry, [batch]), x: [batch, ...cell.input] }
  const step = graph(inputs as Tree<Shape>, refs => {
    const { params, carry, x } = refs as unknown as StepRefs
    const [next, y] = cell.step(params ?? {}, carry, x)
    return { carry: next, y } as Tree<Ref>
  }) as Graph
  return graph({ ...inputs, probe: front(cell.carry, [batch]) } as Tree<Shape>, refs => {
    const { probe, ...at } = refs as unknown as StepRefs & { readonly probe: Tree<Ref> }
    const { carry } = inline(step, at as unknown as Tree<Ref>) as { carry: Tree<Ref> }
    const probes = new Map(leaves(probe, isRef, cell.name))
    const touched = grow(
      leaves(carry, isRef, cell.name).map(([name, value]) => [name, add(value, probes.get(name)!)] as const),
    )
    const given = new Map(leaves(at as unknown as Tree<Ref>, isRef, cell.name))
    return { carry: touched, y: outputFrom(step, given, touched) } as Tree<Ref>
  }) as Graph
}

interface StepRefs {
  readonly params?: Tree<Ref>
  readonly carry: Tree<Ref>
  readonly x: Ref
}

const front = (shapes: Tree<Shape>, before: readonly Dim[]): Tree<Shape> =>
  mapTree(shapes, isShape, shape => [...before, ...shape])
