import { Builder } from './builder.js'
import { GraphError } from './error.js'
import type { Graph, Port } from './graph.js'
import { type Home, isRef, type Ref } from './ref.js'
import { copyNodes } from './rewrite/nodes.js'
import { type Shape, sameShape, showShape } from './shape.js'
import { grow, leaves, type Tree } from './tree.js'

/** The tree `T` with a ref in the place of every shape. */
export type Refs<T> = T extends Shape ? Ref<T> : { readonly [K in keyof T]: Refs<T[K]> }

/** True for a shape as a user writes it. */
export function isShape(value: unknown): value is Shape {
  return Array.isArray(value)
}

/**
 * A graph from a plain function: `build` gets a ref per input and returns the outputs.
 *
 * Inputs and outputs are trees; their names are dotted paths (`params.U`). A shape may name axes, whose lengths
 * are bound at run time: `{ x: ['T', 3] }`.
 *
 * @example
 * const loss = graph({ x: [3], w: [3] }, ({ x, w }) => ({ loss: sum(square(sub(mul(w, x), 1))) }))
 * @throws GraphError `foreign-node` where an output belongs to another graph; `bad-shape`, `bad-tree`.
 */
export function graph<const In extends Tree<Shape>, Out extends Tree<Ref>>(
  inputs: In,
  build: (refs: Refs<In>) => Out,
): Graph<In, Out> {
  const builder = new Builder()
  const refs = declare(builder, inputs, '')
  return builder.build(ports(builder, build(refs as Refs<In>), 'graph')) as Graph<In, Out>
}

/** Adds an input per leaf, with `prefix` before its name; the tree of the refs. */
function declare(builder: Builder, shapes: Tree<Shape>, prefix: string): Tree<Ref> {
  const found = leaves(shapes, isShape, 'graph')
  return grow(found.map(([name, shape]) => [name, builder.input(joined(prefix, name), shape)] as const))
}

/** The leaves of a tree of refs as named outputs of this builder's graph. */
function ports(builder: Builder, outputs: Tree<Ref>, where: string): readonly Port[] {
  return leaves(outputs, isTermLike, where).map(([name, ref]) => ({
    name,
    value: builder.adopt(ref, `output '${name}'`).id,
  }))
}

/** Two dotted paths as one; either may be empty. */
export function joined(prefix: string, name: string): string {
  return prefix === '' || name === '' ? prefix + name : `${prefix}.${name}`
}

const isTermLike = (value: unknown): value is Ref => isRef(value) || typeof value === 'number'

/**
 * Copies a graph into the one that `inputs` belong to: its inputs are replaced by these refs, by name.
 * @returns the outputs as refs.
 * @throws GraphError `missing-input` where an input has no ref.
 */
export function inline<In, Out>(graph: Graph<In, Out>, inputs: Tree<Ref>): Out {
  const given = new Map(leaves(inputs, isRef, 'inline'))
  const home = [...given.values()].reduce<Home | undefined>(
    (best, ref) => (best === undefined || ref.builder.depth > best.depth ? ref.builder : best),
    undefined,
  )
  if (home === undefined)
    throw new GraphError('no-graph', 'inline', 'has no input, so there is no graph to copy into')
  const refs = copyNodes(home, graph, ({ name }) => {
    const ref = given.get(name)
    if (ref !== undefined) return home.adopt(fitting(graph, name, ref), `input '${name}'`)
    throw new GraphError(
      'missing-input',
      'inline',
      `input '${name}' has no ref; given ${[...given.keys()].join(', ')}`,
    )
  })
  return grow(graph.outputs.map(port => [port.name, refs[port.value]!] as const)) as Out
}

/** A ref that has the shape its input declares. */
function fitting(graph: Graph, name: string, ref: Ref): Ref {
  const shape = graph.shapes[graph.inputs.find(port => port.name === name)!.value]!
  if (sameShape(shape, ref.shape)) return ref
  throw new GraphError(
    'shape',
    'inline',
    `input '${name}' gets ${showShape(ref.shape)}; the graph declares ${showShape(shape)}`,
  )
}
