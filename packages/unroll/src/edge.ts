import {
  add,
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
import { clipCredit, clipCreditByNorm } from './credit/ops.js'
import { flatState, flatten, unflatten } from './forward/step.js'
import type { TimelineOptions } from './timeline.js'

/** What a step reads besides params and carry: its input, and its slice of what the options add. */
export interface Now {
  readonly x: Ref
  readonly credit?: Term | undefined
  readonly reset?: Ref | undefined
  readonly mask?: Ref | undefined
  /** Zeros of the carry's shape. */
  readonly probe?: Tree<Ref> | undefined
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
  const probes = new Map(now.probe === undefined ? [] : leaves(now.probe, isRef, cell.name))
  // credit comes back from the step: it is weighted, then seen by the probe, then clipped
  return eachPart(cell, clipped(cell, options, carry), (value, rank, name) => {
    const probe = probes.get(name)
    const probed = probe === undefined ? value : add(value, probe)
    const gated = now.credit === undefined ? probed : gate(probed, { by: aligned(now.credit, rank) })
    return now.reset === undefined ? gated : where(maskOf(now.reset, options, rank), 0, gated)
  })
}

/** The carry, whose credit is clipped: number by number, or all that belongs to an example together. */
function clipped(cell: Cell, { clip, batch }: TimelineOptions, carry: Tree<Ref>): Tree<Ref> {
  if (clip === undefined) return carry
  if (typeof clip === 'number') return eachPart(cell, carry, value => clipCredit(value, { max: clip }))
  const state = flatState(cell)
  const front = batch === undefined ? [] : [batch]
  const whole = flatten(state, new Map(leaves(carry, isRef, cell.name)), front)
  return unflatten(state, clipCreditByNorm(whole, { max: clip.norm }), front)
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
