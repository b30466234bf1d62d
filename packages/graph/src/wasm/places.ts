import type { Emission } from '../emission.js'
import type { ApplyNode, Graph } from '../graph.js'
import type { Dim } from '../shape.js'
import type { View } from './view.js'

/** How parts of a value lie in it. */
export type Place = Extract<Emission, { kind: 'place' }>

/** What reserving needs of a level. */
export interface Places {
  readonly graph: Graph
  readonly shapes: readonly (readonly Dim[])[]
  home(value: number): View
  reserve(value: number, view: View): boolean
}

/** Where the parts of a value lie in it. */
export function partsIn(
  all: readonly (readonly Dim[])[],
  node: ApplyNode,
  parts: Place['parts'],
  to: View,
): readonly View[] {
  const { axis } = parts(node.attrs, [])
  const shapes = node.inputs.map(id => all[id]!)
  const { starts } = parts(
    node.attrs,
    shapes.map(shape => shape[axis]!),
  )
  return shapes.map((shape, i) => ({ ...to, shape, offset: to.offset + starts[i]! * to.strides[axis]! }))
}

/**
 * Gives the parts of joined values their places, so that they are written there: from the last node back, so that a
 * part of a part finds its place too. A value that only pads stays apart: its surroundings are filled first.
 */
export function reserveParts(level: Places): void {
  for (const node of level.graph.nodes.toReversed()) {
    if (node.kind !== 'apply' || node.op.emission?.kind !== 'place' || !node.op.variadic) continue
    const to = level.home(node.outputs[0]!)
    const places = partsIn(level.shapes, node, node.op.emission.parts, to)
    node.inputs.forEach((id, i) => {
      level.reserve(id, places[i]!)
    })
  }
}
