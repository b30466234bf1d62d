import { Builder } from '../builder.js'
import { bind, run } from '../evaluate.js'
import type { ApplyNode, Graph } from '../graph.js'
import { print } from '../print.js'
import type { Bindings } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { compareAlong } from './compare.js'
import { mappingOf } from './mapping.js'
import { drawTensor, randomFrom } from './random.js'
import type { Vector } from './vectors.js'

/** A graph at a point. */
interface Scene {
  readonly graph: Graph
  readonly inputs: Vector
  readonly bindings: Bindings
  readonly seed: number
}

/**
 * The first node whose own derivative disagrees with finite differences at the values met, as it is printed;
 * inside a loop, the node of its body at the first step. Where every analytic one agrees, the first node whose
 * derivative is a convention, because that is what the difference comes from.
 */
export function blame(scene: Scene): string | undefined {
  const { graph, inputs, bindings } = scene
  const values = run(graph, inputs, bind(graph, bindings), bindings)
  const applied = graph.nodes.filter(node => node.kind === 'apply')
  for (const node of applied) {
    const met = node.inputs.map(id => values[id]!)
    if (!node.op.analytic || locallyRight(scene, node, met)) continue
    return withinBody(scene, node, met) ?? lineOf(graph, node)
  }
  const declared = applied.find(node => !node.op.analytic)
  return declared && `${lineOf(graph, declared)} (its derivative is declared, not that of its value)`
}

function locallyRight({ graph, bindings, seed }: Scene, node: ApplyNode, met: Vector): boolean {
  const next = randomFrom(seed)
  const wanted = [...node.inputs.map((_, i) => node.op.differentiable(i)), ...[...bindings].map(() => false)]
  const inputs = [...met, ...[...bindings.values()].map(empty)]
  const mapping = mappingOf(alone(graph, node, bindings), wanted)
  const w = mapping.call(inputs).map(output => drawTensor(next, output.shape))
  const v = inputs.map(value => drawTensor(next, value.shape))
  const modes = ['reverse', 'forward'] as const
  return compareAlong({ mapping, inputs, wanted, modes }, v, w, 1e-6).every(
    ({ verdict }) => verdict !== 'wrong',
  )
}

/** A graph of one application; further inputs without elements bind the axes. */
function alone(graph: Graph, node: ApplyNode, bindings: Bindings): Graph {
  const builder = new Builder()
  const inputs = node.inputs.map((id, i) => builder.input(`x${i}`, graph.shapes[id]!))
  for (const axis of bindings.keys()) builder.input(`axis.${axis}`, [axis, 0])
  const outputs = builder.apply(node.op, inputs, node.attrs)
  return builder.build(outputs.map((ref, k) => ({ name: `y${k}`, value: ref.id })))
}

const empty = (length: number): Tensor => ({ shape: [length, 0], data: new Float64Array(0) })

/** Blames a node of the graph that an op runs inside, at the step that runs first. */
function withinBody({ graph, bindings, seed }: Scene, node: ApplyNode, met: Vector): string | undefined {
  const scenes: Scene[] = []
  const shapes = bind(graph, bindings)
  const at = { attrs: node.attrs, shapes: node.outputs.map(id => shapes[id]!), bindings }
  node.op.replay?.(met, at, (body, inputs, axes) => {
    if (scenes.length === 0) scenes.push({ graph: body, inputs, bindings: axes, seed })
    const values = run(body, inputs, bind(body, axes), axes)
    return body.outputs.map(port => values[port.value]!)
  })
  return scenes[0] && blame(scenes[0])
}

/** The line of a node in the printed graph, without what is indented below it. */
function lineOf(graph: Graph, node: ApplyNode): string {
  const upTo = graph.nodes.slice(0, graph.nodes.indexOf(node) + 1)
  const part = { ...graph, nodes: upTo, outputs: [{ name: '', value: node.outputs[0]! }] }
  const top = print(part)
    .split('\n')
    .filter(line => /^ {2}\S/.test(line) && !/^ {2}(return\b|\})/.test(line))
  return top.at(-1)!.trim()
}
