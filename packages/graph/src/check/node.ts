import type { Attrs } from '../attrs.js'
import { GraphError } from '../error.js'
import { type ApplyNode, type Graph, isGraph, type Node } from '../graph.js'
import { checkShape, type Shape, sameShape, sizeOf } from '../shape.js'
import { isTensor } from '../tensor.js'
import { shapeText } from '../text/words.js'

/**
 * What is wrong with the node at a place of a table, if anything is; `made` values come before it, all well formed.
 * Graphs among its settings are left to `checkBody`.
 */
export function nodeFault(
  { nodes, shapes }: Graph,
  at: number,
  made: number,
  checkBody: (key: string, body: Graph) => void,
): string | undefined {
  const node = nodes[at]!
  const fault = outputsFault(node, shapes, made)
  if (fault !== undefined) return fault
  if (node.kind === 'constant') return constantFault(node.value, shapes[made]!)
  if (node.kind === 'input') return typeof node.name === 'string' ? undefined : 'has no name; a name is text'
  if (node.kind !== 'apply')
    return `is of the kind ${String((node as Node).kind)}; a node is an input, a constant or an application`
  return specFault(node) ?? readsFault(node, made, shapes.length) ?? ruleFault(node, shapes, checkBody)
}

function outputsFault(node: Node, shapes: readonly Shape[], made: number): string | undefined {
  const outputs: readonly number[] = node.outputs
  if (!Array.isArray(outputs) || outputs.length === 0) return 'makes no value; a node makes at least one'
  if (node.kind !== 'apply' && outputs.length > 1)
    return `makes ${outputs.length} values; an input or a constant is one`
  for (let k = 0; k < outputs.length; k++) {
    if (outputs[k] !== made + k)
      return `makes value #${String(outputs[k])} where #${made + k} is next; values are numbered in the order they are made`
    const fault = shapeFault(shapes[made + k])
    if (fault !== undefined) return `makes value #${made + k}, which ${fault}`
  }
  return undefined
}

function shapeFault(shape: unknown): string | undefined {
  if (!Array.isArray(shape)) return 'has no shape'
  try {
    checkShape(shape, '')
    return undefined
  } catch (error) {
    return (error as GraphError).detail
  }
}

function constantFault(value: unknown, shape: Shape): string | undefined {
  if (!isTensor(value)) return 'is no tensor'
  if (!sameShape(value.shape, shape))
    return `is a tensor of shape ${shapeText(value.shape)} where ${shapeText(shape)} is listed`
  if (sizeOf(value.shape) === value.data.length) return undefined
  return `has ${value.data.length} numbers, which do not fill ${shapeText(shape)}`
}

function specFault({ op, attrs }: ApplyNode): string | undefined {
  if (typeof op?.name !== 'string' || typeof op.shapes !== 'function' || !Array.isArray(op.inputs))
    return 'applies what is no op; an op is the spec of a declared one'
  return typeof attrs === 'object' && attrs !== null ? undefined : 'has no settings; they are a record'
}

function readsFault({ op, inputs }: ApplyNode, made: number, count: number): string | undefined {
  for (const id of inputs) {
    if (!Number.isInteger(id) || id < 0 || id >= count)
      return `reads value #${String(id)}, which does not exist; there are #0 to #${count - 1}`
    if (id >= made)
      return `reads value #${id}, which does not come before it; a node reads values of earlier nodes`
  }
  if (op.variadic || inputs.length === op.inputs.length) return undefined
  return `reads ${inputs.length} values; ${op.name} takes ${op.inputs.length} (${op.inputs.join(', ')})`
}

function ruleFault(
  { op, inputs, attrs, outputs }: ApplyNode,
  shapes: readonly Shape[],
  checkBody: (key: string, body: Graph) => void,
): string | undefined {
  for (const key of Object.keys(attrs)) if (isGraph(attrs[key])) checkBody(key, attrs[key])
  const rule = shapesByRule(
    op,
    inputs.map(id => shapes[id]!),
    attrs,
  )
  if (typeof rule === 'string') return rule
  if (rule.length !== outputs.length)
    return `makes ${outputs.length} values; by its rule ${op.name} makes ${rule.length}`
  const odd = rule.findIndex((shape, k) => !sameShape(shape, shapes[outputs[k]!]!))
  if (odd < 0) return undefined
  return `makes ${shapeText(shapes[outputs[odd]!]!)}; by its rule ${op.name} makes ${shapeText(rule[odd]!)}`
}

function shapesByRule(
  op: ApplyNode['op'],
  inputs: readonly Shape[],
  attrs: Attrs,
): readonly Shape[] | string {
  try {
    return op.shapes(inputs, attrs)
  } catch (error) {
    if (error instanceof GraphError) return `breaks its rule: ${error.where}: ${error.detail}`
    return `does not take its settings: ${error instanceof Error ? error.message : String(error)}`
  }
}
