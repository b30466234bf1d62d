import { type Work, withViews } from './lifetime.js'
import type { Instruction, Plan } from './plan.js'
import type { Buffer, View } from './view.js'

/**
 * The plan with buffers moved: `places` says where each that is no more lies now, and `change` makes a view of it one of that
 * place. `gone` are left out.
 */
export function moved(
  plan: Plan,
  places: ReadonlyMap<Buffer, View>,
  change: (view: View, place: View) => View,
  gone: ReadonlySet<Work> = new Set(),
): Plan {
  if (places.size === 0) return plan
  const view = (one: View): View => {
    const place = places.get(one.buffer)
    return place === undefined ? one : change(one, place)
  }
  const write = (instructions: readonly Instruction[]): readonly Instruction[] =>
    instructions.flatMap((one): readonly Instruction[] => {
      if (one.kind === 'loop') return [{ ...one, body: write(one.body) }]
      return gone.has(one) ? [] : [withViews(one, view)]
    })
  const buffers = plan.buffers.map(buffer => (places.has(buffer) ? { ...buffer, size: 0, slots: 1 } : buffer))
  return { ...plan, buffers, instructions: write(plan.instructions) }
}
