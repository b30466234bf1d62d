import type { Lane, Mask } from '../../lanes.js'
import { scalarKey } from '../../text/names.js'
import type { Element, Func } from '../assembler.js'
import type { ConstantTable } from './constants.js'
import { opcodes } from './opcodes.js'

/** How lanes are computed. */
export interface LaneOptions {
  readonly type: Element
  /** Multiply-adds in one rounding: needs relaxed SIMD. Without it the results have the same bits on every engine. */
  readonly fma: boolean
  readonly constants: ConstantTable
}

/**
 * Single vector instructions on locals: every method appends one instruction (or two) and answers the fresh local of
 * its result.
 *
 * Integer methods work on the bits of elements, and integer constants are given as the numbers that have those bits.
 */
export class Vector {
  readonly type: Element
  private readonly func: Func
  private readonly fma: boolean
  private readonly table: ConstantTable
  private readonly codes: typeof opcodes.f32
  private readonly loaded: Map<number | string, readonly [value: number, lane: Lane]> = new Map()
  private hoisting = false

  constructor(func: Func, options: LaneOptions) {
    this.func = func
    this.type = options.type
    this.fma = options.fma
    this.table = options.constants
    this.codes = opcodes[options.type]
  }

  /** Appends what `body` appends, with all constants loaded ahead of it. */
  hoist(body: () => void): void {
    const { func } = this
    const loaded = func.local('i32')
    this.hoisting = true
    // The constants are known only after the body, so the body comes first and is entered the second time round.
    func.loop(() => {
      func.get(loaded).ifThen(body, () => {
        for (const [value, lane] of this.loaded.values()) this.load(value, lane)
        func.i32(1).set(loaded).br(1)
      })
    })
    this.hoisting = false
  }

  /** The lane of a number; each number has one. */
  constant(value: number): Lane {
    const key = scalarKey(value)
    const known = this.loaded.get(key)
    if (known !== undefined) return known[1]
    const lane = this.func.local('v128')
    this.loaded.set(key, [value, lane])
    if (!this.hoisting) this.load(value, lane)
    return lane
  }

  add(a: Lane, b: Lane): Lane {
    return this.binary(this.codes.add, a, b)
  }
  sub(a: Lane, b: Lane): Lane {
    return this.binary(this.codes.sub, a, b)
  }
  mul(a: Lane, b: Lane): Lane {
    return this.binary(this.codes.mul, a, b)
  }
  div(a: Lane, b: Lane): Lane {
    return this.binary(this.codes.div, a, b)
  }
  min(a: Lane, b: Lane): Lane {
    return this.binary(this.codes.min, a, b)
  }
  max(a: Lane, b: Lane): Lane {
    return this.binary(this.codes.max, a, b)
  }
  /** a · b + c. */
  mulAdd(a: Lane, b: Lane, c: Lane): Lane {
    if (!this.fma) return this.add(this.mul(a, b), c)
    return this.kept(this.func.get(a).get(b).get(c).simd(this.codes.mulAdd))
  }
  /** c − a · b. */
  mulSub(a: Lane, b: Lane, c: Lane): Lane {
    if (!this.fma) return this.sub(c, this.mul(a, b))
    return this.kept(this.func.get(a).get(b).get(c).simd(this.codes.mulSub))
  }
  /** The lesser of a lane and a bound that is no NaN; NaN where the lane is. One instruction where `min` is many. */
  atMost(a: Lane, bound: Lane): Lane {
    return this.binary(this.codes.pmin, a, bound)
  }
  /** The greater of a lane and a bound that is no NaN; NaN where the lane is. */
  atLeast(a: Lane, bound: Lane): Lane {
    return this.binary(this.codes.pmax, a, bound)
  }

  neg(a: Lane): Lane {
    return this.unary(this.codes.neg, a)
  }
  abs(a: Lane): Lane {
    return this.unary(this.codes.abs, a)
  }
  sqrt(a: Lane): Lane {
    return this.unary(this.codes.sqrt, a)
  }
  floor(a: Lane): Lane {
    return this.unary(this.codes.floor, a)
  }

  less(a: Lane, b: Lane): Mask {
    return this.binary(this.codes.lt, a, b)
  }
  lessEqual(a: Lane, b: Lane): Mask {
    return this.binary(this.codes.le, a, b)
  }
  equal(a: Lane, b: Lane): Mask {
    return this.binary(this.codes.eq, a, b)
  }
  select(mask: Mask, a: Lane, b: Lane): Lane {
    return this.kept(this.func.get(a).get(b).get(mask).simd(opcodes.bitselect))
  }

  and(a: Lane, b: Lane): Lane {
    return this.binary(opcodes.and, a, b)
  }
  /** a & ~b. */
  andNot(a: Lane, b: Lane): Lane {
    return this.binary(opcodes.andNot, a, b)
  }
  or(a: Lane, b: Lane): Lane {
    return this.binary(opcodes.or, a, b)
  }
  intAdd(a: Lane, b: Lane): Lane {
    return this.binary(this.codes.intAdd, a, b)
  }
  intSub(a: Lane, b: Lane): Lane {
    return this.binary(this.codes.intSub, a, b)
  }
  shiftLeft(a: Lane, bits: number): Lane {
    return this.kept(this.func.get(a).i32(bits).simd(this.codes.shl))
  }
  shiftRight(a: Lane, bits: number): Lane {
    return this.kept(this.func.get(a).i32(bits).simd(this.codes.shr))
  }

  private load(value: number, lane: Lane): void {
    this.func.i32(0).loadSplat(this.type, this.table.addressOf(value, this.type)).set(lane)
  }

  private unary(code: number, a: Lane): Lane {
    return this.kept(this.func.get(a).simd(code))
  }

  private binary(code: number, a: Lane, b: Lane): Lane {
    return this.kept(this.func.get(a).get(b).simd(code))
  }

  private kept(func: Func): Lane {
    const lane = func.local('v128')
    func.set(lane)
    return lane
  }
}
