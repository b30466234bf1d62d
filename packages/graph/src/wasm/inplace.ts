import { put } from '../multimap.js'
import type { Fused, Plan } from './plan.js'
import { slotOf, type Touch, touchesOf } from './touches.js'
import { type Buffer, broadcastView, type Loop, type View } from './view.js'

/**
 * Buffers that are written over others, as buffer id → id of the lowest one there.
 *
 * A kernel may write its result in the place of an operand that nobody reads later, where both lie alike: element by element, it
 * reads before it writes. In a loop in which every step touches its own slot of two stacks and no other, one may lie on the other as
 * soon as it is read for the last time in a step. So the gates of a recurrent cell lie on the products they are made of, and their
 * cotangents on them.
 */
export function inPlace(plan: Plan): ReadonlyMap<number, number> {
  const touches = touchesOf(plan)
  const ended = lastUses(touches)
  const below = new Map<number, number>()
  const taken = new Set<number>()
  for (const [id, own] of touches) {
    const [{ at, loops }] = own as readonly [Touch]
    const [loop] = loops
    const near = [...(ended.at.get(at) ?? []), ...((loops.length === 1 && ended.inside.get(loop!)) || [])]
    const found = near.find(other => other !== id && !taken.has(other) && mayLieOn(own, touches.get(other)!))
    if (found === undefined) continue
    below.set(id, below.get(found) ?? found)
    taken.add(found)
  }
  return below
}

/** Buffer ids by the instruction, and by the loop, that uses them last. */
function lastUses(touches: ReadonlyMap<number, readonly Touch[]>): {
  readonly at: ReadonlyMap<number, readonly number[]>
  readonly inside: ReadonlyMap<Loop, readonly number[]>
} {
  const at = new Map<number, number[]>()
  const inside = new Map<Loop, number[]>()
  for (const [id, own] of touches) {
    const last = own.at(-1)!
    put(at, last.at, id)
    if (last.loops.length === 1) put(inside, last.loops[0]!, id)
  }
  return { at, inside }
}

/** True where the first use of a buffer may write over another, which is used for the last time then or before it in the step. */
function mayLieOn(upper: readonly Touch[], lower: readonly Touch[]): boolean {
  const [first, last] = [upper[0]!, lower.at(-1)!]
  const [written, read] = [first.view.buffer, last.view.buffer]
  if (written.size !== read.size || written.slots !== read.slots || last.at > first.at) return false
  const here = [...upper, ...lower].filter(({ at }) => at === first.at)
  if (last.at === first.at && !readsBeforeItWrites(here, written)) return false
  const [loop] = first.loops
  if (loop === undefined) return true
  const slot = slotOf(first.view, loop)
  const inside = [...upper, ...lower].filter(({ loops }) => loops.includes(loop))
  return (
    slot !== undefined && inside.every(({ view, loops }) => loops.length === 1 && slotOf(view, loop) === slot)
  )
}

/** True where a kernel reads and writes two buffers at the same place at a time, and only sets the one it writes. */
export function readsBeforeItWrites(here: readonly Touch[], written: Buffer): boolean {
  const { work } = here[0]!
  if (work.kind !== 'fused') return false
  const { shape, stores, operands } = work as Fused
  const views = here.map(({ view }) => broadcastView(view, shape))
  const targets = stores.filter(({ operand }) => operands[operand]!.buffer === written)
  return (
    targets.length > 0 &&
    targets.every(({ how }) => how === 'set') &&
    views.every(view => alikeOrApart(views[0]!, view))
  )
}

/** True where two views of one iteration space meet in no element but the same one. */
function alikeOrApart(a: View, b: View): boolean {
  const moved =
    a.moves.length === b.moves.length &&
    a.moves.every(({ by, stride }, i) => by === b.moves[i]!.by && stride === b.moves[i]!.stride)
  if (!moved || a.strides.some((stride, i) => stride !== b.strides[i] && a.shape[i] !== 1)) return false
  const apart = Math.abs(a.offset - b.offset)
  if (apart === 0) return true
  const row = a.strides.at(-1) === 1 ? a.shape.at(-1)! : 0
  const outer = a.strides.filter((_, i) => i < a.strides.length - 1 && a.shape[i] !== 1)
  return typeof row === 'number' && row > 0 && apart >= row && outer.every(stride => stride >= apart + row)
}
