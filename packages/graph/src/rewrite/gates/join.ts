import { Builder } from '../../builder.js'
import { add } from '../../elementwise.js'
import type { ApplyNode, Graph } from '../../graph.js'
import { concat, concatSpec } from '../../ops/join.js'
import { slice } from '../../ops/shape.js'
import { prune } from '../../prune.js'
import type { Ref } from '../../ref.js'
import type { ScanAttrs } from '../../scan/attrs.js'
import { type Found, findGates, type Siblings, type Sum, type Terms } from './find.js'
import { Parts } from './parts.js'

/**
 * Most elements of weights that are joined. A product of more takes so long that three calls less are not felt, and
 * joined ones came out slower: LSTM steps by 2 % with 384 units (4 · 384² elements), by 8 % with 768.
 */
const MOST = 2 ** 18

/**
 * The graph with products of gates joined: where one row is multiplied by several small matrices of a shape, it is
 * multiplied by all of them at once; so is the way back, Σ dz · W, and the gradients of the matrices. The matrices are
 * put together once, outside of all loops. Values are the same up to the order of summation.
 *
 * Done only where no step copies anything for it; a graph with nothing to join comes back as it is. O(nodes).
 */
export function joinGates(graph: Graph): Graph {
  const found = findGates(graph)
  if (found === undefined) return graph
  const level = new Level(graph, found)
  return level.run() ? prune(level.graph()) : graph
}

/** Values that were put side by side in a body of a loop. */
interface Joint {
  readonly whole: Ref
  readonly axis: number
  readonly values: readonly number[]
}

/** The loop that a level is the body of, and the level that the loop is in. */
interface Around {
  readonly level: Level
  readonly loop: ApplyNode
}

/** Values that the graph itself puts side by side. */
const joinedBefore = ({ nodes }: Graph): readonly number[] =>
  nodes.flatMap(node => (node.kind === 'apply' && node.op === concatSpec ? node.inputs : []))

/** A graph that is being written again, or the body of a loop in it. */
class Level {
  /** What the body now reads from outside besides. */
  readonly added: Ref[] = []
  readonly joints: Joint[] = []
  readonly #builder = new Builder()
  readonly #graph: Graph
  readonly #found: Found
  readonly #around: Around | undefined
  /** Positions of the inputs, by old value ids. */
  readonly #inputs: ReadonlyMap<number, number>
  /** By old value ids. */
  readonly #refs: Ref[] = []
  readonly #parts = new Parts()
  /** By the old ids of the matrices, or by the id outside. */
  readonly #weights = new Map<string | number, Ref>()
  /** Inputs that lie with others already. */
  readonly #taken: Set<number>
  #changed = false

  constructor(graph: Graph, found: Found, around?: Around) {
    this.#graph = graph
    this.#inputs = new Map(graph.inputs.map(({ value }, i) => [value, i] as const))
    this.#taken = new Set(around === undefined ? joinedBefore(graph) : [])
    this.#found = found
    this.#around = around
  }

  /** Writes the graph; true where something was joined. */
  run(): boolean {
    const { nodes, shapes, inputs } = this.#graph
    for (const { name, value } of inputs) this.#refs[value] = this.#builder.input(name, shapes[value]!)
    for (const node of nodes)
      if (node.kind === 'constant') this.#refs[node.outputs[0]] = this.#builder.constant(node.value)
      else if (node.kind === 'apply' && this.#refs[node.outputs[0]!] === undefined) this.#apply(node)
    return this.#changed
  }

  /** The graph as it is now, with joints as further outputs. */
  graph(joints: readonly Joint[] = []): Graph {
    const outputs = this.#graph.outputs.map(({ name, value }) => ({ name, value: this.#refs[value]!.id }))
    return this.#builder.build([
      ...outputs,
      ...joints.map(({ whole }, k) => ({ name: `gates.${k}`, value: whole.id })),
    ])
  }

  #apply(node: ApplyNode): void {
    const { siblings, sums, loops } = this.#found
    const [group, sum, inner] = [siblings.get(node), sums.get(node), loops.get(node)]
    if (group && this.#join(node, group)) return
    const made = (sum && this.#sum(sum)) ?? (inner && this.#loop(node, inner)) ?? this.#plain(node)
    node.outputs.forEach((id, k) => {
      this.#refs[id] = made[k]!
    })
  }

  #plain({ op, attrs, inputs }: ApplyNode): readonly Ref[] {
    return this.#builder.apply(op, this.#all(inputs), attrs)
  }

  #all(ids: readonly number[]): readonly Ref[] {
    return ids.map(id => this.#refs[id]!)
  }

  /** Makes the products that lie with `first`; false where there are no others, or too much. */
  #join(first: ApplyNode, { nodes, shared, from, to, size, apart }: Siblings): boolean {
    const other = (node: ApplyNode): number => node.inputs[1 - shared]!
    const home = this.#home(other(first))
    if (home === undefined || apart.has(first)) return false
    const mates = nodes
      .filter(node => this.#home(other(node)) === home)
      .sort((a, b) => this.#place(other(a)) - this.#place(other(b)))
    const open = mates.filter(node => this.#refs[node.outputs[0]!] === undefined && !apart.has(node))
    const start = mates.indexOf(open[0]!)
    if (open.length < 2 || open.some((node, k) => node !== mates[start + k])) return false
    const whole = mates.length * size <= MOST ? this.#matrices(mates.map(other), from) : undefined
    if (whole === undefined) return false
    const length = (whole.shape[from] as number) / mates.length
    const some = slice(whole, { axis: from, start: start * length, size: open.length * length })
    const y = this.#multiply(first, shared, this.#refs[first.inputs[shared]!]!, some)
    this.#parts.cut(y, to, open.length).forEach((part, k) => {
      this.#refs[open[k]!.outputs[0]!] = part
    })
    this.#changed = true
    return true
  }

  /** Values of one home as one. */
  #matrices(ids: readonly number[], axis: number): Ref | undefined {
    return this.rank(ids[0]!) === undefined ? this.#parts.whole(this.#all(ids), axis) : this.weights(ids)
  }

  /** A product like this one, with `a` at the position `at`. */
  #multiply({ op, attrs }: ApplyNode, at: 0 | 1, a: Ref, b: Ref): Ref {
    return this.#builder.apply(op, at === 0 ? [a, b] : [b, a], attrs)[0]!
  }

  /** What a value can be joined within: the matrices from outside, or the value it is a part of. */
  #home(id: number): 'weights' | number | undefined {
    if (this.rank(id) !== undefined) return 'weights'
    const ref = this.#refs[id]
    return ref && this.#parts.part(ref)?.whole.id
  }

  /** Matrices are in order of their inputs, parts as they lie. */
  #place(id: number): number {
    return this.rank(id) ?? this.#parts.part(this.#refs[id]!)!.at
  }

  /** The place of an input of the outermost graph; undefined for every other value. */
  rank(id: number): number | undefined {
    if (this.#around === undefined) return this.#inputs.get(id)
    const outer = this.#outside(id)
    return outer === undefined ? undefined : this.#around.level.rank(outer)
  }

  /** The value outside that a body reads as this one at every step. */
  #outside(id: number): number | undefined {
    const { loop } = this.#around!
    const { carry, xs } = loop.attrs as ScanAttrs
    const at = this.#inputs.get(id)
    return at === undefined || at < carry + xs ? undefined : loop.inputs[at]
  }

  /** Matrices as one, put together in the outermost graph; undefined where one of them lies with others already. */
  weights(ids: readonly number[]): Ref | undefined {
    if (this.#around === undefined) return this.#together(ids)
    const outer = this.#around.level.weights(ids.map(id => this.#outside(id)!))
    if (outer === undefined) return undefined
    const made =
      this.#weights.get(outer.id) ?? this.#builder.input(`gates.${this.added.push(outer) - 1}`, outer.shape)
    this.#weights.set(outer.id, made)
    return made
  }

  #together(ids: readonly number[]): Ref | undefined {
    const known = this.#weights.get(ids.join())
    if (known !== undefined || new Set(ids).size < ids.length || ids.some(id => this.#taken.has(id)))
      return known
    for (const id of ids) this.#taken.add(id)
    const made = concat(this.#all(ids))
    this.#weights.set(ids.join(), made)
    return made
  }

  #sum({ groups, rest }: Sum): readonly Ref[] | undefined {
    const products = groups.map(group => this.#product(group))
    if (products.every(made => made === undefined)) return undefined
    this.#changed = true
    const terms = groups.flatMap(
      ({ nodes }, k) => products[k] ?? this.#all(nodes.map(node => node.outputs[0]!)),
    )
    return [[...this.#all(rest), ...terms].reduce((sum, term) => add(sum, term))]
  }

  /** Σ dz · W as one product. */
  #product({ nodes, weights, axis, size, movable }: Terms): Ref | undefined {
    const ranks = new Map(nodes.map(node => [node, this.rank(node.inputs[weights]!)] as const))
    if ([...ranks.values()].includes(undefined) || !(nodes.length * size <= MOST)) return undefined
    const order = [...nodes].sort((a, b) => ranks.get(a)! - ranks.get(b)!)
    const joined = this.weights(order.map(node => node.inputs[weights]!))
    const rows = order.map(node => node.inputs[1 - weights]!)
    const side =
      joined && (this.#parts.whole(this.#all(rows), axis) ?? (movable ? this.#beside(rows, axis) : undefined))
    return side && this.#multiply(nodes[0]!, weights, joined!, side)
  }

  /** Values put side by side: each is written there, so each can lie in one only. */
  #beside(ids: readonly number[], axis: number): Ref | undefined {
    const refs = this.#all(ids)
    if (new Set(ids).size < ids.length || refs.some(ref => this.#parts.part(ref) !== undefined))
      return undefined
    const whole = concat(refs, { axis })
    this.#parts.put(refs, whole, axis)
    this.joints.push({ whole, axis, values: ids })
    return whole
  }

  /** The loop with gates joined in its body; stacked values that lie side by side there are one stack, of which they are parts. */
  #loop(node: ApplyNode, found: Found): readonly Ref[] | undefined {
    const attrs = node.attrs as ScanAttrs
    const inner = new Level(attrs.body, found, { level: this, loop: node })
    if (!inner.run()) return undefined
    this.#changed = true
    const { outputs } = attrs.body
    const stacked = new Set(outputs.slice(attrs.carry).map(port => port.value))
    const joints = inner.joints.filter(({ values }) => values.every(value => stacked.has(value)))
    const inputs = [...this.#all(node.inputs), ...inner.added]
    const made = this.#builder.apply(node.op, inputs, { ...attrs, body: inner.graph(joints) })
    const parts = new Map<number, Ref>()
    joints.forEach(({ axis, values }, k) => {
      const whole = made[outputs.length + k]!
      const cut = this.#parts.cut(whole, axis + 1, values.length)
      values.forEach((value, i) => {
        parts.set(value, cut[i]!)
      })
    })
    return outputs.map(({ value }, i) => (i < attrs.carry ? undefined : parts.get(value)) ?? made[i]!)
  }
}
