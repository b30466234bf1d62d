import { slice } from '../../ops/shape.js'
import type { Ref } from '../../ref.js'

/** Where a value lies in one that holds several of its shape side by side. */
interface Part {
  readonly whole: Ref
  readonly axis: number
  /** Its position among them, and how many they are. */
  readonly at: number
  readonly of: number
}

/** Values that lie side by side in others. */
export class Parts {
  /** By value id. */
  readonly #parts = new Map<number, Part>()

  part({ id }: Ref): Part | undefined {
    return this.#parts.get(id)
  }

  /** Remembers that values lie side by side in another one. */
  put(refs: readonly Ref[], whole: Ref, axis: number): void {
    refs.forEach(({ id }, at) => {
      this.#parts.set(id, { whole, axis, at, of: refs.length })
    })
  }

  /** A value cut into so many equal parts. */
  cut(whole: Ref, axis: number, count: number): readonly Ref[] {
    const size = (whole.shape[axis] as number) / count
    const parts = Array.from({ length: count }, (_, at) => slice(whole, { axis, start: at * size, size }))
    this.put(parts, whole, axis)
    return parts
  }

  /** The value that these are all the parts of, in order along the axis. */
  whole(refs: readonly Ref[], axis: number): Ref | undefined {
    const whole = this.part(refs[0]!)?.whole
    const all = refs.every((ref, i) => {
      const part = this.part(ref)
      return part?.whole === whole && part?.axis === axis && part.at === i && part.of === refs.length
    })
    return all ? whole : undefined
  }
}
