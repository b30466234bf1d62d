import { add, type Graph, gradient, graph, grow, mul, type Shape, sum } from '@bptt/graph'
import { copyPart, levelsOf, refsOf } from '../part.js'

const WHERE = 'checkpoint'

/** What a value depends on at most. */
const [PARAMS, REST] = [1, 2]

const isParam = (name: string): boolean => name.startsWith('params.')

/** A graph in two: what depends on parameters alone, and the rest, which reads that as inputs `f.0`, `f.1`, …. */
export interface Split {
  /** Params → the values `f.…` that the rest reads. */
  readonly prelude: Graph
  readonly rest: Graph
  /** Params, and cotangents `bar.…` of those values → the gradient by params. */
  readonly finish: Graph
}

/**
 * Splits a graph at its parameters. A loop sums cotangents of what its body reads over time, before it pulls them back through
 * functions of parameters that stand outside; steps run one by one do the same only if those are split off.
 */
export function splitPrelude(step: Graph): Split {
  const levels = levelsOf(step, name => (isParam(name) ? PARAMS : REST))
  const frontier = [
    ...new Set(
      step.nodes.flatMap(node =>
        node.kind === 'apply' && levels[node.outputs[0]!] === REST ? node.inputs : [],
      ),
    ),
  ].filter(id => levels[id] === PARAMS)
  const inputs = (wanted: boolean): readonly (readonly [string, Shape])[] =>
    step.inputs
      .filter(({ name }) => isParam(name) === wanted)
      .map(({ name, value }) => [name, step.shapes[value]!])
  const names = frontier.map((_, i) => `f.${i}`)
  const prelude: Graph = graph(grow<Shape>(inputs(true)), refs => {
    const values = copyPart(step, { inputs: refsOf(refs, WHERE), wanted: id => levels[id] !== REST })
    return grow(frontier.map((id, i) => [names[i]!, values[id]!] as const))
  })
  const own = frontier.map((id, i) => [names[i]!, step.shapes[id]!] as const)
  const rest: Graph = graph(grow<Shape>([...own, ...inputs(false)]), refs => {
    const given = refsOf(refs, WHERE)
    const known = new Map(frontier.map((id, i) => [id, given.get(names[i]!)!]))
    const values = copyPart(step, { inputs: given, known, wanted: id => levels[id] !== PARAMS })
    return grow(step.outputs.map(({ name, value }) => [name, values[value]!] as const))
  })
  return { prelude, rest, finish: finishOf(prelude, inputs(true), own) }
}

function finishOf(
  prelude: Graph,
  params: readonly (readonly [string, Shape])[],
  own: readonly (readonly [string, Shape])[],
): Graph {
  const bars = own.map(([name, shape]) => [`bar.${name}`, shape] as const)
  const whole = graph(grow<Shape>([...params, ...bars]), refs => {
    const given = refsOf(refs, WHERE)
    const values = copyPart(prelude, { inputs: given })
    const dots = prelude.outputs.map(({ name, value }) => sum(mul(values[value]!, given.get(`bar.${name}`)!)))
    return { total: dots.reduce((all, one) => add(all, one)) }
  })
  return gradient(whole as Graph, { of: 'total', by: ['params'] }) as Graph
}
