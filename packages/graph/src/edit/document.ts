import type { Attrs } from '../attrs.js'
import { GraphError } from '../error.js'
import type { OpSpec } from '../graph.js'
import { type Graph, isGraph, type Node } from '../graph.js'
import { checkShape, type Shape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { isTensor } from '../tensor.js'
import { nearest } from '../text/nearest.js'
import { isRecord } from '../text/values.js'

/** A named value at the edge of a document. */
export interface DocumentPort {
  name: string
  value: number
}

/** An input; its name stands in the document's list of inputs. */
export interface DocumentInput {
  kind: 'input'
  shape: Shape
  outputs: [number]
}

/** A constant. Its tensor is replaced whole, never changed in place. */
export interface DocumentConstant {
  kind: 'constant'
  value: Tensor
  outputs: [number]
}

/** An application of the op of this name. Its output shapes are not written: the op's rule gives them. */
export interface DocumentApply {
  kind: 'apply'
  op: string
  inputs: number[]
  attrs: Record<string, unknown>
  outputs: number[]
}

/** A row of a document. */
export type DocumentNode = DocumentInput | DocumentConstant | DocumentApply

/**
 * A graph as plain data that can be edited by hand: the table of its nodes in evaluation order, ops by name.
 *
 * `outputs` and `inputs` of nodes are numbers of values. A new value takes any number that is not in use; numbers
 * are put in order again when the document becomes a graph. A graph among the settings (the body of a loop) is a
 * document too.
 */
export interface GraphDocument {
  kind: 'graph'
  nodes: DocumentNode[]
  inputs: DocumentPort[]
  outputs: DocumentPort[]
}

/** Ops by the name they have in documents: two ops of one name are told apart as `name` and `name#2`. */
export class OpNames {
  readonly #ops = new Map<string, OpSpec>()
  readonly #names = new Map<OpSpec, string>()

  /** The name of an op, which it gets the first time. */
  name(op: OpSpec): string {
    const known = this.#names.get(op)
    if (known !== undefined) return known
    let name = op.name
    for (let n = 2; this.#ops.has(name); n++) name = `${op.name}#${n}`
    this.#ops.set(name, op)
    this.#names.set(op, name)
    return name
  }

  /** The op of a name. @throws GraphError `unknown-op` */
  op(name: string, where: string): OpSpec {
    const op = this.#ops.get(name)
    if (op !== undefined) return op
    const near = typeof name === 'string' ? nearest(name, this.#ops.keys()) : undefined
    throw new GraphError(
      'unknown-op',
      where,
      `'${String(name)}' is no known op`,
      near === undefined
        ? 'give your own ops to edit: edit(graph, change, { ops: [...] })'
        : `did you mean ${near}?`,
    )
  }
}

/** The document of a graph; nothing in it is shared with the graph. */
export function toDocument(graph: Graph, names: OpNames): GraphDocument {
  return {
    kind: 'graph',
    nodes: graph.nodes.map(node => documentNode(graph, node, names)),
    inputs: graph.inputs.map(port => ({ ...port })),
    outputs: graph.outputs.map(port => ({ ...port })),
  }
}

function documentNode(graph: Graph, node: Node, names: OpNames): DocumentNode {
  if (node.kind === 'input')
    return { kind: 'input', shape: [...graph.shapes[node.outputs[0]]!], outputs: [...node.outputs] }
  if (node.kind === 'constant')
    return { kind: 'constant', value: copied(node.value), outputs: [...node.outputs] }
  const attrs = mapData(node.attrs, value => (isGraph(value) ? toDocument(value, names) : undefined))
  const { op, inputs, outputs } = node
  return {
    kind: 'apply',
    op: names.name(op),
    inputs: [...inputs],
    attrs: attrs as Record<string, unknown>,
    outputs: [...outputs],
  }
}

const copied = ({ shape, data }: Tensor): Tensor => ({ shape: [...shape], data: data.slice() })

/** Plain data copied, with `replace` asked for every part first. */
function mapData(value: unknown, replace: (value: unknown) => unknown): unknown {
  const instead = replace(value)
  if (instead !== undefined) return instead
  if (Array.isArray(value)) return value.map(item => mapData(item, replace))
  if (isTensor(value)) return copied(value)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.keys(value).map(key => [key, mapData(value[key], replace)]))
}

/** True for a graph among the settings of a document. */
export function isDocument(value: unknown): value is GraphDocument {
  return isRecord(value) && value['kind'] === 'graph' && Array.isArray(value['nodes'])
}

/** The graph of a document whose values are in order; shapes by the ops' own rules. */
export function toGraph(document: GraphDocument, names: OpNames): Graph {
  const shapes: Shape[] = []
  const inputNames = new Map(document.inputs.map(port => [port.value, port.name] as const))
  const nodes = document.nodes.map((node, i): Node => {
    if (node.kind === 'input') {
      const [id] = node.outputs
      shapes.push(checkShape([...node.shape], `input #${i}`))
      return { kind: 'input', name: inputNames.get(id) ?? `#${id}`, outputs: [id] }
    }
    if (node.kind === 'constant') {
      shapes.push(node.value.shape)
      return { kind: 'constant', value: copied(node.value), outputs: [node.outputs[0]] }
    }
    return applied(node, i, shapes, names)
  })
  return {
    nodes,
    shapes,
    inputs: document.inputs.map(port => ({ ...port })),
    outputs: document.outputs.map(port => ({ ...port })),
  }
}

function applied(node: DocumentApply, i: number, shapes: Shape[], names: OpNames): Node {
  const where = `${node.op} #${i}`
  const op = names.op(node.op, where)
  const late = node.inputs.find(id => id >= shapes.length)
  if (late !== undefined)
    throw new GraphError(
      'late-value',
      where,
      `reads value #${late}, which does not come before it; a node reads values of earlier nodes`,
      'move the node down',
    )
  const attrs = mapData(node.attrs, value => (isDocument(value) ? toGraph(value, names) : undefined)) as Attrs
  const made = shapesOf(
    op,
    node.inputs.map(id => shapes[id]!),
    attrs,
    where,
  )
  if (made.length !== node.outputs.length)
    throw new GraphError(
      'ill-formed',
      where,
      `makes ${node.outputs.length} values; by its rule ${op.name} makes ${made.length}`,
    )
  shapes.push(...made)
  return { kind: 'apply', op, inputs: [...node.inputs], attrs, outputs: [...node.outputs] }
}

function shapesOf(op: OpSpec, inputs: readonly Shape[], attrs: Attrs, where: string): readonly Shape[] {
  try {
    return op.shapes(inputs, attrs)
  } catch (error) {
    if (error instanceof GraphError) throw new GraphError(error.code, where, error.detail, error.hint)
    throw new GraphError('ill-formed', where, `does not take its inputs and settings: ${String(error)}`)
  }
}
