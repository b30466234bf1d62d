import {
  add,
  type Graph,
  gradient,
  graph,
  grow,
  isRef,
  leaves,
  mul,
  type Ref,
  type Shape,
  sum,
  type Tree,
} from '@bptt/graph'

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
  const kinds = kindsOf(step)
  const frontier = [
    ...new Set(
      step.nodes.flatMap(node =>
        node.kind === 'apply' && kinds[node.outputs[0]!] === 'rest' ? node.inputs : [],
      ),
    ),
  ].filter(id => kinds[id] === 'params')
  const isParam = (name: string): boolean => name.startsWith('params.')
  const inputs = (wanted: boolean): readonly (readonly [string, Shape])[] =>
    step.inputs
      .filter(({ name }) => isParam(name) === wanted)
      .map(({ name, value }) => [name, step.shapes[value]!])
  const names = frontier.map((_, i) => `f.${i}`)
  const prelude: Graph = graph(grow<Shape>(inputs(true)), refs => {
    const values = copied(step, named(refs as Tree<Ref>), new Map(), id => kinds[id] !== 'rest')
    return grow(frontier.map((id, i) => [names[i]!, values[id]!] as const))
  })
  const own = frontier.map((id, i) => [names[i]!, step.shapes[id]!] as const)
  const rest: Graph = graph(grow<Shape>([...own, ...inputs(false)]), refs => {
    const given = named(refs as Tree<Ref>)
    const known = new Map(frontier.map((id, i) => [id, given.get(names[i]!)!]))
    const values = copied(step, given, known, id => kinds[id] !== 'params')
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
    const given = named(refs as Tree<Ref>)
    const values = copied(prelude, given, new Map(), () => true)
    const dots = prelude.outputs.map(({ name, value }) => sum(mul(values[value]!, given.get(`bar.${name}`)!)))
    return { total: dots.reduce((all, one) => add(all, one)) }
  })
  return gradient(whole as Graph, { of: 'total', by: ['params'] }) as Graph
}

const named = (refs: Tree<Ref>): ReadonlyMap<string, Ref> => new Map(leaves(refs, isRef, 'checkpoint'))

type Kind = 'none' | 'params' | 'rest'

/** What every value depends on: no input, parameters alone, or more. */
function kindsOf({ nodes, shapes }: Graph): readonly Kind[] {
  const kinds: Kind[] = new Array(shapes.length).fill('none')
  for (const node of nodes) {
    const from = node.kind === 'apply' ? node.inputs.map(id => kinds[id]!) : []
    const own = node.kind === 'input' ? (node.name.startsWith('params.') ? 'params' : 'rest') : 'none'
    const kind = [...from, own].includes('rest')
      ? 'rest'
      : [...from, own].includes('params')
        ? 'params'
        : 'none'
    for (const id of node.outputs) kinds[id] = kind
  }
  return kinds
}

/** Copies the nodes whose values are wanted into the graph of the inputs; refs by value id of the original. */
function copied(
  from: Graph,
  inputs: ReadonlyMap<string, Ref>,
  known: ReadonlyMap<number, Ref>,
  wanted: (id: number) => boolean,
): readonly (Ref | undefined)[] {
  const home = [...inputs.values()][0]!.builder
  const refs: (Ref | undefined)[] = new Array(from.shapes.length)
  for (const [id, ref] of known) refs[id] = ref
  for (const node of from.nodes) {
    if (!wanted(node.outputs[0]!)) continue
    const made =
      node.kind === 'input'
        ? [inputs.get(node.name)!]
        : node.kind === 'constant'
          ? [home.constant(node.value)]
          : home.apply(
              node.op,
              node.inputs.map(id => refs[id]!),
              node.attrs,
            )
    node.outputs.forEach((id, k) => {
      refs[id] = made[k]!
    })
  }
  return refs
}
