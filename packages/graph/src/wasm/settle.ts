import { sameShape } from '../shape.js'
import { moved } from './moved.js'
import type { Plan } from './plan.js'
import { slotOf, type Touch, touchesOf } from './touches.js'
import { type Buffer, sizeOfView, type View } from './view.js'

/**
 * The plan with stacks laid in the parts of a wider one that is written when they are read for the last time.
 *
 * The gates of an LSTM are kept apart, [T, B, H] each; their cotangents are the parts of one stack [T, B, 4 H], as the products
 * after the loop want it. Every step reads its gates and writes their cotangents, so the gates can lie in those parts from the start.
 */
export function settle(plan: Plan): Plan {
  const touches = touchesOf(plan)
  // where a buffer that is no more lies now: in the slots of a view in another one
  const places = new Map<Buffer, View>()
  const taken = new Map<string, Buffer>()
  for (const own of touches.values()) {
    const { buffer } = own[0]!.view
    const found = partFor(own, touches, part => !taken.has(keyOf(part)) && !places.has(part.buffer))
    if (found === undefined || [...taken.values()].includes(buffer)) continue
    places.set(buffer, found)
    taken.set(keyOf(found), found.buffer)
  }
  return moved(plan, places, inPart)
}

const keyOf = ({ buffer, offset }: View): string => `${buffer.id} ${offset}`

/** A part that the last kernel to read a stack writes, in a stack that nobody uses before it. */
function partFor(
  own: readonly Touch[],
  touches: ReadonlyMap<number, readonly Touch[]>,
  free: (part: View) => boolean,
): View | undefined {
  const { at, work, view } = own.at(-1)!
  if (work.kind !== 'fused' || !own.every(touch => isWholeSlot(touch, view))) return undefined
  return work.stores
    .filter(({ how }) => how === 'set')
    .map(({ operand }) => work.operands[operand]!)
    .find(part => {
      const { size, slots } = view.buffer
      const others = touches.get(part.buffer.id)
      if (others === undefined || others[0]!.at !== at || !free(part)) return false
      return part.buffer.slots === slots && part.buffer.size > size && isPart(part, view, others)
    })
}

/** True where a kernel in a loop uses the slot of its step, all of it, in this shape. */
function isWholeSlot({ work, view, loops }: Touch, { shape }: View): boolean {
  const [loop] = loops
  const { size } = view.buffer
  return (
    work.kind === 'fused' &&
    loops.length === 1 &&
    sizeOfView(view) === size &&
    view.offset === 0 &&
    slotOf(view, loop!) === size &&
    sameShape(view.shape, shape)
  )
}

/** True where a part has the shape of a stack's slot, and its stack is used slot by slot in the loop. */
function isPart(part: View, { shape, moves }: View, others: readonly Touch[]): boolean {
  const loop = others[0]!.loops[0]!
  const slot = slotOf(part, loop)
  return (
    slot === part.buffer.size &&
    moves[0]!.by === loop &&
    sameShape(part.shape, shape) &&
    others.every(({ view, loops }) => !loops.includes(loop) || slotOf(view, loop) === slot)
  )
}

/** A view of a stack as one of the part where it lies now. */
function inPart(view: View, { buffer, strides, offset, moves }: View): View {
  const { stride } = moves[0]!
  return { ...view, buffer, strides, offset, moves: view.moves.map(move => ({ ...move, stride })) }
}
