import type { ApplyNode, Graph, Node } from './graph.js'
import { showShape } from './shape.js'
import { nested, type Tensor } from './tensor.js'

/**
 * A graph as text, one line a node: what it is called, its shape, the op and what it reads.
 *
 * Scalars stand where they are used; a loop's body is indented below it.
 *
 * @example
 * graph(x: [3], w: [3]) {
 *   a: [3] = mul(w, x)
 *   b: [] = sumTo(a, shape: [])
 *   return loss: b
 * }
 */
export function print(graph: Graph): string {
  return lines(graph, 'graph').join('\n')
}

function lines(graph: Graph, head: string): readonly string[] {
  const names = nameValues(graph)
  const body = graph.nodes.flatMap(node => nodeLines(graph, node, names))
  const inputs = graph.inputs.map(port => `${port.name}: ${showShape(graph.shapes[port.value]!)}`)
  const outputs = graph.outputs.map(port =>
    port.name === names[port.value] ? port.name : `${port.name}: ${names[port.value]}`,
  )
  return [
    `${head}(${inputs.join(', ')}) {`,
    ...[...body, `return ${outputs.join(', ')}`].map(line => `  ${line}`),
    '}',
  ]
}

/** Inputs by their names, scalars by their values, all others by letters in the order they are made. */
function nameValues(graph: Graph): readonly string[] {
  const taken = new Set(graph.inputs.map(port => port.name))
  const names: string[] = []
  let made = 0
  const fresh = (): string => {
    for (;;) {
      const name = letters(made++)
      if (!taken.has(name)) return name
    }
  }
  for (const node of graph.nodes)
    for (const id of node.outputs)
      names[id] =
        node.kind === 'input'
          ? node.name
          : node.kind === 'constant'
            ? (literal(node.value) ?? fresh())
            : fresh()
  return names
}

const letters = (n: number): string =>
  (n >= 26 ? letters(Math.floor(n / 26) - 1) : '') + String.fromCharCode(97 + (n % 26))

/** A scalar as a number that reads back to the same bits. */
const literal = ({ shape, data }: Tensor): string | undefined =>
  shape.length === 0 ? number(data[0]!) : undefined
const number = (value: number): string => (Object.is(value, -0) ? '-0' : String(value))

function nodeLines(graph: Graph, node: Node, names: readonly string[]): readonly string[] {
  if (node.kind === 'input') return []
  const made = node.outputs.map(id => `${names[id]}: ${showShape(graph.shapes[id]!)}`).join(', ')
  if (node.kind === 'apply') return applyLines(made, node, names)
  return node.value.shape.length === 0 ? [] : [`${made} = ${JSON.stringify(nested(node.value))}`]
}

function applyLines(made: string, node: ApplyNode, names: readonly string[]): readonly string[] {
  const settings = Object.entries(node.attrs)
  const plain = settings
    .filter(([, value]) => !isGraph(value))
    .map(([key, value]) => `${key}: ${setting(value)}`)
  const call = `${made} = ${node.op.name}(${[...node.inputs.map(id => names[id]), ...plain].join(', ')})`
  const bodies = settings.flatMap(([key, value]) => (isGraph(value) ? lines(value, key) : []))
  return [call, ...bodies.map(line => `  ${line}`)]
}

const isGraph = (value: unknown): value is Graph =>
  typeof value === 'object' && value !== null && 'nodes' in value

const setting = (value: unknown): string =>
  Array.isArray(value) ? showShape(value) : typeof value === 'string' ? `'${value}'` : String(value)
