import { bytesOf, type Element, type Func } from '../assembler.js'
import { opcodes } from '../math/opcodes.js'
import type { Flavour } from './kernel.js'

/** The bytes of elements of two vectors, counted through both. */
const bytesAt = (width: number, elements: readonly number[]): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, i) => elements[Math.floor(i / width)]! * width + (i % width))

/** Elements of two vectors x, y: every other one of both, and the first or the last halves in turns. */
const shuffles = {
  f32: {
    even: bytesAt(4, [0, 2, 4, 6]),
    odd: bytesAt(4, [1, 3, 5, 7]),
    low: bytesAt(4, [0, 4, 1, 5]),
    high: bytesAt(4, [2, 6, 3, 7]),
  },
  f64: {
    even: bytesAt(8, [0, 2]),
    odd: bytesAt(8, [1, 3]),
    low: bytesAt(8, [0, 2]),
    high: bytesAt(8, [1, 3]),
  },
}

/** Vector instructions of one flavour, appended to one function. */
export class Vectors {
  readonly func: Func
  readonly type: Element
  readonly fma: boolean
  /** Bytes of an element. */
  readonly bytes: number
  /** Elements in a vector. */
  readonly lanes: number

  constructor(func: Func, { type, fma }: Flavour) {
    this.func = func
    this.type = type
    this.fma = fma
    this.bytes = bytesOf(type)
    this.lanes = 16 / this.bytes
  }

  locals(count: number): readonly number[] {
    return Array.from({ length: count }, () => this.func.local('v128'))
  }

  add(): Func {
    return this.func.simd(opcodes[this.type].add)
  }

  /** `total += a · b`, where `factors` pushes a and b. */
  mulAdd(total: number, factors: () => void): void {
    const { add, mul, mulAdd } = opcodes[this.type]
    if (this.fma) {
      factors()
      this.func.get(total).simd(mulAdd).set(total)
    } else {
      this.func.get(total)
      factors()
      this.func.simd(mul).simd(add).set(total)
    }
  }

  /** Pushes the first `count` elements at an address in a local, and zeros for the rest. */
  load(pointer: number, offset: number, count: number = this.lanes): void {
    const { func } = this
    if (count <= 0) func.zero()
    else if (count >= this.lanes) func.get(pointer).load('v128', offset)
    else if (count === 1) func.get(pointer).loadZero(this.type, offset)
    else if (count === 2) func.get(pointer).loadZero('f64', offset, 2)
    else {
      const pair = func.local('v128')
      func.get(pointer).loadZero('f64', offset, 2).set(pair)
      func
        .get(pointer)
        .get(pair)
        .loadLane('f32', 2, offset + 8)
    }
  }

  /** Stores the first `count` elements of a local. */
  store(pointer: number, offset: number, vector: number, count: number = this.lanes): void {
    const { func } = this
    const put = (): Func => func.get(pointer).get(vector)
    if (count >= this.lanes) put().store('v128', offset)
    else if (this.type === 'f64') put().storeLane('f64', 0, offset)
    else {
      if (count > 1) put().storeLane('f64', 0, offset, 2)
      if (count !== 2) put().storeLane('f32', count - 1, offset + 4 * (count - 1))
    }
  }

  /** The columns of the square whose rows are `lanes` locals: new locals. */
  transposed(rows: readonly number[]): readonly number[] {
    const { low, high } = shuffles[this.type]
    for (let width = 1; width < this.lanes; width *= 2)
      rows = rows.map((_, i) => {
        const turned = this.func.local('v128')
        this.func.get(rows[i >> 1]!).get(rows[(i >> 1) + this.lanes / 2]!)
        this.func.shuffle(i % 2 === 0 ? low : high).set(turned)
        return turned
      })
    return rows
  }

  /** Sums the lanes of up to `lanes` locals; the first local gets the sums, in order. */
  sumLanes(vectors: readonly number[]): void {
    for (let width = this.lanes; width > 1; width /= 2) vectors = this.pairs(vectors)
  }

  /** Adds neighbouring lanes: two vectors become one, in the place of the first. */
  private pairs(vectors: readonly number[]): readonly number[] {
    const { even, odd } = shuffles[this.type]
    const firsts = vectors.filter((_, i) => i % 2 === 0)
    firsts.forEach((x, i) => {
      const y = vectors[2 * i + 1] ?? x
      this.func.get(x).get(y).shuffle(even).get(x).get(y).shuffle(odd)
      this.add().set(x)
    })
    return firsts
  }
}
