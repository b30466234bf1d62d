/** A reader of ONNX models, from the descriptions of protocol buffers and of onnx.proto3 alone. */

type Fields = ReadonlyMap<number, readonly (Buffer | bigint)[]>

function fieldsOf(data: Buffer): Fields {
  const fields = new Map<number, (Buffer | bigint)[]>()
  let at = 0
  const varint = (): bigint => {
    let [value, shift] = [0n, 0n]
    for (;;) {
      const byte = data[at++]
      if (byte === undefined) throw new Error('a field ends behind its message')
      value |= BigInt(byte & 0x7f) << shift
      shift += 7n
      if (byte < 0x80) return value
    }
  }
  const take = (size: number): Buffer => {
    at += size
    if (at > data.length) throw new Error('a field ends behind its message')
    return data.subarray(at - size, at)
  }
  while (at < data.length) {
    const key = Number(varint())
    const kind = key & 7
    if (![0, 1, 2, 5].includes(kind)) throw new Error(`no wire type ${kind}`)
    const value = kind === 0 ? varint() : take(kind === 1 ? 8 : kind === 5 ? 4 : Number(varint()))
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value])
  }
  return fields
}

const parts = (fields: Fields, id: number): Fields[] =>
  (fields.get(id) ?? []).map(value => fieldsOf(value as Buffer))
const texts = (fields: Fields, id: number): string[] => (fields.get(id) ?? []).map(String)
const numbers = (fields: Fields, id: number): number[] => (fields.get(id) ?? []).map(Number)
const only = <T>(values: readonly T[]): T => {
  if (values.length !== 1) throw new Error(`${values.length} values where one belongs`)
  return values[0]!
}

/** A setting of a node. */
export type Attribute = number | readonly number[] | string | OnnxGraph

/** A node. */
interface OnnxNode {
  readonly type: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, Attribute>>
}

/** A tensor fixed in a graph. */
export interface Initialiser {
  readonly name: string
  readonly dims: readonly number[]
  readonly data: readonly number[]
}

/** A value at the edge of a graph. */
export interface Edge {
  readonly name: string
  readonly shape: readonly (number | string)[]
}

/** A graph. */
export interface OnnxGraph {
  readonly name: string
  readonly nodes: readonly OnnxNode[]
  readonly initialisers: readonly Initialiser[]
  readonly inputs: readonly Edge[]
  readonly outputs: readonly Edge[]
}

/** A model. */
export interface OnnxModel {
  readonly irVersion: number
  readonly opset: number
  readonly producer: string
  readonly description: string
  readonly metadata: Readonly<Record<string, string>>
  readonly graph: OnnxGraph
}

/** Reads a model. */
export function read(bytes: Uint8Array): OnnxModel {
  const fields = fieldsOf(Buffer.from(bytes))
  return {
    irVersion: only(numbers(fields, 1)),
    producer: only(texts(fields, 2)),
    description: texts(fields, 6).join(),
    graph: graphOf(only(parts(fields, 7))),
    opset: only(numbers(only(parts(fields, 8)), 2)),
    metadata: Object.fromEntries(
      parts(fields, 14).map(entry => [only(texts(entry, 1)), only(texts(entry, 2))] as const),
    ),
  }
}

function graphOf(fields: Fields): OnnxGraph {
  return {
    name: only(texts(fields, 2)),
    nodes: parts(fields, 1).map(nodeOf),
    initialisers: parts(fields, 5).map(initialiserOf),
    inputs: parts(fields, 11).map(edgeOf),
    outputs: parts(fields, 12).map(edgeOf),
  }
}

function nodeOf(fields: Fields): OnnxNode {
  return {
    type: only(texts(fields, 4)),
    inputs: texts(fields, 1),
    outputs: texts(fields, 2),
    attributes: Object.fromEntries(
      parts(fields, 5).map(attribute => [only(texts(attribute, 1)), attributeOf(attribute)] as const),
    ),
  }
}

function attributeOf(fields: Fields): Attribute {
  const kind = only(numbers(fields, 20))
  if (kind === 2) return only(numbers(fields, 3))
  if (kind === 3) return only(texts(fields, 4))
  if (kind === 5) return graphOf(only(parts(fields, 6)))
  if (kind === 7) return numbers(fields, 8)
  throw new Error(`no attribute of type ${kind} is expected`)
}

function initialiserOf(fields: Fields): Initialiser {
  const [dims, kind, raw] = [
    numbers(fields, 1),
    only(numbers(fields, 2)),
    only(fields.get(9) ?? []) as Buffer,
  ]
  const data =
    kind === 1
      ? Array.from({ length: raw.length / 4 }, (_, i) => raw.readFloatLE(4 * i))
      : Array.from({ length: raw.length / 8 }, (_, i) => Number(raw.readBigInt64LE(8 * i)))
  if (data.length !== dims.reduce((size, length) => size * length, 1))
    throw new Error(`${data.length} numbers do not fill [${dims.join()}]`)
  return { name: only(texts(fields, 8)), dims, data }
}

function edgeOf(fields: Fields): Edge {
  const tensor = only(parts(only(parts(fields, 2)), 1))
  if (only(numbers(tensor, 1)) !== 1) throw new Error('an edge is no float32 tensor')
  const shape = parts(only(parts(tensor, 2)), 1).map(dim => numbers(dim, 1)[0] ?? only(texts(dim, 2)))
  return { name: only(texts(fields, 1)), shape }
}

/** What is not well formed: names that are given twice in a model, read before they are given, or never. */
export function faultsOf(
  graph: OnnxGraph,
  around: ReadonlySet<string> = new Set(),
  given: Set<string> = new Set(),
): string[] {
  const faults: string[] = []
  const known = new Set(around)
  const give = (name: string): void => {
    if (given.has(name)) faults.push(`${name} is given twice`)
    given.add(name)
    known.add(name)
  }
  for (const { name } of [...graph.inputs, ...graph.initialisers]) give(name)
  for (const { type, inputs, outputs, attributes } of graph.nodes) {
    for (const name of inputs) if (!known.has(name)) faults.push(`${type} reads ${name} before it is given`)
    for (const value of Object.values(attributes))
      if (typeof value === 'object' && 'nodes' in value) faults.push(...faultsOf(value, known, given))
    outputs.forEach(give)
  }
  for (const { name } of graph.outputs) if (!known.has(name)) faults.push(`the output ${name} is never given`)
  return faults
}
