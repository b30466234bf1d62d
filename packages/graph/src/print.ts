import { type ApplyNode, type Graph, isGraph, type Node, type Port } from './graph.js'
import { hasLine, type Names, nameValues } from './text/names.js'
import { tensorText, valueText } from './text/values.js'
import { shapeText, word } from './text/words.js'

/**
 * A graph as text, one line a node: what it is called, its shape, the op and what it reads. `parse` reads it back.
 *
 * Scalars stand where they are used; a loop's body is indented below it. Names that are no plain words are quoted.
 * Settings are plain data; what is not (a function) prints as `<function>`, which does not read back.
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
  const inputs = graph.inputs.map(port => inputText(graph, port, names))
  const made = graph.nodes.flatMap(node => nodeLines(graph, node, names))
  const outputs = graph.outputs.map(port => outputText(port, names))
  const last = outputs.length === 0 ? 'return' : `return ${outputs.join(', ')}`
  return [`${head}(${inputs.join(', ')}) {`, ...[...made, last].map(line => `  ${line}`), '}']
}

const inputText = (graph: Graph, { name, value }: Port, { leading }: Names): string =>
  leading.has(value) ? `${word(name)}: ${shapeText(graph.shapes[value]!)}` : word(name)

function outputText({ name, value }: Port, { text, inlined }: Names): string {
  const same = word(name) === text[value] && !inlined.has(value)
  return same ? word(name) : `${word(name)}: ${text[value]}`
}

/** The text of one node; none for a scalar that stands where it is used, several for a loop. */
export function nodeLines(graph: Graph, node: Node, names: Names): readonly string[] {
  if (!hasLine(node, names)) return []
  const made = node.outputs.map(id => `${names.text[id]}: ${shapeText(graph.shapes[id]!)}`).join(', ')
  if (node.kind === 'apply') return applyLines(made, node, names)
  return [`${made} = ${node.kind === 'input' ? 'input' : tensorText(node.value)}`]
}

function applyLines(made: string, node: ApplyNode, names: Names): readonly string[] {
  const settings = Object.keys(node.attrs).map(key => [key, node.attrs[key]] as const)
  const plain = settings.flatMap(([key, value]) =>
    isGraph(value) ? [] : [`${word(key)}: ${valueText(value, graphText)}`],
  )
  const args = [...node.inputs.map(id => names.text[id]), ...plain].join(', ')
  const bodies = settings.flatMap(([key, value]) => (isGraph(value) ? lines(value, word(key)) : []))
  return [`${made} = ${word(node.op.name)}(${args})`, ...bodies.map(line => `  ${line}`)]
}

const graphText = (graph: Graph): string => lines(graph, 'graph').join(' ')
