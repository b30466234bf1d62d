import { type Graph, isGraph } from '../graph.js'
import { sizeOf } from '../shape.js'
import { isTensor, type Tensor } from '../tensor.js'
import { numberText, quoted, shapeText, word } from './words.js'

/** How deep lists, records and loops may stand in each other, in settings and in text. */
export const DEPTH = 64

/**
 * A setting as text: numbers, words, lists, records, tensors and graphs. `graphText` prints a graph that stands in
 * a list or a record. What is no plain data prints as `<function>` and the like, which does not read back.
 */
export function valueText(value: unknown, graphText: (graph: Graph) => string, depth = 0): string {
  const inner = (item: unknown): string =>
    typeof item === 'string' ? word(item) : valueText(item, graphText, depth + 1)
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'boolean' || value === null || value === undefined) return String(value)
  if (depth >= DEPTH) return '<too deep>'
  if (Array.isArray(value)) return `[${Array.from(value, inner).join(', ')}]`
  if (isTensor(value)) return `tensor(${shapeText(value.shape)}, ${flatText(value.data)})`
  if (isGraph(value)) return graphText(value)
  if (!isRecord(value)) return `<${typeof value}>`
  return `{${Object.keys(value)
    .map(key => `${word(key)}: ${inner(value[key])}`)
    .join(', ')}}`
}

/** True for a plain object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const proto: unknown = Object.getPrototypeOf(value)
  return proto === Object.prototype || proto === null
}

const flatText = (data: Float64Array): string => `[${Array.from(data, numberText).join(', ')}]`

/** A tensor as nested lists; `[]` where it has no elements, whatever its shape. */
export function tensorText({ shape, data }: Tensor): string {
  const text = (axis: number, at: number): string => {
    if (axis === shape.length) return numberText(data[at]!)
    const stride = sizeOf(shape.slice(axis + 1))
    return `[${Array.from({ length: shape[axis]! }, (_, i) => text(axis + 1, at + i * stride)).join(', ')}]`
  }
  return data.length === 0 ? '[]' : text(0, 0)
}
