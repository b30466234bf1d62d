import { type Graph, isGraph, type Node } from '../graph.js'
import { nameValues } from '../text/names.js'
import { tensorText, valueText } from '../text/values.js'
import { shapeText } from '../text/words.js'

/** How a graph is drawn. */
export interface DrawOptions {
  /** Nodes drawn, those of loops included; the others are counted in a note. 500 by default. */
  readonly limit?: number
}

/** A box of the drawing. */
export interface Box {
  readonly id: string
  readonly kind: Node['kind'] | 'output' | 'note'
  readonly label: readonly string[]
  /** Boxes inside: the body of a loop. */
  readonly inside?: Outline
}

/** What is drawn: boxes, and arrows from box to box. */
export interface Outline {
  readonly boxes: readonly Box[]
  readonly arrows: readonly (readonly [from: string, to: string, label: string])[]
}

/** Boxes and arrows of a graph; nothing of it depends on the language they are drawn in. */
export function outline(graph: Graph, { limit = 500 }: DrawOptions): Outline {
  return draw(graph, '', { left: limit })
}

function draw(graph: Graph, prefix: string, budget: { left: number }): Outline {
  const names = nameValues(graph)
  const boxes: Box[] = []
  const arrows: (readonly [string, string, string])[] = []
  const makers = new Map<number, string>()
  let skipped = 0
  graph.nodes.forEach((node, i) => {
    if (budget.left-- <= 0) {
      skipped++
      return
    }
    const id = `${prefix}n${i}`
    boxes.push(boxOf(graph, node, id, names.text, budget))
    for (const value of node.outputs) makers.set(value, id)
    if (node.kind === 'apply')
      for (const value of node.inputs)
        if (makers.has(value)) arrows.push([makers.get(value)!, id, shapeText(graph.shapes[value]!)])
  })
  graph.outputs.forEach(({ name, value }, i) => {
    if (!makers.has(value)) return
    boxes.push({ id: `${prefix}out${i}`, kind: 'output', label: [name] })
    arrows.push([makers.get(value)!, `${prefix}out${i}`, shapeText(graph.shapes[value]!)])
  })
  if (skipped > 0) boxes.push({ id: `${prefix}more`, kind: 'note', label: [`… ${skipped} more nodes`] })
  return { boxes, arrows }
}

function boxOf(
  graph: Graph,
  node: Node,
  id: string,
  names: readonly string[],
  budget: { left: number },
): Box {
  const shape = shapeText(graph.shapes[node.outputs[0]!]!)
  if (node.kind === 'input') return { id, kind: 'input', label: [node.name, shape] }
  if (node.kind === 'constant') return { id, kind: 'constant', label: [shortened(tensorText(node.value))] }
  const made = node.outputs.map(value => names[value]).join(', ')
  const settings = Object.keys(node.attrs).filter(key => !isGraph(node.attrs[key]))
  const shown = settings.map(key => `${key}: ${valueText(node.attrs[key], () => 'graph')}`)
  const label = [`${made} = ${node.op.name}`, ...shown.map(shortened)]
  const bodies = Object.values(node.attrs).filter(isGraph)
  if (bodies.length === 0) return { id, kind: 'apply', label }
  const parts = bodies.map((body, k) => draw(body, `${id}b${k}`, budget))
  return {
    id,
    kind: 'apply',
    label,
    inside: { boxes: parts.flatMap(p => p.boxes), arrows: parts.flatMap(p => p.arrows) },
  }
}

const shortened = (text: string): string => (text.length > 40 ? `${text.slice(0, 39)}…` : text)
