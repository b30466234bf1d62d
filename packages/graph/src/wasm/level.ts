import type { Emission } from '../emission.js'
import type { ApplyNode, Graph } from '../graph.js'
import { type Dim, sameShape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { Group, kernelOf } from './group.js'
import { fillOf, type Memory } from './memory.js'
import { reserveParts } from './places.js'
import type { Instruction } from './plan.js'
import type { Loop, View } from './view.js'

/** A part of a plan that keeps its place: a group that may still grow, or instructions. */
type Unit = Group | { readonly instructions: readonly Instruction[] }

/** What a level stands in. */
export interface Surroundings {
  readonly memory: Memory
  readonly loops: readonly Loop[]
  /** Per loop: instructions to run once before it. */
  readonly preludes: readonly Instruction[][]
}

/** How nodes that are no elementwise work become instructions. */
export type Planner = (level: Level, node: ApplyNode) => void

/**
 * The planning of one graph: the program itself, or the body of a loop.
 *
 * Nodes are read once, in order. Elementwise nodes gather in groups; others ask for the places of what they read and
 * write. Values get a place in memory only when somebody asks.
 */
export class Level {
  readonly graph: Graph
  readonly memory: Memory
  readonly shapes: readonly (readonly Dim[])[]
  readonly loops: readonly Loop[]
  /** Per loop around this level: what is to be done once before it. */
  readonly preludes: readonly Instruction[][]
  readonly #units: Unit[] = []
  readonly #positions: number[]
  readonly #views = new Map<number, View>()
  readonly #groups = new Map<number, Group>()
  readonly #fixed = new Map<number, Tensor>()
  readonly #homes: Map<number, View>

  constructor(graph: Graph, around: Surroundings, inputs: readonly View[], homes: ReadonlyMap<number, View>) {
    this.graph = graph
    this.memory = around.memory
    this.loops = around.loops
    this.preludes = around.preludes
    this.shapes = graph.shapes.map(shape => around.memory.bind(shape))
    this.#positions = new Array<number>(graph.shapes.length).fill(-1)
    graph.inputs.forEach((port, i) => this.#views.set(port.value, inputs[i]!))
    this.#homes = new Map(homes)
  }

  /** Plans every node; `other` plans those that are no elementwise work. */
  plan(other: Planner): void {
    reserveParts(this)
    for (const node of this.graph.nodes) {
      if (node.kind === 'constant') this.#fixed.set(node.outputs[0], node.value)
      if (node.kind !== 'apply') continue
      const { emission } = node.op
      if (emission?.kind === 'lanes') this.#join(node, emission)
      else other(this, node)
    }
  }

  /** Where a value lies; a value that lives in a group only gets a place now. */
  view(value: number): View {
    const known = this.#views.get(value)
    if (known !== undefined) return known
    const fixed = this.#fixed.get(value)
    const made = fixed === undefined ? this.home(value) : this.memory.constant(fixed)
    this.#views.set(value, made)
    return made
  }

  /** The place a value is to be written to: the one it was given already, the one somebody reserved, or a new one. */
  home(value: number): View {
    const known = this.#views.get(value) ?? this.#homes.get(value)
    const made = known ?? this.memory.temporary(this.shapes[value]!, this.loops.length)
    this.#views.set(value, made)
    return made
  }

  /** Reserves a place for a value that has none yet; false where it has. */
  reserve(value: number, view: View): boolean {
    if (this.#homes.has(value) || this.#views.has(value) || this.#fixed.has(value)) return false
    this.#homes.set(value, view)
    return true
  }

  /** Says that a value is another look at the memory of `of`. */
  alias(value: number, of: number, view: View): void {
    this.#views.set(value, view)
    this.#positions[value] = this.#positions[of]!
  }

  /** Appends instructions that make these values. */
  append(values: readonly number[], instructions: readonly Instruction[]): void {
    const position = this.#units.push({ instructions }) - 1
    for (const value of values) this.#positions[value] = position
  }

  /** The tensor of a constant. */
  constant(value: number): Tensor | undefined {
    return this.#fixed.get(value)
  }

  /** Adds a reduction of `of`, at the end of the group that makes it, or as a group of its own. */
  reduce(value: number, of: number, by: 'sum' | 'max'): void {
    const shape = this.shapes[of]!
    let group = this.#groups.get(of)
    if (group === undefined || !sameShape(group.shape, shape)) {
      group = this.#open(shape)
      group.externals.add(of)
    }
    group.reductions.push({ value, of, by })
    this.#positions[value] = group.position
    this.home(value)
  }

  /** The instructions of this level, in order. */
  finish(): readonly Instruction[] {
    for (const unit of this.#units)
      if (unit instanceof Group)
        for (const id of unit.externals) if (this.#scalar(id) === undefined) this.view(id)
    return this.#units.flatMap(unit => (unit instanceof Group ? this.#fused(unit) : unit.instructions))
  }

  #open(shape: readonly Dim[]): Group {
    const group = new Group(this.#units.length, shape)
    this.#units.push(group)
    return group
  }

  #join(node: ApplyNode, emission: Extract<Emission, { kind: 'lanes' }>): void {
    const value = node.outputs[0]!
    const shape = this.shapes[value]!
    const near = [...new Set(node.inputs.flatMap(id => this.#groups.get(id) ?? []))]
      .filter(group => sameShape(group.shape, shape))
      .sort((a, b) => a.position - b.position)
    const group = this.#merge(near, node) ?? this.#open(shape)
    group.add({ value, node, emission })
    this.#groups.set(value, group)
    this.#positions[value] = group.position
  }

  /** The group a node can join: the latest that everything else it reads stands before, with later ones merged into earlier. */
  #merge(near: readonly Group[], node: ApplyNode): Group | undefined {
    const last = near.at(-1)
    if (last === undefined) return undefined
    const inside = (group: Group, id: number): boolean =>
      group.has(id) || this.#positions[id]! < group.position
    if (!node.inputs.every(id => inside(last, id))) return undefined
    if (near.length === 1) return last
    const first = near.find(
      group =>
        [...last.externals].every(id => inside(group, id)) &&
        node.inputs.every(id => last.has(id) || inside(group, id)),
    )
    if (first === undefined || first === last) return last
    for (const { value } of [...last.members, ...last.reductions]) {
      this.#positions[value] = first.position
      if (this.#groups.has(value)) this.#groups.set(value, first)
    }
    first.absorb(last)
    return first
  }

  #fused(group: Group): readonly Instruction[] {
    if (group.members.length + group.reductions.length === 0) return []
    const targets = new Map<number, View>()
    for (const { value } of group.members) {
      const view = this.#views.get(value) ?? this.#homes.get(value)
      if (view !== undefined) targets.set(value, view)
    }
    for (const { value } of group.reductions) targets.set(value, this.#views.get(value)!)
    const kernel = kernelOf(
      group,
      value => this.#scalar(value),
      value => this.view(value),
      targets,
    )
    if (kernel.stores.length === 0) return []
    const fills = group.reductions.map(({ value, by }) =>
      fillOf(targets.get(value)!, by === 'sum' ? 0 : Number.NEGATIVE_INFINITY),
    )
    const name = [
      ...group.members.map(member => member.node.op.name),
      ...group.reductions.map(({ by }) => by),
    ].join('·')
    return [...fills, { kind: 'fused', name, shape: group.shape, ...kernel }]
  }

  #scalar(value: number): number | undefined {
    const fixed = this.#fixed.get(value)
    return fixed?.data.length === 1 ? fixed.data[0] : undefined
  }
}
