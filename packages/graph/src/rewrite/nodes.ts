import { Builder } from '../builder.js'
import type { ApplyNode, Graph, InputNode } from '../graph.js'
import type { Home, Ref } from '../ref.js'

/** The outputs of an application, written with these inputs. */
export type Write<To> = (node: ApplyNode, inputs: readonly Ref[], builder: To) => readonly Ref[]

const asItIs: Write<Home> = ({ op, attrs }, inputs, builder) => builder.apply(op, inputs, attrs)

/** Appends the nodes of a graph to a builder: `input` says what stands for an input, `write` how an application is written. Refs by value id. */
export function copyNodes<To extends Home>(
  builder: To,
  graph: Graph,
  input: (node: InputNode) => Ref,
  write: Write<To> = asItIs,
): readonly Ref[] {
  const refs: Ref[] = new Array(graph.shapes.length)
  for (const node of graph.nodes) {
    if (node.kind === 'input') refs[node.outputs[0]] = input(node)
    else if (node.kind === 'constant') refs[node.outputs[0]] = builder.constant(node.value)
    else {
      const made = write(
        node,
        node.inputs.map(id => refs[id]!),
        builder,
      )
      node.outputs.forEach((id, k) => {
        refs[id] = made[k]!
      })
    }
  }
  return refs
}

/** The graph with every application written another way. */
export function rewritten<In, Out>(graph: Graph<In, Out>, write: Write<Builder>): Graph<In, Out> {
  const builder = new Builder()
  const input = ({ name, outputs: [id] }: InputNode): Ref => builder.input(name, graph.shapes[id]!)
  const refs = copyNodes(builder, graph, input, write)
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: refs[value]!.id }))
  return builder.build(outputs) as Graph<In, Out>
}
