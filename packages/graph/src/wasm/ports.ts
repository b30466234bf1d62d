import type { Graph } from '../graph.js'
import { jointsOf, layJoint } from './joint.js'
import type { Memory } from './memory.js'
import type { Buffer, View } from './view.js'

/** Where the values at a graph's edge lie. */
export interface Ports {
  /** Inputs, by value. */
  readonly now: ReadonlyMap<number, View>
  /** Outputs that are the next values of inputs, by name. */
  readonly next: ReadonlyMap<string, View>
  /** Where values are to be written, or lie already. */
  readonly homes: ReadonlyMap<number, View>
  /** Buffers of inputs and of their next values. */
  readonly swaps: readonly (readonly [now: Buffer, next: Buffer])[]
}

/** Every input has a buffer, and its next value another one. Inputs that are joined share theirs. */
export function portsOf(graph: Graph, keep: ReadonlyMap<string, string>, memory: Memory): Ports {
  const kept = changing(graph, keep)
  const changed = new Set(kept.values())
  const place = (name: string, value: number): View =>
    memory.temporary(memory.bind(graph.shapes[value]!), 0, name)
  const [now, later, homes] = [new Map<number, View>(), new Map<number, View>(), new Map<number, View>()]
  const next = new Map<string, View>()
  const swaps: (readonly [Buffer, Buffer])[] = []
  for (const joint of jointsOf(graph, changed)) {
    const { inputs, outputs } = joint.node
    const whole = layJoint(graph, joint, memory, now)
    homes.set(outputs[0]!, whole)
    if (changed.has(inputs[0]!)) swaps.push([whole.buffer, layJoint(graph, joint, memory, later).buffer])
  }
  for (const { name, value } of graph.inputs) if (!now.has(value)) now.set(value, place(name, value))
  for (const { name, value } of graph.outputs) {
    const input = kept.get(name)
    if (input === undefined) continue
    const target = later.get(input) ?? place(name, value)
    next.set(name, target)
    if (!later.has(input)) swaps.push([now.get(input)!.buffer, target.buffer])
    if (!homes.has(value)) homes.set(value, target)
  }
  return { now, next, homes, swaps }
}

/** Output name → value of the input that keeps it, without inputs that are handed on as they are. */
function changing(
  { inputs, outputs }: Graph,
  keep: ReadonlyMap<string, string>,
): ReadonlyMap<string, number> {
  const values = new Map(inputs.map(({ name, value }) => [name, value]))
  return new Map(
    outputs.flatMap(({ name, value }) => {
      const input = values.get(keep.get(name)!)
      return input === undefined || input === value ? [] : [[name, input]]
    }),
  )
}
