import { GraphError } from './error.js'
import type { Graph, Node, Tensors } from './graph.js'
import { type Bindings, bindShape, type Shape, showShape } from './shape.js'
import { isTensor, type Nested, type Tensor, tensor } from './tensor.js'
import { didYouMean } from './text/nearest.js'
import { grow, leaves, type Tree } from './tree.js'

/** Numbers for every input, nested like the inputs or flat by dotted name. */
export type Values = Tree<Nested | Tensor>

/**
 * Runs a graph in plain JavaScript, in float64: the oracle that compiled programs are held to.
 *
 * Reads nodes in order and calls each op's forward function. Values are IEEE: NaN and ±∞ pass through.
 * @returns tensors, nested like the outputs.
 * @throws GraphError `missing-input`, `extra-input`, `shape` where values do not match the inputs.
 */
export function evaluate<In, Out>(graph: Graph<In, Out>, values: Values): Tensors<Out> {
  const given = readInputs(graph, values) as readonly Tensor[]
  const bindings = bindAxes(graph, given)
  const results = run(graph, given, bind(graph, bindings), bindings)
  return grow(graph.outputs.map(port => [port.name, results[port.value]!] as const)) as Tensors<Out>
}

/**
 * The values of a graph's inputs as tensors by name, checked as `evaluate` checks them: for code that runs a graph in parts.
 * @throws GraphError `missing-input`, `extra-input`, `shape`.
 */
export function inputTensors(graph: Graph, values: Values): ReadonlyMap<string, Tensor> {
  const given = readInputs(graph, values) as readonly Tensor[]
  bindAxes(graph, given)
  return new Map(graph.inputs.map(({ name }, i) => [name, given[i]!]))
}

/** The values as tensors in the order of the graph's inputs, checked. Only `optional` inputs may be missing. */
export function readInputs(
  graph: Graph,
  values: Values,
  optional: (name: string) => boolean = () => false,
): readonly (Tensor | undefined)[] {
  const given = new Map(leaves(values, isNested, 'evaluate'))
  let found = 0
  const read = graph.inputs.map(({ name }) => {
    const value = given.get(name)
    if (value === undefined && optional(name)) return undefined
    if (value === undefined) throw extraInput(graph, given) ?? missingInput(name, given)
    found++
    return tensorOf(name, value)
  })
  if (found < given.size) throw extraInput(graph, given)!
  return read
}

/** What is wrong with the first value that no input has the name of; undefined where every one has. */
function extraInput({ inputs }: Graph, given: ReadonlyMap<string, unknown>): GraphError | undefined {
  const known = inputs.map(port => port.name)
  const name = [...given.keys()].find(one => !known.includes(one))
  if (name === undefined) return undefined
  return new GraphError(
    'extra-input',
    `input '${name}'`,
    `is not an input; inputs are ${known.join(', ') || 'none'}`,
    didYouMean(name, known),
  )
}

function missingInput(name: string, given: ReadonlyMap<string, unknown>): GraphError {
  return new GraphError(
    'missing-input',
    `input '${name}'`,
    `has no value; given ${[...given.keys()].join(', ') || 'none'}`,
    'give a value for every input, nested like the inputs or flat by dotted name',
  )
}

function tensorOf(name: string, value: Nested | Tensor): Tensor {
  try {
    return tensor(value)
  } catch (error) {
    if (!(error instanceof GraphError)) throw error
    throw new GraphError(error.code, `input '${name}'`, error.detail, error.hint)
  }
}

/** True for numbers as an input takes them. */
export const isNested = (value: unknown): value is Nested | Tensor =>
  typeof value === 'number' || Array.isArray(value) || ArrayBuffer.isView(value) || isTensor(value)

/** The lengths of the named axes, read off the inputs; every use of a name has the same length. */
export function bindAxes(graph: Graph, inputs: readonly (Tensor | undefined)[]): Bindings {
  const bindings = new Map<string, number>()
  graph.inputs.forEach((port, i) => {
    const shape = graph.shapes[port.value]!
    const given = inputs[i]?.shape
    if (given === undefined) return
    if (shape.length !== given.length) throw misfit(port.name, shape, given)
    shape.forEach((dim, axis) => {
      const length = given[axis]!
      if (typeof dim === 'number' ? dim === length : (bindings.get(dim) ?? length) === length) {
        if (typeof dim === 'string') bindings.set(dim, length)
        return
      }
      throw typeof dim === 'number'
        ? misfit(port.name, shape, given)
        : unequal(port.name, dim, length, bindings)
    })
  })
  return bindings
}

function misfit(name: string, wanted: Shape, given: readonly number[]): GraphError {
  return new GraphError(
    'shape',
    `input '${name}'`,
    `has the shape ${showShape(given)}; the graph declares ${showShape(wanted)}`,
    given.length === wanted.length
      ? "where lengths differ from run to run, declare a named axis: ['T', 3]"
      : 'give every axis of the declared shape, those of length 1 too',
  )
}

function unequal(name: string, axis: string, length: number, bindings: Bindings): GraphError {
  const other = bindings.get(axis)
  return new GraphError(
    'shape',
    `input '${name}'`,
    `makes axis '${axis}' ${length} long; an earlier input made it ${other}`,
    'a name stands for one length in a run: give axes that differ different names',
  )
}

/** Bound shapes of every value, computed once per run and shared by all steps of a loop. */
export function bind(graph: Graph, bindings: Bindings): readonly (readonly number[])[] {
  return graph.shapes.map((shape, id) => bindShape(shape, bindings, `value ${id}`))
}

/** The values of a graph, by id, for inputs in order. */
export function run(
  graph: Graph,
  inputs: readonly Tensor[],
  shapes: readonly (readonly number[])[],
  bindings: Bindings,
): readonly Tensor[] {
  const values = new Array<Tensor>(shapes.length)
  graph.inputs.forEach((port, i) => {
    values[port.value] = inputs[i]!
  })
  for (const node of graph.nodes) step(node, values, shapes, bindings)
  return values
}

function step(
  node: Node,
  values: Tensor[],
  shapes: readonly (readonly number[])[],
  bindings: Bindings,
): void {
  if (node.kind === 'constant') values[node.outputs[0]] = node.value
  if (node.kind !== 'apply') return
  const results = node.op.forward(
    node.inputs.map(id => values[id]!),
    { attrs: node.attrs, shapes: node.outputs.map(id => shapes[id]!), bindings },
  )
  node.outputs.forEach((id, k) => {
    values[id] = results[k]!
  })
}
