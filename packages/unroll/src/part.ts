import { type Graph, isRef, leaves, type Ref, type Tree } from '@bptt/graph'

/** The refs of a tree by dotted name. */
export function refsOf(given: unknown, where: string): ReadonlyMap<string, Ref> {
  return new Map(leaves(given as Tree<Ref>, isRef, where))
}

/** By value id, the highest level of the inputs that a value depends on; 0 where there is none. */
export function levelsOf({ nodes, shapes }: Graph, ofInput: (name: string) => number): readonly number[] {
  const levels = new Array<number>(shapes.length).fill(0)
  for (const node of nodes) {
    const read = node.kind === 'apply' ? node.inputs.map(id => levels[id]!) : []
    const level = node.kind === 'input' ? ofInput(node.name) : Math.max(0, ...read)
    for (const id of node.outputs) levels[id] = level
  }
  return levels
}

/** What is copied of a graph. */
export interface Part {
  /** Refs for the inputs, by name; all belong to the graph that is copied into. */
  readonly inputs: ReadonlyMap<string, Ref>
  /** By value id, what stands in the place of values: neither they nor what only they need are copied. */
  readonly known?: ReadonlyMap<number, Ref>
  /** By value id, what is copied; all, where not given. */
  readonly wanted?: (id: number) => boolean
}

/** Copies a part of a graph. Refs by value id; none for what is not wanted. */
export function copyPart(
  graph: Graph,
  { inputs, known = new Map(), wanted = () => true }: Part,
): readonly Ref[] {
  const home = [...inputs.values(), ...known.values()][0]!.builder
  const refs: Ref[] = new Array(graph.shapes.length)
  for (const [id, ref] of known) refs[id] = ref
  for (const node of graph.nodes) {
    if (node.outputs.every(id => known.has(id) || !wanted(id))) continue
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
      if (!known.has(id)) refs[id] = made[k]!
    })
  }
  return refs
}
