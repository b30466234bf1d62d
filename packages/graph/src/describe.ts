import { Book, isParameter, type OpCost } from './describe/book.js'
import { byteText, table } from './describe/text.js'
import type { Graph } from './graph.js'
import { type Shape, showShape } from './shape.js'

/** A parameter: an input under `params`. */
export interface Parameter {
  readonly name: string
  readonly shape: Shape
  /** Number of elements; undefined where an axis has no length. */
  readonly size: number | undefined
}

/** What a graph holds, computes and keeps. Numbers that need the length of an unbound axis are undefined. */
export interface Description {
  readonly parameters: readonly Parameter[]
  /** Numbers in all parameters. */
  readonly parameterCount: number | undefined
  /** Nodes of the table, and with the bodies of loops, each once. */
  readonly nodes: number
  readonly nodesWithBodies: number
  /** Per op, most flops first; ops in loops count once per step. */
  readonly ops: readonly OpCost[]
  /** Floating-point operations of one evaluation. */
  readonly flops: number | undefined
  /** Bytes of all values in float64, if all were held at once; of loops, those of one step. */
  readonly valueBytes: number | undefined
  /** Bytes in float64 that a gradient by the parameters (by all inputs, where there are none) keeps from the way forward. */
  readonly savedBytes: number | undefined
  /** Named axes without a length; `describe(graph, { T: 100 })` binds them. */
  readonly unbound: readonly string[]
  readonly text: string
}

/**
 * The parameters, flops and bytes of a graph, as data and as text.
 *
 * What is saved is found by building the gradient: values made on the way forward that the way back reads, each once;
 * inputs and constants are there anyway and count nothing. In a loop they are kept for every step.
 *
 * @throws GraphError `bad-shape` where a length is no whole number.
 */
export function describe(graph: Graph, bindings: Readonly<Record<string, number>> = {}): Description {
  const book = new Book(graph, bindings)
  const parameters = parametersOf(graph, book)
  const known = <T>(value: T): T | undefined => (book.unbound.length === 0 ? value : undefined)
  const sizes = parameters.map(parameter => parameter.size)
  const facts = {
    parameters,
    parameterCount: sizes.includes(undefined)
      ? undefined
      : sizes.reduce<number>((sum, size) => sum + size!, 0),
    nodes: graph.nodes.length,
    nodesWithBodies: book.nodes,
    ops: book.ops(),
    flops: known(book.flops),
    valueBytes: known(book.valueBytes),
    savedBytes: known(book.savedBytes),
    unbound: book.unbound,
  }
  return { ...facts, text: textOf(facts) }
}

function parametersOf(graph: Graph, book: Book): readonly Parameter[] {
  return graph.inputs
    .filter(({ name }) => isParameter(name))
    .map(({ name, value }) => ({
      name,
      shape: graph.shapes[value]!,
      size: book.sizeOf(graph.shapes[value]!),
    }))
}

function textOf(facts: Omit<Description, 'text'>): string {
  const { parameters, ops, unbound } = facts
  const shown = (value: number | undefined): string => (value === undefined ? '?' : String(value))
  const head = [
    `parameters  ${shown(facts.parameterCount)}`,
    ...parameters.map(({ name, shape, size }) => `  ${name} ${showShape(shape)}  ${shown(size)}`),
    `nodes       ${facts.nodes}${facts.nodesWithBodies === facts.nodes ? '' : ` (${facts.nodesWithBodies} with loop bodies)`}`,
    `flops       ${shown(facts.flops)}`,
    `values      ${byteText(facts.valueBytes)}`,
    `saved       ${byteText(facts.savedBytes)}`,
  ]
  const rows = ops.map(({ name, count, flops, savedBytes }) => [
    name,
    String(count),
    shown(flops),
    byteText(savedBytes),
  ])
  const asks = unbound.map(axis => `axis '${axis}' has no length: describe(graph, { ${axis}: 100 })`)
  return [
    ...head,
    ...(rows.length === 0 ? [] : table(['op', 'nodes', 'flops', 'saved'], rows)),
    ...asks,
  ].join('\n')
}
