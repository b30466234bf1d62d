import { Builder } from '../../builder.js'
import { add, mul } from '../../elementwise.js'
import type { Graph, Node } from '../../graph.js'
import type { Ref } from '../../ref.js'
import { caller } from '../mapping.js'
import { along, inner, innerSize, sameBits, times, zerosLike } from '../vectors.js'
import {
  applied,
  around,
  drawLike,
  type GraphLaw,
  lossGradient,
  lossSlopes,
  namesOf,
  type Subject,
  unequal,
} from './subject.js'

/** A parameter that enters everywhere gets the sum of what it gets at each place. */
function fanOut(subject: Subject): string | undefined {
  const { graph, inputs } = subject
  const v = drawLike(subject, inputs)
  const builder = new Builder()
  const s = builder.input('s', [])
  const moved = inputs.map((input, i) => add(mul(builder.constant(v[i]!), s), builder.constant(input)))
  if (graph.shapes.some(shape => shape.some(dim => typeof dim === 'string'))) return twice(subject)
  const loss = applied(graph, moved as readonly Ref[])[0]!
  const shared = builder.build([{ name: 'loss', value: loss.id }])
  const [found] = lossSlopes(shared, [{ shape: [], data: new Float64Array(1) }])
  const expected = inner(v, subject.slopes())
  const error = Math.abs(found!.data[0]! - expected)
  if (error <= 1e-9 * (1 + innerSize(v, subject.slopes()))) return twice(subject)
  return `a shared scalar gets ${found!.data[0]}, its copies together ${expected}`
}

/** Two copies with shared inputs get the sum of both gradients. */
function twice({ graph, inputs, slopes }: Subject): string | undefined {
  const both = around(graph, refs => [add(mul(3, applied(graph, refs)[0]!), applied(graph, refs)[0]!) as Ref])
  return unequal(
    'two copies with shared inputs, and four times one',
    lossSlopes(both, inputs),
    times(4, slopes()),
  )
}

/** Any order of evaluation gives the same values and gradients. */
function anyOrder({ graph, inputs, mapping, slopes, next }: Subject): string | undefined {
  const other = reordered(graph, next)
  return (
    unequal('values in another order of the nodes', caller(other)(inputs), mapping.call(inputs), 0) ??
    unequal('gradients in another order of the nodes', lossSlopes(other, inputs), slopes())
  )
}

/** The same table in a random order that keeps every node behind those it reads. */
function reordered(graph: Graph, next: () => number): Graph {
  const ids = new Map<number, number>()
  const nodes: Node[] = []
  const shapes: Graph['shapes'][number][] = []
  const place = (node: Node): void => {
    const outputs = node.outputs.map(id => {
      ids.set(id, shapes.push(graph.shapes[id]!) - 1)
      return ids.get(id)!
    })
    if (node.kind !== 'apply') nodes.push({ ...node, outputs: [outputs[0]!] })
    else nodes.push({ ...node, inputs: node.inputs.map(id => ids.get(id)!), outputs })
  }
  for (const node of graph.nodes) if (node.kind === 'input') place(node)
  let waiting = graph.nodes.filter(node => node.kind !== 'input')
  while (waiting.length > 0) {
    const ready = waiting.filter(node => node.kind !== 'apply' || node.inputs.every(id => ids.has(id)))
    const chosen = ready[Math.floor(next() * ready.length)]!
    place(chosen)
    waiting = waiting.filter(node => node !== chosen)
  }
  const moved = (ports: Graph['inputs']): Graph['inputs'] =>
    ports.map(port => ({ ...port, value: ids.get(port.value)! }))
  return { nodes, shapes, inputs: moved(graph.inputs), outputs: moved(graph.outputs) }
}

/** Constants add nothing, factors scale, sums add, and what the loss does not depend on gets an exact zero. */
function sums(subject: Subject): string | undefined {
  const { graph, inputs, mapping, slopes } = subject
  const lossOf = (build: (outputs: readonly Ref[]) => Ref): Graph =>
    around(graph, refs => [build(applied(graph, refs))])
  const shifted = lossSlopes(
    lossOf(([loss]) => add(loss!, 5) as Ref),
    inputs,
  )
  const scaled = lossSlopes(
    lossOf(([loss]) => mul(loss!, -4) as Ref),
    inputs,
  )
  const squared = lossOf(([loss]) => mul(loss!, loss!) as Ref)
  const summed = lossOf(([loss]) => add(mul(loss!, loss!), loss!) as Ref)
  const parts = along(lossSlopes(squared, inputs), 1, slopes())
  const value = mapping.call(inputs)[0]!.data[0]!
  return (
    unequal('the gradients of L + 5 and of L', shifted, slopes(), 0) ??
    unequal('the gradients of −4 L and of L, times −4', scaled, times(-4, slopes()), 0) ??
    unequal('the gradients of L² + L and of both', lossSlopes(summed, inputs), parts) ??
    unequal(
      'the gradients of L² and of L, times 2L',
      lossSlopes(squared, inputs),
      times(2 * value, slopes()),
    ) ??
    unreachable(subject)
  )
}

function unreachable({ graph, slopes }: Subject): string | undefined {
  const loss = graph.outputs[0]!.value
  const needed = new Set([loss])
  for (const node of graph.nodes.toReversed())
    if (node.kind === 'apply' && node.outputs.some(id => needed.has(id)))
      for (const id of node.inputs) needed.add(id)
  const odd = graph.inputs.findIndex(
    (port, i) => !needed.has(port.value) && slopes()[i]!.data.some(value => !Object.is(value, 0)),
  )
  return odd < 0
    ? undefined
    : `the loss does not depend on ${graph.inputs[odd]!.name}, whose gradient is not 0`
}

/** Building and running twice gives the same text and the same bits, and leaves graph and values alone. */
function repeated({ graph, inputs, mapping }: Subject): string | undefined {
  const before = JSON.stringify(graph.nodes.map(node => node.outputs))
  const kept = inputs.map(({ shape, data }) => ({ shape, data: data.slice() }))
  const [first, second] = [lossGradient(graph), lossGradient(graph)]
  if (first.nodes.length !== second.nodes.length) return 'the second gradient has other nodes than the first'
  if (!sameBits(caller(first)(inputs), caller(second)(inputs))) return 'the second gradient has other bits'
  if (!sameBits(mapping.call(inputs), mapping.call(inputs))) return 'the second evaluation has other bits'
  if (!sameBits(kept, inputs)) return 'evaluation changes an input'
  return JSON.stringify(graph.nodes.map(node => node.outputs)) === before
    ? undefined
    : 'the graph has changed'
}

/** A derivative by some inputs is the part of the derivative by all. */
function selected({ graph, inputs, mapping, slopes, next }: Subject): string | undefined {
  const k = Math.floor(next() * inputs.length)
  const name = namesOf(graph)[k]!
  const alone = caller(lossGradient({ ...graph, outputs: graph.outputs.slice(0, 1) }))
  const all = alone(inputs)
  const v = zerosLike(inputs).map((zero, i) => (i === k ? inputs[i]! : zero))
  const part = mapping.push(inputs, v)
  const slope = inner(slopes(), v)
  const gap = Math.abs(part[0]!.data[0]! - slope)
  if (gap > 1e-9 * (1 + innerSize(slopes(), v)))
    return `moving ${name} alone gives ${part[0]!.data[0]}, not ${slope}`
  return unequal(`the gradient without the other outputs`, all, slopes())
}

/** Laws 5, 6, 8 and 13 of the catalogue. */
export const sumLaws: readonly GraphLaw[] = [
  { name: '5 cotangents of a shared value add up', analytic: false, broken: fanOut },
  { name: '6 the order of evaluation does not matter', analytic: false, broken: anyOrder },
  { name: '8 constants, factors and sums', analytic: false, broken: sums },
  { name: '13 a second backward repeats the first', analytic: false, broken: repeated },
  { name: '13 a part of a derivative is that part', analytic: false, broken: selected },
]
