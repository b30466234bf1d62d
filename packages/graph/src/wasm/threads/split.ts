import { Builder } from '../../builder.js'
import { add } from '../../elementwise.js'
import type { Graph, InputNode, Node, Port } from '../../graph.js'
import { max } from '../../ops/compare.js'
import { prune } from '../../prune.js'
import type { Ref } from '../../ref.js'
import type { Shape } from '../../shape.js'
import { type Share, sharesOf } from './shares.js'

/** A graph whose batch is split: what every thread does with its rows, and what is done once all have. */
export interface Split {
  /** Inputs and outputs of the graph by name: what a thread has of them. */
  readonly inputs: ReadonlyMap<string, Share>
  readonly outputs: ReadonlyMap<string, Share>
  /** Reads the graph's inputs, split ones row by row; its outputs are the split ones, as `part.name`, and `met.j`. */
  readonly thread: Graph
  /** Reads the inputs that are not split and `met.j.k`, thread k's; its outputs are those that are not split. */
  readonly meeting: Graph
  /** Values `met.j` on which the threads meet. */
  readonly met: number
}

/**
 * Splits the batch of a graph among threads: rows along `axis` never meet, except in sums and maxima, which are taken over each
 * thread's rows first and then, in the order of the threads, over the threads.
 *
 * @throws GraphError `unsplittable`.
 */
export function split(graph: Graph, axis: string, threads: number): Split {
  const shares = sharesOf(graph, axis)
  const isPart = ({ value }: Port): boolean => shares[value] === 'part'
  const whole = (port: Port): boolean => !isPart(port)
  const met = meetingValues(graph, shares)
  const mine = [
    ...graph.outputs.filter(isPart).map(({ name, value }) => ({ name: partOf(name), value })),
    ...met.map((value, j) => ({ name: `met.${j}`, value })),
  ]
  const needed = neededFor(graph, mine, new Map())
  const read = graph.inputs.filter(({ value }) => needed.has(value))
  const meets = new Map(met.map((value, j) => [value, meet(j, threads, shares[value]!)]))
  const ways = (ports: readonly Port[]): ReadonlyMap<string, Share> =>
    new Map(ports.map(({ name, value }) => [name, shares[value]!]))
  return {
    inputs: ways(graph.inputs),
    outputs: ways(graph.outputs),
    thread: cut(graph, read, mine, new Map()),
    meeting: cut(graph, graph.inputs.filter(whole), graph.outputs.filter(whole), meets),
    met: met.length,
  }
}

/** A split output in the thread's graph, where an input may have its name. */
export const partOf = (output: string): string => `part.${output}`

/** The values that threads bring to their meeting: sums, maxima, and what comes out of a split loop the same in all. */
function meetingValues({ nodes, outputs }: Graph, shares: readonly Share[]): readonly number[] {
  const applied = nodes.filter(node => node.kind === 'apply')
  const brought = applied
    .filter(({ inputs }) => inputs.some(id => shares[id] === 'part'))
    .flatMap(node => node.outputs.filter(id => shares[id] !== 'part' && shares[id] !== 'later'))
  const read = new Set([...applied.flatMap(node => node.inputs), ...outputs.map(({ value }) => value)])
  return brought.filter(value => read.has(value))
}

/** Makes a value out of every thread's. */
type Meet = (builder: Builder, shape: Shape) => Ref

const joins: Readonly<Partial<Record<Share, (total: Ref, one: Ref) => Ref>>> = { sum: add, max }

function meet(j: number, threads: number, share: Share): Meet {
  const join = joins[share] ?? (first => first)
  return (builder, shape) => {
    const all = Array.from({ length: threads }, (_, k) => builder.input(`met.${j}.${k}`, shape))
    return all.reduce((total, one) => join(total, one))
  }
}

/** The part of a graph between some inputs and some outputs, with values that are `made` in another way. */
function cut(
  graph: Graph,
  inputs: readonly Port[],
  outputs: readonly Port[],
  made: ReadonlyMap<number, Meet>,
): Graph {
  const needed = neededFor(graph, outputs, made)
  const builder = new Builder()
  const refs = new Map<number, Ref>()
  for (const { name, value } of inputs) refs.set(value, builder.input(name, graph.shapes[value]!))
  for (const [value, make] of made) refs.set(value, make(builder, graph.shapes[value]!))
  for (const node of graph.nodes) {
    if (node.kind === 'input' || !node.outputs.some(id => needed.has(id) && !refs.has(id))) continue
    copy(builder, node, refs).forEach((ref, k) => {
      if (!refs.has(node.outputs[k]!)) refs.set(node.outputs[k]!, ref)
    })
  }
  return prune(builder.build(outputs.map(({ name, value }) => ({ name, value: refs.get(value)!.id }))))
}

function copy(
  builder: Builder,
  node: Exclude<Node, InputNode>,
  refs: ReadonlyMap<number, Ref>,
): readonly Ref[] {
  if (node.kind === 'constant') return [builder.constant(node.value)]
  const inputs = node.inputs.map(id => refs.get(id)!)
  return builder.apply(node.op, inputs, node.attrs)
}

/** The values that outputs depend on, not looking behind those that are made otherwise. */
function neededFor(
  { nodes }: Graph,
  outputs: readonly Port[],
  made: ReadonlyMap<number, Meet>,
): ReadonlySet<number> {
  const needed = new Set(outputs.map(({ value }) => value))
  for (const node of nodes.toReversed())
    if (node.kind === 'apply' && node.outputs.some(id => needed.has(id) && !made.has(id)))
      for (const id of node.inputs) needed.add(id)
  return needed
}
