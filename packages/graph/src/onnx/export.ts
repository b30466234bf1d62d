import { GraphError } from '../error.js'
import { bindAxes, readInputs, type Values } from '../evaluate.js'
import type { ApplyNode, Graph, Port } from '../graph.js'
import { optimised } from '../optimise.js'
import { type Edge, modelBytes } from './message.js'
import { written } from './rules.js'
import { type Place, Sheet } from './sheet.js'

/** What is exported beside the graph itself. */
export interface OnnxOptions {
  /** Inputs that are fixed in the model, such as trained parameters: nested like the inputs or flat by dotted name. */
  readonly values?: Values
  /** Name of the graph; `graph` where not given. */
  readonly name?: string
  /** What the model is, for people who look at it. */
  readonly description?: string
  /** Texts that are kept in the model. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** ONNX 1.12 of 2022: the oldest with every operator that is needed, so that most runtimes have it. */
const OPSET = 17
const IR_VERSION = 8

/**
 * The bytes of an ONNX model that computes what the graph does, in float32: for onnxruntime and whatever else reads the format.
 *
 * Inputs and outputs have the graph's dotted names and shapes, with named axes as symbolic dimensions; an output that has the name of
 * an input is called `NAME_out`. All are float32, ids too. Inputs in `values` become initialisers, named as they were. A scan becomes
 * a `Scan`. ONNX operators decide what becomes of NaN and infinities, of ids that are no rows, and of bits beyond float32's 24.
 *
 * An op of one's own is exported where it declares `lanes`, or `lower` in ops that are.
 *
 * Opset 17, IR version 8.
 * @throws GraphError `onnx-op` where an op has no form in ONNX (`uniform` and dropout, ops without `lanes` or `lower`); `onnx-range` where a number is none
 * in float32; `extra-input`, `shape`, `unbound-axis`.
 */
export function toOnnx(graph: Graph, options: OnnxOptions = {}): Uint8Array {
  const { values = {}, name = 'graph', description = '', metadata = {} } = options
  const fixed = readInputs(graph, values, () => true)
  bindAxes(graph, fixed) // for its complaints
  const simple = optimised(graph)
  const inputs = edgesOf(simple, simple.inputs, 'input')
  const sheet = new Sheet(placesOf(inputs))
  const names = inputs.map(input => sheet.name(input.name))
  const outputs = edgesOf(simple, simple.outputs, 'output').map(({ name, shape }) => ({
    name: sheet.name(names.includes(name) ? `${name}_out` : name),
    shape,
  }))
  fixed.forEach((value, i) => {
    if (value !== undefined) sheet.fix(names[i]!, value)
  })
  write(simple, sheet, names).forEach((value, i) => {
    sheet.output(value, outputs[i]!.name)
  })
  const free = inputs.filter((_, i) => fixed[i] === undefined)
  return modelBytes(sheet.message(name, free, outputs), {
    irVersion: IR_VERSION,
    opset: OPSET,
    description,
    metadata,
  })
}

/** Ports with their shapes; a single one may have no name. */
function edgesOf(graph: Graph, ports: readonly Port[], unnamed: string): readonly Edge[] {
  return ports.map(({ name, value }) => ({ name: name === '' ? unnamed : name, shape: graph.shapes[value]! }))
}

/** The first axis of each name. */
function placesOf(inputs: readonly Edge[]): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>()
  for (const { name, shape } of inputs)
    shape.forEach((dim, axis) => {
      if (typeof dim === 'string' && !places.has(dim)) places.set(dim, { input: name, axis })
    })
  return places
}

/** Writes a graph on a sheet, from the names of its inputs to those of its outputs. */
function write(graph: Graph, sheet: Sheet, inputs: readonly string[]): readonly string[] {
  const names: string[] = new Array(graph.shapes.length)
  graph.inputs.forEach(({ value }, i) => {
    names[value] = inputs[i]!
  })
  for (const node of graph.nodes) {
    if (node.kind === 'constant') names[node.outputs[0]] = sheet.constant(node.value)
    if (node.kind !== 'apply') continue
    const made = applied(graph, sheet, node, names)
    node.outputs.forEach((id, k) => {
      names[id] = made[k]!
    })
  }
  return graph.outputs.map(({ value }) => names[value]!)
}

function applied(
  { shapes }: Graph,
  sheet: Sheet,
  { op, attrs, inputs, outputs }: ApplyNode,
  names: readonly string[],
): readonly string[] {
  const made = written(op, {
    sheet,
    attrs,
    inputs: inputs.map(id => names[id]!),
    from: inputs.map(id => shapes[id]!),
    to: outputs.map(id => shapes[id]!),
    write,
  })
  if (made !== undefined) return made
  throw new GraphError(
    'onnx-op',
    op.name,
    'has no form in ONNX; a model is made of ops that have one',
    'export a model as it is evaluated, without random draws; give an op of your own `lanes`, or `lower` in other ops',
  )
}
