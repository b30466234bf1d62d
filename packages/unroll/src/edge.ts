import {
  gate,
  grow,
  isRef,
  isShape,
  leaves,
  type Ref,
  reshape,
  type Term,
  type Tree,
  tensor,
  where,
} from '@bptt/graph'
import type { Cell } from './cell.js'
import { clipCredit } from './credit/ops.js'
import type { TimelineOptions } from './timeline.js'

/** What a step reads besides params and carry: its input, and its slice of what the options add. */
export interface Now {
  readonly x: Ref
  readonly credit?: Term | undefined
  readonly reset?: Ref | undefined
  readonly mask?: Ref | undefined
}

/** One step of a timeline: the carry over its edge, the cell, and the carry kept where the mask is 0. */
export function stepOnce(
  cell: Cell,
  options: TimelineOptions,
  params: Tree<Ref>,
  carry: Tree<Ref>,
  now: Now,
): readonly [Tree<Ref>, Ref] {
  const entered = enter(cell, options, carry, now)
  const [next, y] = cell.step(params, entered, now.x)
  if (now.mask === undefined) return [next, y]
  const before = new Map(leaves(entered, isRef, cell.name))
  const kept = eachPart(cell, next, (value, rank, name) =>
    where(maskOf(now.mask!, options, rank), value, before.get(name)!),
  )
  return [kept, where(maskOf(now.mask, options, cell.output.length), y, 0)]
}

const maskOf = (mask: Ref, { batch }: TimelineOptions, rank: number): Ref =>
  aligned(mask, batch === undefined ? 0 : rank) as Ref

/** The carry as a step gets it: over its edge, and zero where the example starts anew. */
function enter(cell: Cell, options: TimelineOptions, carry: Tree<Ref>, now: Now): Tree<Ref> {
  const { clip } = options
  return eachPart(cell, carry, (value, rank) => {
    // credit comes back from the step: first it is weighted, then clamped
    const clamped = clip === undefined ? value : clipCredit(value, { max: clip })
    const gated = now.credit === undefined ? clamped : gate(clamped, { by: aligned(now.credit, rank) })
    return now.reset === undefined ? gated : where(maskOf(now.reset, options, rank), 0, gated)
  })
}

function eachPart(
  cell: Cell,
  carry: Tree<Ref>,
  change: (value: Ref, rank: number, name: string) => Ref,
): Tree<Ref> {
  const shapes = new Map(leaves(cell.carry, isShape, cell.name))
  return grow(
    leaves(carry, isRef, cell.name).map(
      ([name, value]) => [name, change(value, shapes.get(name)!.length, name)] as const,
    ),
  )
}

/** One number per example, with axes of length 1 behind it, so that it multiplies an example of this rank; scalars as they are. */
function aligned(value: Term, rank: number): Term {
  if (typeof value === 'number' || value.shape.length === 0) return value
  const shape = [...value.shape, ...new Array<number>(rank).fill(1)]
  return isRef(value) ? reshape(value, { shape }) : tensor(value, shape as number[])
}
