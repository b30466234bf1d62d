import type { Graph } from '../graph.js'
import { type Box, type DrawOptions, type Outline, outline } from './outline.js'

const frames: Readonly<Record<Box['kind'], readonly [string, string]>> = {
  input: ['([', '])'],
  constant: ['[', ']'],
  apply: ['[', ']'],
  output: ['(((', ')))'],
  note: ['>', ']'],
}

/**
 * A graph as a Mermaid flowchart; a loop is a subgraph around its body. Arrows carry shapes.
 * Beyond `limit` nodes (500), a note says how many are not drawn.
 */
export function toMermaid(graph: Graph, options: DrawOptions = {}): string {
  return ['flowchart TB', ...lines(outline(graph, options), '  ')].join('\n')
}

function lines({ boxes, arrows }: Outline, indent: string): readonly string[] {
  return [
    ...boxes.flatMap(box => boxLines(box, indent)),
    ...arrows.map(([from, to, label]) => `${indent}${from} -->|${quote([label])}| ${to}`),
  ]
}

function boxLines({ id, kind, label, inside }: Box, indent: string): readonly string[] {
  const [open, close] = frames[kind]
  const own = `${id}${open}${quote(label)}${close}`
  if (inside === undefined) return [`${indent}${own}`]
  const deeper = `${indent}  `
  return [
    `${indent}subgraph ${id}s [${quote([label[0]!])}]`,
    `${deeper}${own}`,
    ...lines(inside, deeper),
    `${indent}end`,
  ]
}

/** Lines of text in quotes; every sign that Mermaid or HTML reads is written as its number. */
const quote = (text: readonly string[]): string => `"${text.map(safe).join('<br/>')}"`
const safe = (text: string): string =>
  text.replace(/[^\p{L}\p{N} '.,:=_…→()[\]-]/gu, char => (/\s/.test(char) ? ' ' : `#${char.codePointAt(0)};`))
