import type { Emission } from '../emission.js'
import type { ApplyNode } from '../graph.js'
import type { Dim } from '../shape.js'
import type { Expression, Store } from './plan.js'
import type { View } from './view.js'

/** A value that lives in registers inside a group. */
export interface Member {
  readonly value: number
  readonly node: ApplyNode
  readonly emission: Extract<Emission, { kind: 'lanes' }>
}

/** A reduction at the end of a group. */
export interface Reduction {
  readonly value: number
  /** The value that is reduced: a member's, or one read from memory. */
  readonly of: number
  readonly by: 'sum' | 'max'
}

/**
 * Elementwise nodes with one iteration shape that run as one kernel.
 *
 * A group stands where its first member stood: a node may join only if all it reads from outside was there before.
 */
export class Group {
  readonly position: number
  readonly shape: readonly Dim[]
  readonly members: Member[] = []
  readonly reductions: Reduction[] = []
  readonly externals: Set<number> = new Set()
  readonly #values = new Set<number>()

  constructor(position: number, shape: readonly Dim[]) {
    this.position = position
    this.shape = shape
  }

  has(value: number): boolean {
    return this.#values.has(value)
  }

  add(member: Member): void {
    this.members.push(member)
    this.#values.add(member.value)
    for (const id of member.node.inputs) if (!this.has(id)) this.externals.add(id)
  }

  /** Takes over a later group's work. */
  absorb(other: Group): void {
    this.members.push(...other.members)
    this.reductions.push(...other.reductions)
    for (const id of other.externals) this.externals.add(id)
    for (const { value } of other.members) this.#values.add(value)
    for (const { value } of this.members) this.externals.delete(value)
    other.#values.clear()
    other.members.length = 0
    other.reductions.length = 0
    other.externals.clear()
  }
}

/** What a group becomes: its operands, expressions and stores. */
export interface Kernel {
  readonly operands: readonly View[]
  readonly expressions: readonly Expression[]
  readonly stores: readonly Store[]
}

/** The kernel of a group, given where values lie. `scalar` gives the number of a constant, `target` the home of a stored value. */
export function kernelOf(
  group: Group,
  scalar: (value: number) => number | undefined,
  source: (value: number) => View,
  targets: ReadonlyMap<number, View>,
): Kernel {
  const operands: View[] = []
  const expressions: Expression[] = []
  const places = new Map<number, number>()
  const place = (value: number): number => {
    const known = places.get(value)
    if (known !== undefined) return known
    const fixed = scalar(value)
    const made: Expression =
      fixed === undefined
        ? { kind: 'read', operand: operands.push(source(value)) - 1 }
        : { kind: 'constant', value: fixed }
    places.set(value, expressions.push(made) - 1)
    return expressions.length - 1
  }
  for (const { node, emission, value } of group.members) {
    const inputs = node.inputs.map(place)
    places.set(
      value,
      expressions.push({ kind: 'lanes', lanes: emission.lanes, attrs: node.attrs, inputs }) - 1,
    )
  }
  const stores: Store[] = group.members.flatMap(({ value }) => {
    const target = targets.get(value)
    return target === undefined
      ? []
      : [{ expression: place(value), operand: operands.push(target) - 1, how: 'set' as const }]
  })
  for (const { value, of, by } of group.reductions)
    stores.push({ expression: place(of), operand: operands.push(targets.get(value)!) - 1, how: by })
  return { operands, expressions, stores }
}
