import {
  evaluate,
  type Graph,
  graph,
  index,
  inline,
  isShape,
  leaves,
  mapTree,
  mul,
  type Ref,
  type Shape,
  sizeOf,
  sub,
  sum,
  type Tensor,
  type Tree,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import type { Cell } from '../cell.js'
import { coin } from '../coin.js'
import { tensorsOf, treeOf, under } from '../numbers.js'
import type { Timeline, TimelineOptions } from '../timeline.js'
import { unroll } from '../unroll.js'

/** Where laws draw sequences for a cell. */
export interface SubjectOptions {
  /** The input is a whole number in [0, symbols) (an embedding); numbers in (−1, 1) where not given. */
  readonly symbols?: number
  /** Scale of random parameters, 0.5 by default. */
  readonly scale?: number
}

/** A cell with a sequence for it, and what is asked of it again and again. */
export interface Subject {
  readonly cell: Cell
  readonly steps: number
  readonly batch: number
  readonly seed: number
  readonly values: Values
  /** A timeline of the sequence, with a squared loss at every step. */
  readonly line: (options?: Partial<TimelineOptions>) => Timeline
  /** The timeline's outputs and `gradient.…` by all there is a gradient of, by dotted name. */
  readonly run: (line: Timeline, more?: Values) => Found
  /** Gradients alone, without their prefix. */
  readonly slopes: (line: Timeline, more?: Values) => Found
  /** ∂L_t/∂θ_s, the gradient of the loss of step t by the copy of the parameters that step s uses: an oracle apart from gates. */
  readonly lag: (t: number, s: number) => Found
  /** Numbers in (−1, 1), the same for the same place. */
  readonly random: (shape: readonly number[], stream: number) => Tensor
}

/** Tensors by dotted name. */
export type Found = ReadonlyMap<string, Tensor>

/** ½|y − target|², summed over all axes of one output. */
export function lawLoss(rows: number): (y: Ref, target: Ref) => Ref {
  return (y, target) => {
    const apart = sub(y, target)
    const axes = y.shape.map((_, i) => i).filter(i => i >= rows)
    const squared = mul(mul(apart, apart), 0.5)
    return axes.length === 0 ? squared : sum(squared, { axis: axes })
  }
}

/** Makes a subject: parameters, carry, inputs and targets from a seed. */
export function subjectOf(
  cell: Cell,
  size: { steps: number; batch: number; seed: number },
  options: SubjectOptions = {},
): Subject {
  const { steps, batch, seed } = size
  const random = (shape: readonly number[], stream: number): Tensor => drawn(shape, seed, stream)
  const values = valuesFor(cell, size, options)
  const by = [
    ...(has(cell.params) ? ['params'] : []),
    ...(has(cell.carry) ? ['carry'] : []),
    ...(options.symbols === undefined ? ['xs'] : []),
  ]
  const line: Subject['line'] = more => unroll(cell, { steps, batch, loss: lawLoss(2), ...more })
  const run: Subject['run'] = (made, more) =>
    tensorsOf(
      evaluate(
        valueAndGradient(made.graph as Graph, { of: 'loss', by }) as Graph,
        { ...(values as object), ...(more as object) } as Values,
      ),
    )
  const slopes: Subject['slopes'] = (made, more) => under(run(made, more), 'gradient')
  const lags = new Map<number, Found>()
  const lag: Subject['lag'] = (t, s) => {
    if (!lags.has(t)) lags.set(t, lagsAt(cell, size, values, t))
    return under(lags.get(t)!, `copies.s${s}`)
  }
  return { cell, steps, batch, seed, values, line, run, slopes, lag, random }
}

const has = (tree: Tree<Shape>): boolean => isShape(tree) || Object.keys(tree).length > 0

function drawn(shape: readonly number[], seed: number, stream: number): Tensor {
  const size = sizeOf(shape)
  return { shape, data: Float64Array.from({ length: size }, (_, i) => 2 * coin(seed, stream, i) - 1) }
}

function valuesFor(
  cell: Cell,
  { steps, batch, seed }: { steps: number; batch: number; seed: number },
  { symbols, scale = 0.5 }: SubjectOptions,
): Values {
  const rows = [steps, batch]
  const tree = (shapes: Tree<Shape>, front: readonly number[], first: number): Found =>
    new Map(
      (has(shapes) ? leaves(shapes, isShape, cell.name) : []).map(([name, shape], i) => {
        const { shape: made, data } = drawn([...front, ...(shape as number[])], seed, first + i)
        return [name, { shape: made, data: data.map(x => x * scale) }]
      }),
    )
  const xs = drawn([...rows, ...(cell.input as number[])], seed, 2)
  const params = treeOf(tree(cell.params, [], 100))
  const carry = treeOf(tree(cell.carry, [batch], 50))
  return {
    ...(params !== undefined && { params }),
    ...(carry !== undefined && { carry }),
    xs:
      symbols === undefined
        ? xs
        : { shape: xs.shape, data: xs.data.map(x => Math.floor(((x + 1) / 2) * symbols)) },
    targets: drawn([...rows, ...(cell.output as number[])], seed, 3),
  } as Values
}

/** One step with its loss: params, carry, x, target → the next carry and the loss. */
function lossStep(cell: Cell, batch: number): Graph {
  const state = has(cell.carry)
  const inputs = {
    params: cell.params,
    ...(state && { carry: front(cell.carry, batch) }),
    x: [batch, ...cell.input],
    target: [batch, ...cell.output],
  }
  return graph(inputs as Tree<Shape>, refs => {
    const {
      params,
      carry = {},
      x,
      target,
    } = refs as unknown as Record<'params' | 'carry', Tree<Ref>> & Record<'x' | 'target', Ref>
    const [next, y] = cell.step(params, carry, x)
    return { ...(state && { carry: next }), loss: sum(lawLoss(1)(y, target)) } as Tree<Ref>
  }) as Graph
}

/** The gradient of loss t by every step's own copy of the parameters, `copies.s1`, `copies.s2`, … */
function lagsAt(cell: Cell, { batch }: { batch: number }, values: Values, t: number): Found {
  if (!has(cell.params)) return new Map()
  const given = values as { params: Tree<Tensor>; carry?: Tree<Tensor>; xs: Tensor; targets: Tensor }
  const step = lossStep(cell, batch)
  const whole = graph(
    {
      copies: Object.fromEntries(Array.from({ length: t }, (_, i) => [`s${i + 1}`, cell.params])),
      ...(has(cell.carry) && { carry: front(cell.carry, batch) }),
      xs: given.xs.shape,
      targets: given.targets.shape,
    } as Tree<Shape>,
    refs => {
      const all = refs as unknown as {
        copies: Record<string, Tree<Ref>>
        carry?: Tree<Ref>
        xs: Ref
        targets: Ref
      }
      let out: { carry?: Tree<Ref>; loss: Ref } | undefined
      for (let s = 1; s <= t; s++) {
        const carry = out === undefined ? all.carry : out.carry
        const at = {
          params: all.copies[`s${s}`]!,
          ...(carry && { carry }),
          x: row(all.xs, s),
          target: row(all.targets, s),
        }
        out = inline(step, at as Tree<Ref>) as unknown as typeof out
      }
      return { loss: out!.loss }
    },
  )
  const copies = Object.fromEntries(Array.from({ length: t }, (_, i) => [`s${i + 1}`, given.params]))
  const slope = valueAndGradient(whole as Graph, { of: 'loss', by: ['copies'] }) as Graph
  const made = evaluate(slope, {
    copies,
    ...(given.carry && { carry: given.carry }),
    xs: given.xs,
    targets: given.targets,
  } as Values)
  return under(tensorsOf(made), 'gradient')
}

const front = (shapes: Tree<Shape>, batch: number): Tree<Shape> =>
  mapTree(shapes, isShape, shape => [batch, ...shape])
const row = (sequence: Ref, t: number): Ref => index(sequence, { at: t - 1 })
