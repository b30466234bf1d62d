import {
  add,
  type Graph,
  graph,
  mul,
  type Program,
  type Ref,
  scan,
  sub,
  sum,
  type Tensor,
  tanh,
} from '@bptt/graph'
import { draw } from './compile-support.js'

/** Two parameters, a slot and a carry, updated over T steps. */
export const update = graph(
  {
    params: { w: [7], b: [] },
    slots: { w: [7] },
    carry: [7],
    xs: ['T', 7],
  },
  ({ params, slots, carry, xs }) => {
    const [end, ys] = scan(
      (h: Ref, x: Ref) => {
        const next = tanh(add(mul(h, params.w), x)) as Ref
        return [next, next]
      },
      { carry: carry as Ref, xs: xs as Ref },
    )
    const slope = sum(ys as Ref, { axis: 0 })
    const w = add(mul(slots.w, 0.9), slope)
    return {
      params: { w: sub(params.w, mul(w, 0.01)), b: add(params.b, sum(slope)) },
      slots: { w },
      carry: end as Ref,
      loss: sum(mul(ys as Ref, ys as Ref)),
      start: params.w,
    }
  },
) as unknown as Graph
export const keep = { params: 'params', slots: 'slots', carry: 'carry' }
export const stateNames = ['params.w', 'params.b', 'slots.w', 'carry'] as const

export const start = {
  params: { w: draw([7], 1), b: draw([], 2) },
  slots: { w: draw([7], 3) },
  carry: draw([7], 4),
}

/** The resident state of a program of `update`. */
export const stateOf = (program: Program): readonly Tensor[] => stateNames.map(name => program.read(name))

/** The same of what `evaluate` gives. */
export const leavesOf = (state: unknown): readonly Tensor[] => {
  const { params, slots, carry } = state as typeof start
  return [params.w, params.b, slots.w, carry]
}
