import type { Graph } from '../graph.js'
import { type Box, type DrawOptions, type Outline, outline } from './outline.js'

const shapes: Readonly<Record<Box['kind'], string>> = {
  input: 'shape=ellipse',
  constant: 'shape=plaintext',
  apply: 'shape=box',
  output: 'shape=ellipse, peripheries=2',
  note: 'shape=note',
}

/**
 * A graph in the DOT language of Graphviz; a loop is a cluster around its body. Arrows carry shapes.
 * Beyond `limit` nodes (500), a note says how many are not drawn.
 */
export function toDot(graph: Graph, options: DrawOptions = {}): string {
  return ['digraph {', '  rankdir=TB', ...lines(outline(graph, options), '  '), '}'].join('\n')
}

function lines({ boxes, arrows }: Outline, indent: string): readonly string[] {
  return [
    ...boxes.flatMap(box => boxLines(box, indent)),
    ...arrows.map(([from, to, label]) => `${indent}${from} -> ${to} [label=${quote(label)}]`),
  ]
}

function boxLines({ id, kind, label, inside }: Box, indent: string): readonly string[] {
  const own = `${indent}${id} [${shapes[kind]}, label=${label.map(safe).join('\\n').replace(/^.*$/s, '"$&"')}]`
  if (inside === undefined) return [own]
  const deeper = `${indent}  `
  return [
    `${indent}subgraph cluster_${id} {`,
    `${deeper}label=${quote(label[0]!)}`,
    `${deeper}${own.trimStart()}`,
    ...lines(inside, deeper),
    `${indent}}`,
  ]
}

const safe = (text: string): string => text.replace(/["\\]/g, '\\$&').replace(/\s/g, ' ')
const quote = (text: string): string => `"${safe(text)}"`
