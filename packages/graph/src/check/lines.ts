import type { Graph, Node } from '../graph.js'
import { nodeLines } from '../print.js'
import { nameValues } from '../text/names.js'
import { shapeText } from '../text/words.js'

/** How many lines are shown before and after a node. */
const BEFORE = 4
const AFTER = 2

/** `add #17`: an op, or the kind of a node, with its place in the table. */
export function titleOf(graph: Graph, at: number): string {
  return `${safely(() => nodeTitle(graph.nodes[at]!), 'node')} #${at}`
}

const nodeTitle = (node: Node): string => (node.kind === 'apply' ? word(node.op.name) : word(node.kind))

const word = (value: unknown): string => (typeof value === 'string' ? value : 'node')

/**
 * The lines around a node that may be ill formed, which is marked: nodes before it as they print, all others
 * with value ids where they have no names yet.
 */
export function around(graph: Graph, at: number): string {
  const before = { ...graph, nodes: graph.nodes.slice(0, at), outputs: [], inputs: knownInputs(graph, at) }
  const names = safely(() => nameValues(before), undefined)
  const shown: string[] = []
  for (let i = Math.max(0, at - BEFORE); i < Math.min(graph.nodes.length, at + AFTER + 1); i++) {
    const node = graph.nodes[i]!
    const printed =
      i < at && names !== undefined ? safely(() => nodeLines(before, node, names)[0], undefined) : undefined
    const line = printed ?? safely(() => rawLine(graph, node, names?.text ?? []), '(unreadable)')
    shown.push(`${i === at ? '>' : ' '} ${String(i).padStart(4)} | ${line}`)
  }
  return shown.join('\n')
}

function knownInputs(graph: Graph, at: number): Graph['inputs'] {
  return graph.nodes
    .slice(0, at)
    .flatMap(node => (node.kind === 'input' ? [{ name: node.name, value: node.outputs[0] }] : []))
}

/** A node without its settings; values that have no name are shown by number. */
function rawLine(graph: Graph, node: Node, names: readonly string[]): string {
  const made = Array.from(node.outputs, id => `${names[id] ?? `#${String(id)}`}: ${shapeOf(graph, id)}`).join(
    ', ',
  )
  if (node.kind !== 'apply') return `${made} = ${String(node.kind)}`
  return `${made} = ${String(node.op.name)}(${Array.from(node.inputs, id => names[id] ?? `#${String(id)}`).join(', ')})`
}

const shapeOf = (graph: Graph, id: number): string => safely(() => shapeText(graph.shapes[id]!), '?')

function safely<T, U>(make: () => T, instead: U): T | U {
  try {
    return make()
  } catch {
    return instead
  }
}
