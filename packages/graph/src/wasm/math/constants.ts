import { scalarKey } from '../../text/names.js'
import type { Element } from '../assembler.js'

/** A list of numbers in linear memory, for code that would otherwise carry them as vector constants. */
export class ConstantTable {
  /** The byte address of the table, a multiple of 8. */
  readonly base: number
  private readonly slots: Readonly<Record<Element, Map<number | string, number>>> = {
    f32: new Map(),
    f64: new Map(),
  }
  private readonly values: { readonly value: number; readonly type: Element }[] = []

  constructor(base: number) {
    this.base = base
  }

  /** The byte address of a number, which is entered at its first mention; every entry takes 8 bytes. */
  addressOf(value: number, type: Element): number {
    const slots = this.slots[type]
    const key = scalarKey(value)
    const slot = slots.get(key) ?? this.values.push({ value, type }) - 1
    slots.set(key, slot)
    return this.base + 8 * slot
  }

  /** What belongs in memory from `base` on. */
  bytes(): Uint8Array {
    const view = new DataView(new ArrayBuffer(8 * this.values.length))
    for (const [slot, { value, type }] of this.values.entries()) {
      if (type === 'f32') view.setFloat32(8 * slot, value, true)
      else view.setFloat64(8 * slot, value, true)
    }
    return new Uint8Array(view.buffer)
  }
}
