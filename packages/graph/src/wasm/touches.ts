import { put } from '../multimap.js'
import { pinnedBuffers, viewsOf, type Work, walk } from './lifetime.js'
import type { Plan } from './plan.js'
import type { Buffer, Loop, View } from './view.js'

/** One use of a buffer. */
export interface Touch {
  readonly at: number
  readonly work: Work
  readonly view: View
  /** Around it, outermost first. */
  readonly loops: readonly Loop[]
}

/** The uses of every temporary, in order, by buffer id; buffers in the order of their first use. `pinned` ones are left out. */
export function touchesOf(
  plan: Plan,
  pinned: ReadonlySet<Buffer> = pinnedBuffers(plan),
): ReadonlyMap<number, readonly Touch[]> {
  const found = new Map<number, Touch[]>()
  walk(plan.instructions, (work, at, loops) => {
    for (const view of viewsOf(work)) {
      if (pinned.has(view.buffer)) continue
      put(found, view.buffer.id, { at, work, view, loops })
    }
  })
  return found
}

/** The stride by which a view moves from slot to slot with a loop, and with that alone; undefined where it leaves its slot. */
export function slotOf({ shape, strides, offset, moves }: View, loop: Loop): number | undefined {
  const [move] = moves
  if (moves.length !== 1 || move!.by !== loop) return undefined
  const last = shape.reduce<number>(
    (sum, dim, i) => sum + (typeof dim === 'number' ? (dim - 1) * strides[i]! : Number.POSITIVE_INFINITY),
    offset,
  )
  return offset >= 0 && last < move!.stride ? move!.stride : undefined
}
