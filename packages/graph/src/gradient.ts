import { Builder } from './builder.js'
import { add } from './elementwise.js'
import { GraphError } from './error.js'
import type { Graph, InputNode, Linearized, Port } from './graph.js'
import { zeros } from './linear.js'
import { prune } from './prune.js'
import type { Ref } from './ref.js'
import { copyNodes } from './rewrite/nodes.js'
import { showShape } from './shape.js'
import { didYouMean } from './text/nearest.js'
import { joined } from './trace.js'

/** Which derivative: of the scalar output `of`, by the inputs `by` (a name, or the prefix of several: `params`). */
export interface Slope<B extends string = string> {
  readonly of: string
  readonly by: readonly B[]
}

/**
 * The graph of a gradient: same inputs, and one output per input in `by`, under the input's name.
 *
 * Reverse mode: nodes are read backwards, each pulls its cotangent back through its op, cotangents of a value that is
 * used several times add up [werbos1990]. An input that `of` does not depend on gets an exact zero. The result is
 * a graph like any other: it can be printed, compiled, differentiated again.
 *
 * @throws GraphError `unknown-output`, `unknown-input`, `not-scalar`.
 */
export function gradient<In, Out, const B extends string>(
  graph: Graph<In, Out>,
  slope: Slope<B>,
): Graph<In, { readonly [K in B & keyof In]: In[K] }> {
  return differentiate(graph, slope, () => []) as Graph<In, { readonly [K in B & keyof In]: In[K] }>
}

/** As `gradient`, with the graph's own outputs kept and the gradients named `gradient.<input>`. */
export function valueAndGradient<In, Out, const B extends string>(
  graph: Graph<In, Out>,
  slope: Slope<B>,
): Graph<In, Out & { readonly gradient: { readonly [K in B & keyof In]: In[K] } }> {
  const made = differentiate(graph, slope, outputs => outputs, 'gradient')
  return made as Graph<In, Out & { readonly gradient: { readonly [K in B & keyof In]: In[K] } }>
}

function differentiate(
  graph: Graph,
  { of, by }: Slope,
  keep: (outputs: readonly Port[]) => readonly Port[],
  prefix = '',
): Graph {
  const builder = new Builder()
  const inputs = graph.inputs.map(port => builder.input(port.name, graph.shapes[port.value]!))
  const wanted = selectInputs(graph, by)
  const at = graph.outputs.findIndex(port => port.name === of)
  if (at < 0) throw unknownOutput(graph, of)
  const { outputs, pullback } = linearizeGraph(builder, graph, inputs, wanted)
  if (outputs[at]!.shape.length > 0) throw notScalar(of, outputs[at]!)
  const cotangents = pullback(outputs.map((_, i) => (i === at ? builder.constant(1) : null)))
  const slopes = inputs.flatMap((input, i) =>
    wanted[i]
      ? [
          {
            name: joined(prefix, graph.inputs[i]!.name),
            value: (cotangents[i] ?? zeros(input, input.shape)).id,
          },
        ]
      : [],
  )
  const kept = keep(graph.outputs.map((port, i) => ({ name: port.name, value: outputs[i]!.id })))
  return prune(builder.build([...kept, ...slopes]))
}

/** Which inputs are named by `by`, or stand under a name in it. */
export function selectInputs(graph: Graph, by: readonly string[]): readonly boolean[] {
  const hit = (name: string, wanted: string): boolean =>
    name === wanted || wanted === '' || name.startsWith(`${wanted}.`)
  const names = graph.inputs.map(port => port.name)
  for (const wanted of by)
    if (!names.some(name => hit(name, wanted)))
      throw new GraphError(
        'unknown-input',
        `'${wanted}'`,
        `is not an input; inputs are ${names.join(', ') || 'none'}`,
        didYouMean(wanted, names),
      )
  return names.map(name => by.some(wanted => hit(name, wanted)))
}

function unknownOutput(graph: Graph, of: string): GraphError {
  const names = graph.outputs.map(port => port.name)
  const detail = `is not an output; outputs are ${names.join(', ') || 'none'}`
  return new GraphError('unknown-output', `'${of}'`, detail, didYouMean(of, names))
}

function notScalar(of: string, value: Ref): GraphError {
  const shape = showShape(value.shape)
  return new GraphError(
    'not-scalar',
    `'${of}'`,
    `has the shape ${shape}; a gradient needs a scalar`,
    'sum or average it first',
  )
}

/** A graph copied into a builder, with the way back to the active inputs. */
export interface LinearizedGraph {
  readonly outputs: readonly Ref[]
  readonly active: readonly boolean[]
  readonly pullback: (cotangents: readonly (Ref | null)[]) => readonly (Ref | null)[]
}

interface TapeEntry {
  readonly linearized: Linearized
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  readonly wants: readonly boolean[]
}

/**
 * Appends the nodes of `graph` to `builder`, applied to `inputs`, remembering the pullback of every node that
 * depends on a wanted input. The pullback appends the backward nodes; it may be called once per set of cotangents.
 */
export function linearizeGraph(
  builder: Builder,
  graph: Graph,
  inputs: readonly Ref[],
  wanted: readonly boolean[],
): LinearizedGraph {
  const active: boolean[] = new Array(graph.shapes.length).fill(false)
  const tape: TapeEntry[] = []
  let read = 0
  const input = ({ outputs: [id] }: InputNode): Ref => {
    active[id] = wanted[read]!
    return inputs[read++]!
  }
  const refs = copyNodes(builder, graph, input, (node, from) => {
    const wants = node.inputs.map((id, i) => active[id]! && node.op.differentiable(i))
    if (!wants.includes(true)) return builder.apply(node.op, from, node.attrs)
    const linearized = node.op.linearize(from, node.attrs, wants)
    tape.push({ linearized, inputs: node.inputs, outputs: node.outputs, wants })
    for (const id of node.outputs) active[id] = true
    return linearized.outputs
  })
  return {
    outputs: graph.outputs.map(port => refs[port.value]!),
    active: graph.outputs.map(port => active[port.value]!),
    pullback: cotangents => pullBack(graph, tape, cotangents),
  }
}

function pullBack(
  graph: Graph,
  tape: readonly TapeEntry[],
  cotangents: readonly (Ref | null)[],
): readonly (Ref | null)[] {
  const bar: (Ref | undefined)[] = new Array(graph.shapes.length)
  const accumulate = (id: number, g: Ref): void => {
    const seen = bar[id]
    bar[id] = seen === undefined ? g : add(seen, g) // fan-out sums
  }
  graph.outputs.forEach((port, i) => {
    const g = cotangents[i]
    if (g) accumulate(port.value, g)
  })
  for (let i = tape.length - 1; i >= 0; i--) {
    // evaluation order read backwards
    const { linearized, inputs, outputs, wants } = tape[i]!
    const gs = outputs.map(id => bar[id] ?? null)
    if (gs.every(g => g === null)) continue
    linearized.pullback(gs).forEach((g, k) => {
      if (g && wants[k]) accumulate(inputs[k]!, g)
    })
  }
  return graph.inputs.map(port => bar[port.value] ?? null)
}
