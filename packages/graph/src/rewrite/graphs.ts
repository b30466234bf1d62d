import type { Attrs } from '../attrs.js'
import { type Graph, isGraph } from '../graph.js'

/** The settings with every graph among them changed; the same object where none is. */
export function mapGraphs(attrs: Attrs, change: (graph: Graph) => Graph): Attrs {
  let changed: Record<string, unknown> | undefined
  for (const key in attrs) {
    const value = attrs[key]
    if (isGraph(value)) changed = { ...(changed ?? attrs), [key]: change(value) }
  }
  return changed ?? attrs
}
