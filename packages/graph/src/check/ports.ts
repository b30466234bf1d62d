import type { Graph, Port } from '../graph.js'

/** What is wrong with the inputs and outputs of a table whose nodes are well formed, if anything is. */
export function portsFault(graph: Graph): string | undefined {
  const { inputs, outputs, nodes, shapes } = graph
  const wrong = listFault('input', inputs, shapes.length) ?? listFault('output', outputs, shapes.length)
  if (wrong !== undefined) return wrong
  const names = new Map(
    nodes.flatMap(node => (node.kind === 'input' ? [[node.outputs[0], node.name] as const] : [])),
  )
  for (const { name, value } of inputs) {
    if (names.get(value) !== name)
      return `input '${name}' leads to value #${value}, which is no input of this name`
    names.delete(value)
  }
  for (const [value, name] of names)
    return `input '${name}', value #${value}, is not listed; every input node is among the inputs`
  return undefined
}

function listFault(what: string, ports: readonly Port[], count: number): string | undefined {
  const seen = new Set<string>()
  for (const { name, value } of ports) {
    if (typeof name !== 'string') return `has an ${what} without a name; a name is text`
    if (seen.has(name)) return `has two ${what}s '${name}'; names are unique`
    seen.add(name)
    if (!Number.isInteger(value) || value < 0 || value >= count)
      return `${what} '${name}' leads to value #${String(value)}, which does not exist`
  }
  return undefined
}
