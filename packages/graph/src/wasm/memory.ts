import { type Bindings, type Dim, type Shape, sizeOf } from '../shape.js'
import type { Tensor } from '../tensor.js'
import type { Instruction } from './plan.js'
import { type Buffer, type Loop, slotSize, type View, whole } from './view.js'

/** Collects the buffers, constants and loops of a plan. */
export class Memory {
  readonly buffers: Buffer[] = []
  readonly constants: { readonly view: View; readonly value: Tensor }[] = []
  readonly #bindings: Bindings
  readonly #depths = new Map<Buffer, number>()
  readonly #fixed = new Map<Tensor, View>()
  #loops = 0

  /** @param bindings lengths of the axes that are known now; the others stay names. */
  constructor(bindings: Bindings) {
    this.#bindings = bindings
  }

  /** A shape with every axis that is known now replaced by its length. */
  bind(shape: Shape): readonly Dim[] {
    return shape.map(dim => (typeof dim === 'string' ? (this.#bindings.get(dim) ?? dim) : dim))
  }

  loop(length: Dim, reverse: boolean): Loop {
    return { id: this.#loops++, length: this.bind([length])[0]!, reverse }
  }

  /** A new buffer of `slots` slots, made inside `depth` loops. */
  buffer(name: string, size: number, slots: Dim, depth: number): Buffer {
    const buffer = { id: this.buffers.length, name, size, slots }
    this.buffers.push(buffer)
    this.#depths.set(buffer, depth)
    return buffer
  }

  /** A packed value of its own. */
  temporary(shape: readonly Dim[], depth: number, name = 'temporary'): View {
    const slots = shape.find(dim => typeof dim === 'string') ?? 1
    return whole(this.buffer(name, slotSize(shape), slots, depth), shape)
  }

  /** The place of a constant; the same tensor has one. */
  constant(value: Tensor): View {
    const known = this.#fixed.get(value)
    if (known !== undefined) return known
    const view = whole(this.buffer('constant', sizeOf(value.shape), 1, 0), value.shape)
    this.#fixed.set(value, view)
    this.constants.push({ view, value })
    return view
  }

  /** How many of the loops around it a view depends on: it is the same at every step of the others. */
  depthOf(view: View, loops: readonly Loop[]): number {
    const moving = view.moves.map(({ by }) => loops.indexOf(by as Loop) + 1)
    return Math.max(this.#depths.get(view.buffer)!, ...moving)
  }
}

/** A fused kernel that copies one view to another of the same shape. */
export function copyOf(name: string, from: View, to: View): Instruction {
  return {
    kind: 'fused',
    name: `copy ${name}`,
    shape: to.shape,
    operands: [from, to],
    expressions: [{ kind: 'read', operand: 0 }],
    stores: [{ expression: 0, operand: 1, how: 'set' }],
  }
}

/** A fused kernel that sets every element of a view: to 0, or to −∞ before a maximum. */
export function fillOf(view: View, value: number): Instruction {
  return {
    kind: 'fused',
    name: `fill ${value}`,
    shape: view.shape,
    operands: [view],
    expressions: [{ kind: 'constant', value }],
    stores: [{ expression: 0, operand: 0, how: 'set' }],
  }
}
