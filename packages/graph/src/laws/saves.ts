import { Builder } from '../builder.js'
import type { Graph, Node } from '../graph.js'
import type { Ref } from '../ref.js'
import type { Tensor } from '../tensor.js'
import { allValues } from './mapping.js'
import { drawTensor } from './random.js'
import { inputName, type Site } from './site.js'
import { gapOf, type Vector } from './vectors.js'

/** The derivative nodes of one application, cut from it: the forward values they read are inputs. */
interface Cut {
  /** Forward and derivative together. */
  readonly whole: Graph
  /** Derivative alone. */
  readonly graph: Graph
  /** Values of the inputs of `whole`: the op's inputs and the seeds. */
  readonly given: Vector
  /** Value ids of the op's outputs. */
  readonly outputs: readonly number[]
  /** Forward value ids that the derivative reads. */
  readonly read: readonly number[]
}

const OWN = 'a value of its own'

/** Reads only what `saves` declares: found from the nodes, and by poisoning everything else with NaN. */
export function declaredSaves(site: Site): string | undefined {
  const { saves } = site.spec
  for (const cut of [pullbackCut(site), pushforwardCut(site)]) {
    const extra = cut.read.find(id => !mayRead(site, cut, id))
    if (extra !== undefined)
      return `the derivative reads ${nameOf(site, cut, extra)}, which saves (${saves.join(', ') || 'nothing'}) does not declare`
    if (changesWhenPoisoned(site, cut)) return 'the derivative changes where a value that is not saved is NaN'
  }
  return undefined
}

/** Names that the derivative reads at this site, of those an op can declare. */
export function readNames(site: Site): readonly string[] {
  return [pullbackCut(site), pushforwardCut(site)].flatMap(cut => cut.read.map(id => nameOf(site, cut, id)))
}

function nameOf({ spec, inputs }: Site, cut: Cut, id: number): string {
  if (id < inputs.length) return inputName(spec, id)
  return cut.outputs.includes(id) ? 'y' : OWN
}

function mayRead(site: Site, cut: Cut, id: number): boolean {
  const name = nameOf(site, cut, id)
  return name === OWN || site.spec.saves.includes(name)
}

function pullbackCut(site: Site): Cut {
  const { builder, inputs } = start(site)
  const { outputs, pullback } = site.spec.linearize(inputs, site.attrs, site.wanted)
  const forward = new Set(builder.nodes)
  const values = site.mapping.call(site.inputs)
  const seeds = outputs.map((output, k) => builder.input(`seed${k}`, output.shape))
  return cutFrom(site, builder, forward, { outputs, ends: pullback(seeds), seeded: values })
}

function pushforwardCut(site: Site): Cut {
  const { builder, inputs } = start(site)
  const seeds = inputs.map((input, i) => (site.wanted[i] ? builder.input(`seed${i}`, input.shape) : null))
  const seeded = site.inputs.filter((_, i) => site.wanted[i])
  const { outputs, tangents } = site.spec.push(inputs, site.attrs, seeds)
  const ids = outputs.map(ref => ref.id)
  const forward = new Set(
    builder.nodes.filter(node =>
      node.outputs.some(id => id < inputs.length || (node.kind === 'apply' && ids.includes(id))),
    ),
  )
  return cutFrom(site, builder, forward, { outputs, ends: tangents.flat(), seeded })
}

function start({ spec, shapes }: Site): { builder: Builder; inputs: readonly Ref[] } {
  const builder = new Builder()
  return { builder, inputs: shapes.map((shape, i) => builder.input(`${inputName(spec, i)}${i}`, shape)) }
}

interface Made {
  readonly outputs: readonly Ref[]
  readonly ends: readonly (Ref | null)[]
  /** Values whose shapes the seeds have. */
  readonly seeded: Vector
}

function cutFrom(site: Site, builder: Builder, forward: ReadonlySet<Node>, made: Made): Cut {
  const ports = made.ends.flatMap((ref, k) => (ref ? [{ name: `d${k}`, value: ref.id }] : []))
  const whole = builder.build(ports)
  const nodes = whole.nodes.flatMap<Node>(node =>
    forward.has(node) && node.kind === 'apply'
      ? node.outputs.map(id => ({ kind: 'input', name: `v${id}`, outputs: [id] }))
      : [node],
  )
  const inputs = nodes.flatMap(node =>
    node.kind === 'input' ? [{ name: node.name, value: node.outputs[0] }] : [],
  )
  const graph = { ...whole, nodes, inputs }
  const known = new Set([...forward].filter(node => node.kind !== 'constant').flatMap(node => node.outputs))
  return {
    whole,
    graph,
    given: [...site.inputs, ...made.seeded.map(like => drawTensor(site.next, like.shape))],
    outputs: made.outputs.map(ref => ref.id),
    read: [...valuesRead(graph)].filter(id => known.has(id)),
  }
}

/** Values that an end of the graph depends on, through nodes that are needed. */
function valuesRead(graph: Graph): ReadonlySet<number> {
  const needed = new Set(graph.outputs.map(port => port.value))
  for (const node of graph.nodes.toReversed())
    if (node.kind === 'apply' && node.outputs.some(id => needed.has(id)))
      for (const id of node.inputs) needed.add(id)
  return needed
}

/** True where the derivative changes once every forward value it may not read is NaN. */
function changesWhenPoisoned(site: Site, cut: Cut): boolean {
  const values = allValues(cut.whole, cut.given)
  const seeds = new Set(cut.graph.inputs.filter(port => port.name.startsWith('seed')).map(port => port.value))
  const at = (spoil: boolean): Vector => {
    const inputs = cut.graph.inputs.map(({ value }) =>
      spoil && !seeds.has(value) && !mayRead(site, cut, value) ? spoiled(values[value]!) : values[value]!,
    )
    const made = allValues(cut.graph, inputs)
    return cut.graph.outputs.map(port => made[port.value]!)
  }
  return gapOf(at(false), at(true)).error > 0
}

const spoiled = ({ shape, data }: Tensor): Tensor => ({ shape, data: data.map(() => Number.NaN) })
