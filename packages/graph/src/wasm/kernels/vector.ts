import type { Element, Func } from '../assembler.js'
import { bytesOf, type Flavour } from './kernel.js'

const codes = {
  f32: { add: 0xe4, mul: 0xe6, mulAdd: 0x105 },
  f64: { add: 0xf0, mul: 0xf2, mulAdd: 0x107 },
} as const

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
    return this.func.simd(codes[this.type].add)
  }

  /** `total += a · b`, where `factors` pushes a and b. */
  mulAdd(total: number, factors: () => void): void {
    const { add, mul, mulAdd } = codes[this.type]
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

  /** Elements of two vectors on the stack, counted through both. */
  shuffle(elements: readonly number[]): Func {
    const bytes = elements.flatMap(k => Array.from({ length: this.bytes }, (_, i) => k * this.bytes + i))
    return this.func.simd(13, ...bytes)
  }

  /** The columns of the square whose rows are `lanes` locals: new locals. */
  transposed(rows: readonly number[]): readonly number[] {
    const low = Array.from({ length: this.lanes }, (_, i) => (i >> 1) + (i % 2) * this.lanes)
    const high = low.map(k => k + this.lanes / 2)
    for (let width = 1; width < this.lanes; width *= 2)
      rows = rows.map((_, i) => {
        const turned = this.func.local('v128')
        this.func.get(rows[i >> 1]!).get(rows[(i >> 1) + this.lanes / 2]!)
        this.shuffle(i % 2 === 0 ? low : high).set(turned)
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
    const even = Array.from({ length: this.lanes }, (_, i) => 2 * i)
    const firsts = vectors.filter((_, i) => i % 2 === 0)
    firsts.forEach((x, i) => {
      const y = vectors[2 * i + 1] ?? x
      this.func.get(x).get(y)
      this.shuffle(even)
      this.func.get(x).get(y)
      this.shuffle(even.map(k => k + 1))
      this.add().set(x)
    })
    return firsts
  }
}
