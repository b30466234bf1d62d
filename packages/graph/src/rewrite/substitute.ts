import { Builder } from '../builder.js'
import { GraphError } from '../error.js'
import { type Graph, isGraph } from '../graph.js'
import type { Ref } from '../ref.js'
import { type Shape, sameShape, showShape } from '../shape.js'
import { type Nested, type Tensor, tensor } from '../tensor.js'
import { copyNodes } from './nodes.js'

/** What an input is replaced by: numbers, or a graph whose output it becomes. */
export type Substitute = Graph | Tensor | Nested

/**
 * The graph with some inputs replaced, all at once: by numbers, which become constants, or by an output of another
 * graph: the one with the input's name, or else its only one.
 *
 * The inputs of those graphs are inputs of the result; where they have the same name, they are the same input. So
 * `substitute(loss, { y: model })` has the inputs of the model and those of the loss but y, and the x in
 * `substitute(f, { x: graph({ x: [3] }, ({ x }) => square(x)) })` is the x to be squared. Inputs keep their order;
 * new ones follow.
 *
 * @throws GraphError `unknown-input`, `ambiguous-output`, `shape` where shapes are not the same.
 */
export function substitute<Out>(
  graph: Graph<unknown, Out>,
  replacements: Readonly<Record<string, Substitute>>,
): Graph<unknown, Out> {
  checkNames(graph, Object.keys(replacements))
  const table = new Builder()
  const inputs = new Inputs(table)
  const replaced = (name: string): Substitute | undefined =>
    Object.hasOwn(replacements, name) ? replacements[name] : undefined
  for (const { name, value } of graph.inputs)
    if (replaced(name) === undefined) inputs.take(name, graph.shapes[value]!)
  for (const by of Object.values(replacements))
    if (isGraph(by)) for (const { name, value } of by.inputs) inputs.take(name, by.shapes[value]!)
  const shapes = new Map(graph.inputs.map(port => [port.name, graph.shapes[port.value]!] as const))
  const refs = copyNodes(table, graph, ({ name }) => {
    const by = replaced(name)
    const ref = by === undefined ? inputs.take(name, shapes.get(name)!) : valueFor(name, by, table, inputs)
    if (sameShape(ref.shape, shapes.get(name)!)) return ref
    throw misfit(`input '${name}'`, ref.shape, shapes.get(name)!)
  })
  const outputs = graph.outputs.map(({ name, value }) => ({ name, value: refs[value]!.id }))
  return table.build(outputs) as Graph<unknown, Out>
}

function checkNames(graph: Graph, names: readonly string[]): void {
  const known = graph.inputs.map(port => port.name)
  for (const name of names)
    if (!known.includes(name))
      throw new GraphError(
        'unknown-input',
        `'${name}'`,
        `is not an input; inputs are ${known.join(', ') || 'none'}`,
      )
}

/** Inputs of the result, made when they are first asked for. */
class Inputs {
  readonly #table: Builder
  readonly #made = new Map<string, Ref>()

  constructor(table: Builder) {
    this.#table = table
  }

  take(name: string, shape: Shape): Ref {
    const known = this.#made.get(name)
    if (known !== undefined && !sameShape(known.shape, shape))
      throw misfit(`input '${name}'`, shape, known.shape)
    const ref = known ?? this.#table.input(name, shape)
    this.#made.set(name, ref)
    return ref
  }
}

function valueFor(name: string, by: Substitute, table: Builder, inputs: Inputs): Ref {
  if (!isGraph(by)) return table.constant(typeof by === 'number' ? by : tensor(by))
  const output = by.outputs.find(port => port.name === name) ?? onlyOutput(name, by)
  const shapes = new Map(by.inputs.map(port => [port.name, by.shapes[port.value]!] as const))
  return copyNodes(table, by, inner => inputs.take(inner.name, shapes.get(inner.name)!))[output.value]!
}

function onlyOutput(name: string, by: Graph): { readonly value: number } {
  if (by.outputs.length === 1) return by.outputs[0]!
  throw new GraphError(
    'ambiguous-output',
    `input '${name}'`,
    `is replaced by a graph with the outputs ${by.outputs.map(port => port.name).join(', ') || 'none'}; one of them has the input's name, or there is only one`,
  )
}

const misfit = (where: string, given: Shape, wanted: Shape): GraphError =>
  new GraphError(
    'shape',
    where,
    `is replaced by ${showShape(given)} where ${showShape(wanted)} is declared; the shapes are the same`,
  )
