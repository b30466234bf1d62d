import { add } from '../elementwise.js'
import type { ApplyNode, Node } from '../graph.js'
import type { ScanAttrs } from './attrs.js'
import { isMappable } from './map-op.js'

/** What leaves a loop: nodes done before it, nodes done after it, and carries that are sums over the steps. */
export interface HoistPlan {
  readonly before: readonly ApplyNode[]
  readonly after: readonly ApplyNode[]
  /** Position of a carry that only sums → the values it adds at each step. */
  readonly sums: ReadonlyMap<number, readonly number[]>
  /** Nodes of the body that stay. */
  readonly stays: readonly ApplyNode[]
  /** Values from outside that they read, or that are stacked as they are. */
  readonly read: readonly number[]
  /** Values of the body that are stacked for what comes after. */
  readonly needed: readonly number[]
  /** The node that makes a value. */
  readonly maker: (value: number) => ApplyNode | undefined
  /** True for a term that is summed by one application of its op over all steps. */
  readonly accumulates: (term: number) => boolean
}

/** Ops worth a place outside: products, and rows of tables. */
const isHeavy = ({ op }: ApplyNode): boolean =>
  op.emission?.kind === 'product' || op.emission?.kind === 'rows'

/** Takes stock of a loop's body. Reads what ops say about themselves; makes nothing. */
export function planHoist(attrs: ScanAttrs): HoistPlan {
  const { body, carry } = attrs
  const applied = body.nodes.filter(node => node.kind === 'apply')
  const makers = new Map(applied.flatMap(node => node.outputs.map(id => [id, node] as const)))
  const maker = (value: number): ApplyNode | undefined => makers.get(value)
  const free = freeNodes(attrs, applied)
  const varies = (id: number): boolean => !free.values.has(id) || free.varying.has(id)
  const sums = findSums(attrs, applied, maker)
  const accumulates = (term: number): boolean => {
    const node = maker(term)
    return node?.op.accumulate !== undefined && node.inputs.every(varies)
  }
  const terms = [...sums.values()].flat()
  const sources = terms.flatMap(term => (accumulates(term) ? maker(term)!.inputs : [term]))
  const carried = body.outputs.filter((_, i) => i < carry && !sums.has(i)).map(port => port.value)
  const stacked = body.outputs.slice(carry).map(port => port.value)
  // nodes that only lead to sums are done by the sums
  const used = walk([...carried, ...stacked, ...sources], maker, new Set())
  const before = withoutLastAdds(chooseBefore(used, free, maker), free.varying, [
    ...used.flatMap(node => node.inputs.map(id => [id, node] as const)),
    ...[...carried, ...stacked, ...sources].map(id => [id, undefined] as const),
  ])
  const after = chooseAfter(used, { before, core: new Set(walk(carried, maker, new Set())), maker, varies })
  const wanted = [...stacked, ...sources, ...[...after].flatMap(node => node.inputs)]
  const outside = new Set([
    ...[...before, ...after].flatMap(node => node.outputs),
    ...fixedValues(attrs, body.nodes),
  ])
  const needed = [...new Set(wanted)].filter(id => !outside.has(id))
  const stays = sunk(walk([...carried, ...needed], maker, outside), outside)
  const reads = [...stays.flatMap(node => node.inputs), ...carried]
  const read = [...new Set(reads)].filter(id => outside.has(id))
  return { before: [...before], after: [...after], sums, stays, read, needed, maker, accumulates }
}

/** Inputs of the body that are no carry, and its literals: known outside as they are. */
function fixedValues({ body, carry }: ScanAttrs, nodes: readonly Node[]): readonly number[] {
  const literals = nodes.flatMap(node => (node.kind === 'constant' ? [...node.outputs] : []))
  return [...body.inputs.slice(carry).map(port => port.value), ...literals]
}

/** Nodes that no carry reaches and that can be done over all steps at once. */
function freeNodes(attrs: ScanAttrs, applied: readonly ApplyNode[]): Free {
  const values = new Set(fixedValues(attrs, attrs.body.nodes))
  const varying = new Set(
    attrs.body.inputs.slice(attrs.carry, attrs.carry + attrs.xs).map(port => port.value),
  )
  const free = new Set<ApplyNode>()
  for (const node of applied) {
    if (!node.inputs.every(id => values.has(id))) continue
    const varies = node.inputs.some(id => varying.has(id))
    if (varies && !canMap(node, id => varying.has(id))) continue
    free.add(node)
    for (const id of node.outputs) {
      values.add(id)
      if (varies) varying.add(id)
    }
  }
  return { nodes: free, values, varying }
}

/** What no carry reaches. */
interface Free {
  readonly nodes: ReadonlySet<ApplyNode>
  readonly values: ReadonlySet<number>
  /** Those of the values that differ from step to step. */
  readonly varying: ReadonlySet<number>
}

/** True where an op can be applied over all steps at once. Ops answer for their inputs' roles, not their values. */
const canMap = ({ op, inputs }: ApplyNode, mapped: (id: number) => boolean): boolean =>
  isMappable(op) && (op.mappable === undefined || op.mappable(inputs.map(mapped)))

/** Free nodes worth doing before: heavy ones, what leads to them, what follows from them alone, and what never changes. */
function chooseBefore(
  applied: readonly ApplyNode[],
  { nodes: free, varying }: Free,
  maker: (value: number) => ApplyNode | undefined,
): ReadonlySet<ApplyNode> {
  const isStill = ({ op, outputs }: ApplyNode): boolean =>
    op.emission?.kind === 'lanes' && !outputs.some(id => varying.has(id))
  const worth = applied.filter(node => free.has(node) && (isHeavy(node) || isStill(node)))
  const chosen = new Set(
    walk(
      worth.flatMap(node => node.outputs),
      maker,
      new Set(),
    ),
  )
  for (const node of applied) {
    const makers = node.inputs.flatMap(id => maker(id) ?? [])
    if (free.has(node) && makers.length > 0 && makers.every(from => chosen.has(from))) chosen.add(node)
  }
  return new Set(applied.filter(node => chosen.has(node)))
}

/**
 * The nodes before a loop without additions of what never changes that only elementwise work in the loop reads: it reads what they add to
 * instead, and adds on its way, which spares a pass over all steps. `uses` are values with the nodes that read them; undefined where they leave the body.
 */
function withoutLastAdds(
  before: ReadonlySet<ApplyNode>,
  varying: ReadonlySet<number>,
  uses: readonly (readonly [value: number, by: ApplyNode | undefined])[],
): ReadonlySet<ApplyNode> {
  const kept = new Set(before)
  for (const node of [...before].toReversed()) {
    const [value] = node.outputs
    const one = node.op === add.spec && node.inputs.filter(id => varying.has(id)).length === 1
    const inside = (by: ApplyNode | undefined): boolean => by?.op.emission?.kind === 'lanes' && !kept.has(by)
    if (one && uses.every(([id, by]) => id !== value || inside(by))) kept.delete(node)
  }
  return kept
}

/** Carries that add something at every step and are read for nothing else. */
function findSums(
  { body, carry }: ScanAttrs,
  applied: readonly ApplyNode[],
  maker: (value: number) => ApplyNode | undefined,
): ReadonlyMap<number, readonly number[]> {
  const uses = new Map<number, number>()
  for (const id of [...applied.flatMap(node => node.inputs), ...body.outputs.map(port => port.value)])
    uses.set(id, (uses.get(id) ?? 0) + 1)
  const found = new Map<number, readonly number[]>()
  for (let i = 0; i < carry; i++) {
    const own = body.inputs[i]!.value
    const total = maker(body.outputs[i]!.value)
    if (total?.op !== add.spec || uses.get(own) !== 1 || uses.get(total.outputs[0]!) !== 1) continue
    const [left, right] = total.inputs as [number, number]
    if (left !== own && right !== own) continue
    const terms = summands(left === own ? right : left, maker, uses)
    if (terms.every(term => String(body.shapes[term]) === String(body.shapes[own]))) found.set(i, terms)
  }
  return found
}

/** The values that a sum adds, where the partial sums are used for nothing else. */
function summands(
  value: number,
  maker: (value: number) => ApplyNode | undefined,
  uses: ReadonlyMap<number, number>,
): readonly number[] {
  const node = maker(value)
  if (node?.op !== add.spec || uses.get(value) !== 1) return [value]
  return node.inputs.flatMap(id => summands(id, maker, uses))
}

/** Nodes that no carry needs: heavy ones and all that follows from them, where all of that can be done over all steps at once. */
function chooseAfter(
  applied: readonly ApplyNode[],
  { before, core, maker, varies }: Stock,
): ReadonlySet<ApplyNode> {
  const stuck = new Set<number>()
  const movable = new Set<ApplyNode>()
  for (const node of applied.toReversed()) {
    const moves = !before.has(node) && !core.has(node) && canMap(node, varies)
    if (moves && !node.outputs.some(id => stuck.has(id))) movable.add(node)
    else if (!before.has(node)) for (const id of node.inputs) stuck.add(id)
  }
  const chosen = new Set<ApplyNode>()
  for (const node of applied) {
    const follows = node.inputs.some(id => chosen.has(maker(id) as ApplyNode))
    if (movable.has(node) && (follows || isHeavy(node))) chosen.add(node)
  }
  return chosen
}

/** What is known of a body when the nodes that go after it are chosen. */
interface Stock {
  readonly before: ReadonlySet<ApplyNode>
  /** Nodes that lead to a carry. */
  readonly core: ReadonlySet<ApplyNode>
  readonly maker: (value: number) => ApplyNode | undefined
  readonly varies: (value: number) => boolean
}

/** The same nodes, where elementwise work on what comes from outside stands before its first reader: it becomes part of that kernel. */
function sunk(nodes: readonly ApplyNode[], outside: ReadonlySet<number>): readonly ApplyNode[] {
  const waits = ({ op, inputs }: ApplyNode): boolean =>
    op.emission?.kind === 'lanes' && inputs.every(id => outside.has(id))
  const waiting = new Map(nodes.filter(waits).map(node => [node.outputs[0]!, node] as const))
  const inOrder = nodes
    .filter(node => !waits(node))
    .flatMap(node => [
      ...node.inputs.flatMap(id => {
        const first = waiting.get(id)
        waiting.delete(id)
        return first ?? []
      }),
      node,
    ])
  return [...waiting.values(), ...inOrder]
}

/** Nodes that lead to these values, in evaluation order, not going beyond values known outside. */
function walk(
  values: readonly number[],
  maker: (value: number) => ApplyNode | undefined,
  outside: ReadonlySet<number>,
): readonly ApplyNode[] {
  const found = new Set<ApplyNode>()
  const open = [...values]
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    const node = outside.has(value) ? undefined : maker(value)
    if (node === undefined || found.has(node)) continue
    found.add(node)
    open.push(...node.inputs)
  }
  return [...found].sort((a, b) => a.outputs[0]! - b.outputs[0]!)
}
