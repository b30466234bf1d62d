import { readsBeforeItWrites } from './inplace.js'
import { pinnedBuffers, type Work, walk } from './lifetime.js'
import { moved } from './moved.js'
import type { Plan } from './plan.js'
import { type Touch, touchesOf } from './touches.js'
import { type Buffer, isPacked, sizeOfView, type View } from './view.js'

interface Copy {
  readonly from: View
  readonly to: View
}

/**
 * The plan without the copies that end a step of a loop, of the new carry into the place of the old one, where the old one is read
 * for the last time before the new one is written, or by the kernel that writes it: then it is written there at once.
 *
 * In a small net such a copy costs as much as its arithmetic.
 */
export function settleCarries(plan: Plan): Plan {
  const pinned = pinnedBuffers(plan)
  const touches = touchesOf(plan, new Set())
  // where a temporary that is no more lies now: in the carry it was copied to
  const places = new Map<Buffer, View>()
  const gone = new Set<Work>()
  walk(plan.instructions, (work, at, loops) => {
    const copy = loops.length === 0 ? undefined : copyOf(work)
    if (copy === undefined || pinned.has(copy.from.buffer) || places.has(copy.from.buffer)) return
    const isInside = (touch: Touch): boolean => loops.every((loop, i) => touch.loops[i] === loop)
    const own = touches.get(copy.from.buffer.id)!
    const alone = own.every(touch => touch.loops.length === loops.length && isInside(touch))
    if (!alone || own.at(-1)!.at !== at) return
    const others = touches.get(copy.to.buffer.id)!.filter(touch => touch.at !== at && isInside(touch))
    if (!mayWriteAt(copy, own, others)) return
    places.set(copy.from.buffer, copy.to)
    gone.add(work)
  })
  return moved(plan, places, (view, { buffer, moves }) => ({ ...view, buffer, moves }), gone)
}

/** The operands of a kernel that only copies one whole buffer to another. */
function copyOf(work: Work): Copy | undefined {
  if (work.kind !== 'fused' || work.operands.length !== 2 || work.expressions.length !== 1) return undefined
  const [from, to] = work.operands as readonly [View, View]
  const [store] = work.stores
  const copies = work.stores.length === 1 && store!.how === 'set' && store!.operand === 1
  return copies && isWhole(from) && isWhole(to) && from.moves.length === 0 ? { from, to } : undefined
}

/** True for a packed view of all of a buffer with one slot, which does not move. */
const isWhole = (view: View): boolean =>
  view.offset === 0 &&
  view.buffer.slots === 1 &&
  isPacked(view) &&
  sizeOfView(view) === view.buffer.size &&
  view.moves.every(({ stride }) => stride === 0)

/** True where nobody in a step reads the old carry after the new one is first written. */
function mayWriteAt({ from, to }: Copy, own: readonly Touch[], others: readonly Touch[]): boolean {
  const { at } = own[0]!
  if (others.some(touch => touch.at > at)) return false
  const here = others.filter(touch => touch.at === at)
  if (here.length === 0) return true
  const writes = own.filter(touch => touch.at === at)
  const moved = writes.map(touch => ({ ...touch, view: { ...touch.view, moves: to.moves } }))
  return readsBeforeItWrites([...here, ...moved], from.buffer)
}
