import { bind, bindAxes, readInputs, type Values } from './evaluate.js'
import type { ApplyNode, Graph, OpSpec, Run } from './graph.js'
import { nodeLines } from './print.js'
import type { Bindings } from './shape.js'
import type { Tensor } from './tensor.js'
import { nameValues } from './text/names.js'
import { numberText, shapeText, word } from './text/words.js'

/** Where a number that is not finite first comes up. */
export interface NonFinite {
  /** The printed line of the node, or `input x: [3]`. */
  readonly line: string
  /** The op, or `input`. */
  readonly op: string
  /** NaN, Infinity or -Infinity. */
  readonly value: number
  /** Its place in the node's value, one number per axis. */
  readonly at: readonly number[]
  /** Steps of the loops around the node, outermost first; t counts from 1. */
  readonly steps: readonly number[]
  /** `t = 3: a: [2] = log(x) gives -Infinity at [1]` */
  readonly text: string
}

/** How numbers are rounded. */
export interface FiniteOptions {
  /** `float32` rounds every value as a program in float32 does, so that what overflows there is found; float64 where not given. */
  readonly dtype?: 'float32' | 'float64'
}

/**
 * Evaluates a graph and finds the first node whose value is not finite although all it reads is: in evaluation order,
 * step by step inside loops. An input that is not finite is found first. Constants do not count: infinity may be meant.
 *
 * @returns undefined where every value is finite.
 * @throws GraphError as `evaluate` does.
 */
export function checkFinite(
  graph: Graph,
  values: Values,
  { dtype = 'float64' }: FiniteOptions = {},
): NonFinite | undefined {
  const round = roundings[dtype]
  const inputs = (readInputs(graph, values) as readonly Tensor[]).map(round)
  const bindings = bindAxes(graph, inputs)
  for (const [i, { name, value }] of graph.inputs.entries()) {
    const at = firstBad(inputs[i]!)
    if (at >= 0)
      return finding(`input ${word(name)}: ${shapeText(graph.shapes[value]!)}`, 'input', inputs[i]!, at, [])
  }
  try {
    search(graph, inputs, { bindings, round }, [])
    return undefined
  } catch (found) {
    if (found instanceof Found) return found.finding
    throw found
  }
}

type Rounding = (value: Tensor) => Tensor

const roundings: Readonly<Record<'float32' | 'float64', Rounding>> = {
  float64: value => value,
  float32: ({ shape, data }) => ({ shape, data: data.map(Math.fround) }),
}

/** What holds for all of a search. */
interface Search {
  readonly bindings: Bindings
  readonly round: Rounding
}

/** Leaves the loops it was found in. */
class Found {
  readonly finding: NonFinite

  constructor(finding: NonFinite) {
    this.finding = finding
  }
}

/** The outputs of a graph, node by node. @throws Found at the first node that qualifies. */
function search(
  graph: Graph,
  inputs: readonly Tensor[],
  { bindings, round }: Search,
  steps: readonly number[],
): readonly Tensor[] {
  const shapes = bind(graph, bindings)
  const values: Tensor[] = []
  const fixed = new Set<number>()
  graph.inputs.forEach((port, i) => {
    values[port.value] = inputs[i]!
  })
  for (const node of graph.nodes) {
    if (node.kind === 'constant') {
      values[node.outputs[0]] = node.value
      fixed.add(node.outputs[0])
    } else if (node.kind === 'apply') {
      const read = node.inputs.map(id => values[id]!)
      const run = { attrs: node.attrs, shapes: node.outputs.map(id => shapes[id]!), bindings }
      const made = compute(node.op, read, run, round, steps).map(round)
      const clean = node.inputs.every((id, i) => fixed.has(id) || firstBad(read[i]!) < 0)
      if (clean) judge(graph, node, made, steps)
      node.outputs.forEach((id, k) => {
        values[id] = made[k]!
      })
    }
  }
  return graph.outputs.map(port => values[port.value]!)
}

/** The values of one application; a graph that its op runs is searched step by step. */
function compute(
  op: OpSpec,
  read: readonly Tensor[],
  run: Run,
  round: Rounding,
  steps: readonly number[],
): readonly Tensor[] {
  const replayed = op.replay?.(read, run, (body, slice, bindings, t) =>
    search(body, slice, { bindings, round }, [...steps, t]),
  )
  return replayed ?? op.forward(read, run)
}

/** @throws Found where a value is not finite. */
function judge(graph: Graph, node: ApplyNode, made: readonly Tensor[], steps: readonly number[]): void {
  for (const value of made) {
    const at = firstBad(value)
    if (at >= 0) throw new Found(finding(lineOf(graph, node), node.op.name, value, at, steps))
  }
}

function lineOf(graph: Graph, node: ApplyNode): string {
  return nodeLines(graph, node, nameValues(graph))[0]!
}

/** The position of the first number that is not finite; -1 where there is none. */
function firstBad({ data }: Tensor): number {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i
  return -1
}

function finding(
  line: string,
  op: string,
  { shape, data }: Tensor,
  index: number,
  steps: readonly number[],
): NonFinite {
  const value = data[index]!
  const at: number[] = []
  let rest = index
  for (const dim of shape.toReversed()) {
    at.unshift(rest % dim)
    rest = Math.floor(rest / dim)
  }
  const when = steps.length === 0 ? '' : `t = ${steps.join(' › ')}: `
  const text = `${when}${line} gives ${numberText(value)}${shape.length === 0 ? '' : ` at [${at.join(', ')}]`}`
  return { line, op, value, at, steps, text }
}
