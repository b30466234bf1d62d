import type { Graph } from '../graph.js'
import type { Bindings } from '../shape.js'
import { settleCarries } from './carries.js'
import { Level } from './level.js'
import { lowering } from './lowering.js'
import { copyOf, Memory } from './memory.js'
import type { Instruction, Plan } from './plan.js'
import { portsOf } from './ports.js'
import { settle } from './settle.js'
import { isPacked, sameView } from './view.js'

/** What is planned besides the graph. */
export interface PlanOptions {
  /** Lengths of the axes that are compiled in. */
  readonly bindings: Bindings
  /** Axes given at run time. */
  readonly axes: readonly string[]
  /** Output name → input that holds its value after the run. */
  readonly keep: ReadonlyMap<string, string>
}

/** The plan of a graph: what to do, in order, and on which memory. */
export function planOf(graph: Graph, { bindings, axes, keep }: PlanOptions): Plan {
  const memory = new Memory(bindings)
  const { now, next, homes, swaps } = portsOf(graph, keep, memory)
  const inputs = graph.inputs.map(({ name, value }) => ({ name, view: now.get(value)! }))
  const level = new Level(
    graph,
    { memory, loops: [], preludes: [] },
    inputs.map(({ view }) => view),
    homes,
  )
  level.plan(lowering)
  const after: Instruction[] = []
  const swapped = new Set(swaps.flat())
  const outputs = graph.outputs.map(({ name, value }) => {
    const view = level.view(value)
    const target = next.get(name)
    if (target === undefined && isPacked(view) && !swapped.has(view.buffer)) return { name, view }
    const to = target ?? memory.temporary(memory.bind(graph.shapes[value]!), 0, name)
    if (!sameView(view, to)) after.push(copyOf(name, view, to))
    return { name, view: to }
  })
  const instructions = [...level.finish(), ...after]
  const { buffers, constants } = memory
  return settle(settleCarries({ instructions, buffers, constants, inputs, outputs, swaps, axes }))
}
