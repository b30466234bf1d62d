import type { Graph } from '../graph.js'
import type { Bindings } from '../shape.js'
import { Level } from './level.js'
import { lowering } from './lowering.js'
import { copyOf, Memory } from './memory.js'
import type { Instruction, Plan } from './plan.js'
import { settle } from './settle.js'
import { type Buffer, isPacked, sameView, type View } from './view.js'

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
  const inputs = graph.inputs.map(({ name, value }) => ({
    name,
    view: memory.temporary(memory.bind(graph.shapes[value]!), 0, name),
  }))
  const places = new Map(inputs.map(({ name, view }) => [name, view]))
  const swaps: (readonly [Buffer, Buffer])[] = []
  const homes = new Map<number, View>()
  const place = (name: string, value: number): View =>
    memory.temporary(memory.bind(graph.shapes[value]!), 0, name)
  const targets = graph.outputs.map(({ name, value }) => {
    const home = keep.get(name) ?? ''
    const input = places.get(home)
    const stays = graph.inputs.some(port => port.name === home && port.value === value)
    if (input === undefined || stays) return { name, value, target: undefined }
    const target = place(name, value)
    swaps.push([input.buffer, target.buffer])
    if (!homes.has(value)) homes.set(value, target)
    return { name, value, target }
  })
  const level = new Level(
    graph,
    { memory, loops: [], preludes: [] },
    inputs.map(({ view }) => view),
    homes,
  )
  level.plan(lowering)
  const after: Instruction[] = []
  const swapped = new Set(swaps.flat())
  const outputs = targets.map(({ name, value, target: kept }) => {
    const view = level.view(value)
    if (kept === undefined && isPacked(view) && !swapped.has(view.buffer)) return { name, view }
    const target = kept ?? place(name, value)
    if (!sameView(view, target)) after.push(copyOf(name, view, target))
    return { name, view: target }
  })
  const instructions = [...level.finish(), ...after]
  const { buffers, constants } = memory
  return settle({ instructions, buffers, constants, inputs, outputs, swaps, axes })
}
