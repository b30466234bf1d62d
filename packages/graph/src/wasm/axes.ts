import { type Graph, isGraph } from '../graph.js'
import type { ScanAttrs } from '../scan/attrs.js'

/** Every named axis in a graph and in the bodies of its loops. */
export function axesIn(graph: Graph): ReadonlySet<string> {
  const found = new Set<string>()
  const visit = (part: Graph): void => {
    for (const shape of part.shapes) for (const dim of shape) if (typeof dim === 'string') found.add(dim)
    for (const node of part.nodes)
      if (node.kind === 'apply')
        for (const setting of Object.values(node.attrs)) if (isGraph(setting)) visit(setting)
  }
  visit(graph)
  return found
}

/**
 * The axes whose length a program takes at run time: those that loops run along, where every value has them in front.
 * The others are compiled in.
 */
export function dynamicAxes(graph: Graph): readonly string[] {
  const along = new Set<string>()
  const inside = new Set<string>()
  const visit = (part: Graph): void => {
    for (const shape of part.shapes)
      shape.forEach((dim, i) => typeof dim === 'string' && i > 0 && inside.add(dim))
    for (const node of part.nodes) {
      if (node.kind !== 'apply') continue
      if (node.op.emission?.kind === 'loop') {
        const { length } = node.attrs as ScanAttrs
        if (typeof length === 'string') along.add(length)
      }
      for (const setting of Object.values(node.attrs)) if (isGraph(setting)) visit(setting)
    }
  }
  visit(graph)
  return [...along].filter(axis => !inside.has(axis))
}
