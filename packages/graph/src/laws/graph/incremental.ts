import { evaluate } from '../../evaluate.js'
import type { Graph } from '../../graph.js'
import { live } from '../../live.js'
import { isTensor, type Tensor } from '../../tensor.js'
import { leaves, type Tree } from '../../tree.js'
import { drawTensor } from '../random.js'
import { sameBits, type Vector } from '../vectors.js'
import { type GraphLaw, lossGradient, namesOf, type Subject } from './subject.js'

/** After any batch of changes a live graph shows what evaluation from scratch gives, each node computed at most once. */
function glitchFree(subject: Subject): string | undefined {
  return followed(subject, subject.graph) ?? followed(subject, lossGradient(subject.graph))
}

function followed({ inputs, next }: Subject, graph: Graph): string | undefined {
  const names = namesOf(graph)
  let values: Record<string, Tensor> = Object.fromEntries(names.map((name, i) => [name, inputs[i]!]))
  const kept = live(graph, values)
  for (let round = 0; round < 3; round++) {
    const changed = names.filter(() => next() < 0.5)
    const batch = Object.fromEntries(changed.map(name => [name, drawTensor(next, values[name]!.shape)]))
    const before = kept.computed
    kept.set(batch)
    values = { ...values, ...batch }
    const most = affected(graph, changed)
    if (kept.computed - before > most)
      return `a change of ${changed.join(', ')} computes ${kept.computed - before} nodes; ${most} depend on it`
    if (!sameBits(flat(kept.outputs as Tree<Tensor>), flat(evaluate(graph, values) as Tree<Tensor>)))
      return `after a change of ${changed.join(', ')} the outputs are not those from scratch`
  }
  return undefined
}

const flat = (tree: Tree<Tensor>): Vector => leaves<Tensor>(tree, isTensor, 'laws').map(([, value]) => value)

/** How many applications depend on these inputs. */
function affected(graph: Graph, names: readonly string[]): number {
  const moved = new Set(graph.inputs.filter(port => names.includes(port.name)).map(port => port.value))
  const reads = graph.nodes.filter(node => {
    if (node.kind !== 'apply' || !node.inputs.some(id => moved.has(id))) return false
    for (const id of node.outputs) moved.add(id)
    return true
  })
  return reads.length
}

/** Law 48 of the catalogue. */
export const incrementalLaws: readonly GraphLaw[] = [
  { name: '48 incremental evaluation is glitch-free', analytic: false, broken: glitchFree },
]
