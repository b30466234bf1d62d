import { Builder } from '../builder.js'
import { bind, bindAxes, run } from '../evaluate.js'
import { linearizeGraph } from '../gradient.js'
import type { Graph } from '../graph.js'
import { zeros } from '../linear.js'
import { prune } from '../prune.js'
import type { Ref } from '../ref.js'
import { pushGraph } from '../tangent.js'
import type { Vector } from './vectors.js'

/** A graph as a function of vectors, with its derivative in both modes. */
export interface Mapping {
  readonly graph: Graph
  /** Outputs for inputs, both in the order of the graph. */
  readonly call: (inputs: Vector) => Vector
  /** Jᵀw: cotangents of all outputs to cotangents of the wanted inputs. */
  readonly pull: (inputs: Vector, cotangents: Vector) => Vector
  /** J v: tangents of the wanted inputs to tangents of all outputs. */
  readonly push: (inputs: Vector, tangents: Vector) => Vector
}

/** The graph and its two derivatives, each built when it is first needed. */
export function mappingOf(graph: Graph, wanted: readonly boolean[] = graph.inputs.map(() => true)): Mapping {
  const pull = once(() => caller(pullbackGraph(graph, wanted)))
  const push = once(() => caller(pushforwardGraph(graph, wanted)))
  return {
    graph,
    call: caller(graph),
    pull: (inputs, cotangents) => pull()([...inputs, ...cotangents]),
    push: (inputs, tangents) => push()([...inputs, ...tangents]),
  }
}

/** The graph as a function of its inputs, in order. */
export function caller(graph: Graph): (inputs: Vector) => Vector {
  return inputs => {
    const values = allValues(graph, inputs)
    return graph.outputs.map(port => values[port.value]!)
  }
}

/** Every value of one evaluation, by id. */
export function allValues(graph: Graph, inputs: Vector): Vector {
  const bindings = bindAxes(graph, inputs)
  return run(graph, inputs, bind(graph, bindings), bindings)
}

/** Inputs, then a cotangent per output `bar.<output>`, to a cotangent per wanted input. */
export function pullbackGraph(graph: Graph, wanted: readonly boolean[]): Graph {
  const builder = new Builder()
  const inputs = graph.inputs.map(port => builder.input(port.name, graph.shapes[port.value]!))
  const line = linearizeGraph(builder, graph, inputs, wanted)
  const seeds = graph.outputs.map((port, i) => builder.input(`bar.${port.name}`, line.outputs[i]!.shape))
  const cotangents = line.pullback(seeds)
  const made = inputs.map((input, i) => cotangents[i] ?? zeros(input, input.shape))
  return named(
    builder,
    graph.inputs.map(port => port.name),
    made,
    wanted,
  )
}

/** Inputs, then a tangent per wanted input `dot.<input>`, to a tangent per output. */
function pushforwardGraph(graph: Graph, wanted: readonly boolean[]): Graph {
  const builder = new Builder()
  const inputs = graph.inputs.map(port => builder.input(port.name, graph.shapes[port.value]!))
  const dots = graph.inputs.map((port, i) =>
    wanted[i] ? builder.input(`dot.${port.name}`, graph.shapes[port.value]!) : null,
  )
  const { outputs, tangents } = pushGraph(builder, graph, inputs, dots)
  const made = outputs.map((output, i) => tangents[i] ?? zeros(output, output.shape))
  return named(
    builder,
    graph.outputs.map(port => port.name),
    made,
  )
}

function named(
  builder: Builder,
  names: readonly string[],
  refs: readonly Ref[],
  wanted: readonly boolean[] = refs.map(() => true),
): Graph {
  const ports = refs.flatMap((ref, i) => (wanted[i] ? [{ name: names[i]!, value: ref.id }] : []))
  return prune(builder.build(ports))
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}
