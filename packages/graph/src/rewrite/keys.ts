import type { Attrs } from '../attrs.js'
import type { OpSpec } from '../graph.js'
import { type Graph, isGraph, type Node } from '../graph.js'
import { isTensor, type Tensor } from '../tensor.js'
import { isRecord } from '../text/values.js'
import { numberText } from '../text/words.js'

/** Texts that are equal exactly for equal things: ops by identity, settings and tensors by their content. */
export class Keys {
  readonly #ids = new Map<object, number>()
  readonly #tensors = new Map<string, Tensor[]>()

  /** The op itself, not its name. */
  op(op: OpSpec): string {
    return `op${this.identity(op)}`
  }

  /** A number for a thing itself, the same for no other. */
  identity(thing: object): number {
    const known = this.#ids.get(thing)
    if (known !== undefined) return known
    this.#ids.set(thing, this.#ids.size)
    return this.#ids.size - 1
  }

  /** Settings as a record, in any order of its keys. */
  settings(attrs: Attrs): string {
    const keys = Object.keys(attrs)
    return keys.length === 0 ? '' : this.#record(attrs, keys)
  }

  /** A tensor by its shape and bits. */
  tensor(value: Tensor): string {
    if (value.data.length === 1) return `[${value.shape.join()}] ${numberText(value.data[0]!)}`
    const hash = `[${value.shape.join()}] ${hashOf(value.data)}`
    const alike = this.#tensors.get(hash) ?? []
    this.#tensors.set(hash, alike)
    const at = alike.findIndex(other => sameData(other.data, value.data))
    return `${hash}.${at < 0 ? alike.push(value) - 1 : at}`
  }

  #value(value: unknown): string {
    if (typeof value === 'string') return JSON.stringify(value)
    if (typeof value === 'number') return numberText(value)
    if (Array.isArray(value)) return `[${value.map(item => this.#value(item)).join()}]`
    if (isTensor(value)) return `tensor ${this.tensor(value)}`
    if (isGraph(value)) return this.#graph(value)
    if (isRecord(value)) return this.#record(value, Object.keys(value))
    return typeof value === 'object' || typeof value === 'function'
      ? `object${value === null ? '' : this.identity(value)}`
      : String(value)
  }

  #record(value: Readonly<Record<string, unknown>>, keys: readonly string[]): string {
    const entries = [...keys].sort().map(key => `${JSON.stringify(key)}:${this.#value(value[key])}`)
    return `{${entries.join()}}`
  }

  #graph(graph: Graph): string {
    const ports = [...graph.inputs, ...graph.outputs].map(port => `${JSON.stringify(port.name)}${port.value}`)
    return `graph(${graph.nodes.map(node => this.#node(graph, node)).join(';')};${graph.inputs.length};${ports.join()})`
  }

  #node(graph: Graph, node: Node): string {
    if (node.kind === 'input') return `input ${JSON.stringify(graph.shapes[node.outputs[0]])}`
    if (node.kind === 'constant') return `constant ${this.tensor(node.value)}`
    return `${this.op(node.op)} ${node.inputs.join()} ${this.settings(node.attrs)}`
  }
}

/** FNV-1a over the 32-bit halves. */
function hashOf(data: Float64Array): number {
  const bits = new Int32Array(data.slice().buffer)
  let hash = 0x811c9dc5
  for (let i = 0; i < bits.length; i++) hash = Math.imul(hash ^ bits[i]!, 0x01000193)
  return hash
}

/** True where both hold the same numbers; -0 is not 0, and NaN is NaN. */
export function sameData(a: Float64Array, b: Float64Array): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false
  return true
}
