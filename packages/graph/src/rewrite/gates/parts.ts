import { slice } from '../../ops/shape.js'
import type { Ref } from '../../ref.js'

/** Where a value lies in one that holds several side by side. */
interface Part {
  readonly whole: Ref
  readonly axis: number
  readonly start: number
}

/** Values that lie side by side in others. */
export class Parts {
  /** By value id. */
  readonly #parts = new Map<number, Part>()

  at({ id }: Ref): Part | undefined {
    return this.#parts.get(id)
  }

  /** Remembers that values lie side by side in another one. */
  put(parts: readonly Ref[], whole: Ref, axis: number): void {
    let start = 0
    for (const { id, shape } of parts) {
      this.#parts.set(id, { whole, axis, start })
      start += shape[axis] as number
    }
  }

  /** A value cut into parts of these sizes. */
  cut(whole: Ref, axis: number, sizes: readonly number[]): readonly Ref[] {
    let end = 0
    const parts = sizes.map(size => {
      end += size
      return slice(whole, { axis, start: end - size, size })
    })
    this.put(parts, whole, axis)
    return parts
  }

  /** The value that these are all the parts of, in order along the axis. */
  whole(refs: readonly Ref[], axis: number): Ref | undefined {
    const whole = this.at(refs[0]!)?.whole
    let end = 0
    for (const ref of refs) {
      const part = this.at(ref)
      if (part?.whole !== whole || part?.axis !== axis || part.start !== end) return undefined
      end += ref.shape[axis] as number
    }
    return end === whole?.shape[axis] ? whole : undefined
  }
}
