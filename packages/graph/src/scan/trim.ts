import type { Graph, Node, Port, Trimmed } from '../graph.js'
import { needs, prune } from '../prune.js'
import type { ScanAttrs } from './attrs.js'

const known = new WeakMap<ScanAttrs, Map<string, Trimmed>>()

/**
 * A loop without the stacked outputs that nobody reads, the carries that neither a later node nor a kept output
 * depends on, and the sequences and constants that the body then no longer reads.
 *
 * Remembered per settings, so that loops within loops are visited once per set of used outputs.
 */
export function trimScan(attrs: ScanAttrs, used: readonly boolean[]): Trimmed {
  const parts = known.get(attrs) ?? new Map<string, Trimmed>()
  const key = used.join()
  const part = parts.get(key) ?? trim(attrs, used)
  known.set(attrs, parts.set(key, part))
  return part
}

function trim(attrs: ScanAttrs, used: readonly boolean[]): Trimmed {
  const { carry, xs } = attrs
  const kept = keptOutputs(attrs, used)
  const body = prune({ ...attrs.body, outputs: attrs.body.outputs.filter((_, i) => kept[i]) })
  const read = readValues(body)
  const stays = body.inputs.map((port, i) => (i < carry ? kept[i]! : read.has(port.value)))
  const inputs = positions(stays)
  const within = (from: number, to: number): number => inputs.filter(i => i >= from && i < to).length
  return {
    attrs: {
      ...attrs,
      body: distinctNames(withoutInputs(body, stays)),
      carry: within(0, carry),
      xs: within(carry, carry + xs),
    },
    inputs,
    outputs: positions(kept),
  }
}

function readValues(graph: Graph): ReadonlySet<number> {
  const read = new Set(graph.outputs.map(port => port.value))
  for (const node of graph.nodes) if (node.kind === 'apply') for (const id of node.inputs) read.add(id)
  return read
}

const positions = (marks: readonly boolean[]): readonly number[] =>
  marks.flatMap((mark, i) => (mark ? [i] : []))

/** Which outputs of the body stay: a carry also where the next step's kept outputs depend on it (least fixed point). */
function keptOutputs({ body, carry }: ScanAttrs, used: readonly boolean[]): readonly boolean[] {
  let kept = used
  for (;;) {
    const known = kept
    const { values } = needs({ ...body, outputs: body.outputs.filter((_, i) => known[i]) })
    kept = known.map((on, i) => on || (i < carry && values[body.inputs[i]!.value]!))
    if (kept.every((on, i) => on === known[i])) return known
  }
}

/** The graph without inputs that no node reads and no output is. */
function withoutInputs(graph: Graph, stays: readonly boolean[]): Graph {
  if (stays.every(stay => stay)) return graph
  const dropped = new Set(graph.inputs.filter((_, i) => !stays[i]).map(port => port.value))
  const ids: number[] = []
  let next = 0
  graph.shapes.forEach((_, id) => {
    ids[id] = dropped.has(id) ? -1 : next++
  })
  const moved = (port: Port): Port => ({ name: port.name, value: ids[port.value]! })
  const renumber = (node: Node): Node =>
    node.kind === 'apply'
      ? { ...node, inputs: node.inputs.map(id => ids[id]!), outputs: node.outputs.map(id => ids[id]!) }
      : { ...node, outputs: [ids[node.outputs[0]]!] }
  return {
    nodes: graph.nodes.filter(node => !dropped.has(node.outputs[0]!)).map(renumber),
    shapes: graph.shapes.filter((_, id) => ids[id] !== -1),
    inputs: graph.inputs.filter((_, i) => stays[i]).map(moved),
    outputs: graph.outputs.map(moved),
  }
}

/** The same body with port names told apart: derivatives of derivatives give the same name to different things. */
function distinctNames(graph: Graph): Graph {
  const renamed = new Map<number, string>()
  const inputs = distinct(graph.inputs)
  inputs.forEach((port, i) => {
    if (port !== graph.inputs[i]) renamed.set(port.value, port.name)
  })
  const nodes =
    renamed.size === 0
      ? graph.nodes
      : graph.nodes.map(node =>
          node.kind === 'input' ? { ...node, name: renamed.get(node.outputs[0]) ?? node.name } : node,
        )
  return { ...graph, nodes, inputs, outputs: distinct(graph.outputs) }
}

function distinct(ports: readonly Port[]): readonly Port[] {
  const taken = new Set<string>()
  const all = new Set(ports.map(port => port.name))
  return ports.map(port => {
    let name = port.name
    for (let n = 2; taken.has(name) || (name !== port.name && all.has(name)); n++) name = `${port.name}.${n}`
    taken.add(name)
    return name === port.name ? port : { name, value: port.value }
  })
}
