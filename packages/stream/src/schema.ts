import { type Graph, graph, isShape, mapTree, print, type Ref, type Shape, type Tree } from '@bptt/graph'
import type { Cell } from '@bptt/unroll'
import { eventShapes } from './estimator.js'
import type { Schema } from './state.js'
import type { Setup } from './step.js'

/** The parts of a schema that may be meant to differ from those of a snapshot. */
export const CHANGEABLE = ['model', 'loss', 'optimizer', 'estimator'] as const

/** The schema of a training step. */
export function schemaOf({ model, loss, optimizer, estimator, lanes }: Setup): Schema {
  const target = eventShapes({ model, loss }).target
  const inputs = { y: [1, ...model.output], target: [1, ...target] }
  const judged = graph(inputs as Tree<Shape>, refs => {
    const { y, target } = refs as unknown as { readonly y: Ref; readonly target: Ref }
    return { loss: loss(y, target) }
  })
  const parts = {
    model: `${model.name} #${hashOf(print(stepOf(model)))}`,
    loss: `#${hashOf(print(judged))}`,
    ...{ optimizer: optimizer.text, estimator: estimator.text, lanes },
  }
  return { ...parts, hash: hashOf(JSON.stringify(parts)) }
}

/** One step of a model as a graph. */
function stepOf({ params, carry, input, step }: Cell): Graph {
  const ahead = mapTree(carry, isShape, shape => [1, ...shape])
  return graph({ params, carry: ahead, x: [1, ...input] } as Tree<Shape>, refs => {
    const given = refs as unknown as {
      readonly params?: Tree<Ref> // missing where there are none
      readonly carry?: Tree<Ref>
      readonly x: Ref
    }
    const [next, y] = step(given.params ?? {}, given.carry ?? {}, given.x)
    return { carry: next, y }
  })
}

/** 64 bits as 16 digits: FNV-1a from two beginnings. It tells texts apart, not more. */
function hashOf(text: string): string {
  const from = (start: number): string => {
    let hash = start
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
    return (hash >>> 0).toString(16).padStart(8, '0')
  }
  return from(0x811c9dc5) + from(0x050c5d1f)
}
