import { bytesField, type Field, joinedBytes, messageField, wholeField } from '../bytes/protobuf.js'
import type { Shape } from '../shape.js'

/** The messages of an ONNX model by the numbers of their fields (onnx.proto3), as far as a model of float32 tensors needs them. */

/** Kinds of elements (TensorProto.DataType). */
export const FLOAT = 1
export const INT64 = 7

/** A setting of a node: an AttributeProto. */
export type Attribute = readonly Field[]

/** A whole number ≥ 0. */
export const whole = (name: string, value: number): Attribute => [
  bytesField(1, name),
  wholeField(3, value),
  wholeField(20, 2),
]

/** Whole numbers ≥ 0. */
export const wholes = (name: string, values: readonly number[]): Attribute => [
  bytesField(1, name),
  ...values.map(value => wholeField(8, value)),
  wholeField(20, 7),
]

/** A text. */
export const text = (name: string, value: string): Attribute => [
  bytesField(1, name),
  bytesField(4, value),
  wholeField(20, 3),
]

/** A graph that the node runs. */
export const subgraph = (name: string, graph: readonly Field[]): Attribute => [
  bytesField(1, name),
  messageField(6, graph),
  wholeField(20, 5),
]

/** One application of an operator: a NodeProto, as a field of its graph. Its first output gives it its name. */
export function node(
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Attribute[],
): Field {
  return messageField(1, [
    ...inputs.map(name => bytesField(1, name)),
    ...outputs.map(name => bytesField(2, name)),
    bytesField(3, outputs[0]!),
    bytesField(4, type),
    ...attributes.map(attribute => messageField(5, attribute)),
  ])
}

/** A tensor fixed in a graph: a TensorProto, as a field of the graph. Elements are little-endian, row-major. */
export function initialiser(
  name: string,
  shape: readonly number[],
  elements: Float32Array | BigInt64Array,
): Field {
  return messageField(5, [
    ...shape.map(length => wholeField(1, length)),
    wholeField(2, elements instanceof Float32Array ? FLOAT : INT64),
    bytesField(8, name),
    bytesField(9, new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength)),
  ])
}

/** A value at the edge of a graph, with its shape. */
export interface Edge {
  readonly name: string
  readonly shape: Shape
}

/** A float32 tensor of this name and shape: a ValueInfoProto. */
function valueInfo({ name, shape }: Edge): readonly Field[] {
  const dims = shape.map(dim =>
    messageField(1, [typeof dim === 'number' ? wholeField(1, dim) : bytesField(2, dim)]),
  )
  const tensor = [wholeField(1, FLOAT), messageField(2, dims)]
  return [bytesField(1, name), messageField(2, [messageField(1, tensor)])]
}

/** What a graph is made of. */
interface GraphParts {
  readonly name: string
  readonly inputs: readonly Edge[]
  readonly outputs: readonly Edge[]
  readonly nodes: readonly Field[]
  readonly initialisers: readonly Field[]
}

/** A GraphProto. */
export function graphMessage({ name, inputs, outputs, nodes, initialisers }: GraphParts): readonly Field[] {
  return [
    ...nodes,
    bytesField(2, name),
    ...initialisers,
    ...inputs.map(edge => messageField(11, valueInfo(edge))),
    ...outputs.map(edge => messageField(12, valueInfo(edge))),
  ]
}

/** What a model is made of, beside its graph. */
interface ModelParts {
  readonly irVersion: number
  readonly opset: number
  readonly description: string
  readonly metadata: Readonly<Record<string, string>>
}

/** The bytes of a ModelProto. */
export function modelBytes(graph: readonly Field[], parts: ModelParts): Uint8Array {
  const { irVersion, opset, description, metadata } = parts
  return joinedBytes([
    wholeField(1, irVersion),
    bytesField(2, 'bptt'),
    ...(description === '' ? [] : [bytesField(6, description)]),
    messageField(7, graph),
    messageField(8, [wholeField(2, opset)]),
    ...Object.entries(metadata).map(([key, value]) =>
      messageField(14, [bytesField(1, key), bytesField(2, value)]),
    ),
  ])
}
