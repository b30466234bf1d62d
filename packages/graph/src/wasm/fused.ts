import type { Lane, Lanes } from '../lanes.js'
import { stridesOver } from '../layout.js'
import type { Keys } from '../rewrite/keys.js'
import { numberText } from '../text/words.js'
import { bytesOf, type Element, Func } from './assembler.js'
import type { Kernel } from './kernels/kernel.js'
import { type ConstantTable, lanesOn } from './lanes.js'
import { opcodes } from './math/opcodes.js'
import type { Expression, Fused, Store } from './plan.js'
import type { Length } from './product.js'
import { type Axis, collapse } from './view.js'

/** What code is emitted for. */
export interface Target {
  readonly type: Element
  readonly fma: boolean
  readonly constants: ConstantTable
  /** Reports the time after every kernel. */
  readonly trace: boolean
  /** Its memory is seen by other threads. */
  readonly shared?: boolean
}

/** A fused kernel: its parameters are the operands' addresses, then the elements along its outermost axis, where they are not known to it. */
export interface FusedKernel extends Kernel {
  readonly length: Length | undefined
}

/**
 * The loop nest of a fused kernel, innermost axis in vectors.
 * @param inLoop false where it runs once: one that goes along a single axis is then made for every length of it, and shared.
 */
export function fusedKernel(fused: Fused, target: Target, keys: Keys, inLoop: boolean): FusedKernel {
  const strides = fused.operands.map(operand => stridesOver(operand, fused.shape))
  const known = collapse(fused.shape, strides, () => true)
  const given =
    known.length === 1 && !inLoop ? known[0] : known.find(({ length }) => typeof length === 'string')
  const width = 16 / bytesOf(target.type)
  const whole = known.length === 1 && given !== undefined && given.factor % width === 0
  const axes = known.map(axis =>
    axis === given ? { ...axis, length: GIVEN, factor: whole ? width : 1 } : axis,
  )
  const emit = (): Func => {
    const params = strides.length + (given === undefined ? 0 : 1)
    const func = new Func(new Array<'i32'>(params).fill('i32'))
    func.name = fused.name
    new Nest(func, fused, axes, target).emit()
    return func
  }
  const length = given && {
    axis: typeof given.length === 'string' ? given.length : undefined,
    factor: given.factor,
  }
  return { key: keyOf(fused, axes, keys), emit, length }
}

/** Stands for a length that comes as a parameter; the axis has a factor that it is a multiple of. */
const GIVEN = 'given'

/** All that a kernel's code depends on. */
function keyOf({ name, expressions, stores }: Fused, axes: readonly Axis[], keys: Keys): string {
  const work = expressions.map(one => {
    if (one.kind === 'read') return `#${one.operand}`
    if (one.kind === 'constant') return numberText(one.value)
    return `${keys.identity(one.lanes)}(${one.inputs.join()})${keys.settings(one.attrs)}`
  })
  const ends = stores.map(({ how, expression, operand }) => `${how} ${expression} ${operand}`)
  const nest = axes.map(({ length, factor, strides }) => `${length}·${factor} ${strides.join()}`)
  return [name, work.join(' '), ends.join(), nest.join()].join('; ')
}

class Nest {
  readonly #func: Func
  readonly #fused: Fused
  readonly #axes: readonly Axis[]
  readonly #target: Target
  readonly #bytes: number
  readonly #width: number
  readonly #inner: Axis
  readonly #pointers: readonly number[]

  constructor(func: Func, fused: Fused, axes: readonly Axis[], target: Target) {
    this.#func = func
    this.#fused = fused
    this.#axes = axes
    this.#target = target
    this.#bytes = bytesOf(target.type)
    this.#width = 16 / this.#bytes
    this.#inner = axes.at(-1) ?? { length: 1, factor: 1, strides: fused.operands.map(() => 0) }
    this.#pointers = fused.operands.map((_, k) => k)
  }

  emit(): void {
    this.#axis(0)
  }

  /** The loop over one axis and all inside it; pointers end where the axis ends. */
  #axis(depth: number): void {
    if (depth >= this.#axes.length - 1) {
      this.#row()
      return
    }
    const axis = this.#axes[depth]!
    const inner = this.#axes[depth + 1]!
    const counter = this.#func.local('i32')
    this.#func.repeat(counter, this.#count(axis), () => {
      this.#axis(depth + 1)
      this.#pointers.forEach((pointer, k) => {
        this.#func.advance(pointer, (axis.strides[k]! - inner.strides[k]! * inner.factor) * this.#bytes)
      })
    })
  }

  /** The number of steps along an axis: a constant, or the last parameter. */
  #count({ length, factor }: Axis): number | { readonly local: number } {
    return typeof length === 'number' ? factor : { local: this.#fused.operands.length }
  }

  /** The innermost axis: vectors, then what is left over one by one. */
  #row(): void {
    const { strides } = this.#inner
    const splats = strides.map((stride, k) => (stride === 0 && this.#isRead(k) ? this.#splat(k) : undefined))
    const sums = this.#fused.stores.map(store =>
      store.how !== 'set' && strides[store.operand] === 0 ? this.#identity(store) : undefined,
    )
    const count = this.#count(this.#inner)
    if (typeof count === 'number') {
      this.#steps(Math.floor(count / this.#width), this.#width, splats, sums)
      this.#steps(count % this.#width, 1, splats, sums)
    } else {
      this.#steps(this.#part(count.local, 'shrU', Math.log2(this.#width)), this.#width, splats, sums)
      if (this.#inner.factor % this.#width > 0)
        this.#steps(this.#part(count.local, 'and', this.#width - 1), 1, splats, sums)
    }
    this.#fused.stores.forEach((store, i) => {
      const sum = sums[i]
      if (sum !== undefined) this.#fold(store, sum)
    })
  }

  /** A number of elements in terms of vectors: shifted, how many are whole; masked, the elements behind the last one. */
  #part(elements: number, how: 'shrU' | 'and', by: number): { readonly local: number } {
    const local = this.#func.local('i32')
    this.#func.get(elements).i32(by)[how]().set(local)
    return { local }
  }

  #steps(
    count: number | { readonly local: number },
    width: number,
    splats: readonly (number | undefined)[],
    sums: readonly (number | undefined)[],
  ): void {
    if (count === 0) return
    const { strides } = this.#inner
    const lanes = lanesOn(this.#func, this.#target)
    lanes.hoist(() => {
      const counter = this.#func.local('i32')
      this.#func.repeat(counter, count, () => {
        const loaded = strides.map(
          (stride, k) => splats[k] ?? (this.#isRead(k) ? this.#load(k, stride, width) : undefined),
        )
        const values = this.#evaluate(lanes, loaded)
        this.#fused.stores.forEach((store, i) =>
          this.#store(store, values[store.expression]!, width, sums[i]),
        )
        this.#pointers.forEach((pointer, k) => {
          this.#func.advance(pointer, strides[k]! * width * this.#bytes)
        })
      })
    })
  }

  #isRead(operand: number): boolean {
    return this.#fused.expressions.some(
      expression => expression.kind === 'read' && expression.operand === operand,
    )
  }

  #splat(operand: number): number {
    const local = this.#func.local('v128')
    this.#func.get(this.#pointers[operand]!).loadSplat(this.#target.type).set(local)
    return local
  }

  #load(operand: number, stride: number, width: number): number {
    const { type } = this.#target
    const local = this.#func.local('v128')
    this.#func.get(this.#pointers[operand]!)
    if (width === 1) this.#func.loadZero(type).set(local)
    else if (stride === 1) this.#func.load('v128').set(local)
    else {
      this.#func.loadZero(type).set(local)
      for (let lane = 1; lane < width; lane++)
        this.#func
          .get(this.#pointers[operand]!)
          .get(local)
          .loadLane(type, lane, lane * stride * this.#bytes)
          .set(local)
    }
    return local
  }

  #evaluate(lanes: Lanes, loaded: readonly (number | undefined)[]): readonly number[] {
    const values: number[] = []
    const of = (expression: Expression): number => {
      if (expression.kind === 'read') return loaded[expression.operand]!
      if (expression.kind === 'constant') return lanes.constant(expression.value)
      const inputs = expression.inputs.map(i => values[i]! as Lane)
      return expression.lanes(lanes, inputs, expression.attrs)
    }
    for (const expression of this.#fused.expressions) values.push(of(expression))
    return values
  }

  #store(store: Store, value: number, width: number, sum: number | undefined): void {
    if (sum !== undefined) this.#combineInto(store, sum, value, width)
    else if (store.how === 'set') this.#write(store.operand, value, width)
    else {
      const old = this.#load(store.operand, this.#inner.strides[store.operand]!, width)
      this.#func.get(old).get(value)
      this.#write(store.operand, this.#combined(store, old), width)
    }
  }

  #write(operand: number, value: number, width: number): void {
    const { type } = this.#target
    const pointer = this.#pointers[operand]!
    const stride = this.#inner.strides[operand]!
    if (width > 1 && stride === 1) this.#func.get(pointer).get(value).store('v128')
    else
      for (let lane = 0; lane < width; lane++)
        this.#func
          .get(pointer)
          .get(value)
          .storeLane(type, lane, lane * stride * this.#bytes)
  }

  /** A register with the neutral element of a reduction. */
  #identity({ how }: Store): number {
    const { type } = this.#target
    const local = this.#func.local('v128')
    const start = how === 'sum' ? 0 : Number.NEGATIVE_INFINITY
    this.#func.number(type, start).splat(type).set(local)
    return local
  }

  /** Two vectors on the stack combined, in a new register. */
  #combined({ how }: Store, into?: number): number {
    const local = into ?? this.#func.local('v128')
    const { add, max } = opcodes[this.#target.type]
    this.#func.simd(how === 'sum' ? add : max).set(local)
    return local
  }

  #combineInto(store: Store, sum: number, value: number, width: number): void {
    this.#func.get(sum).get(value)
    if (width > 1) {
      this.#combined(store, sum)
      return
    }
    const { type } = this.#target
    const both = this.#combined(store)
    this.#func.get(sum).get(both).extractLane(type, 0).replaceLane(type, 0).set(sum)
  }

  /** Combines the lanes of a register, and the result with the element that the operand points at. */
  #fold(store: Store, sum: number): void {
    const { type } = this.#target
    const pointer = this.#pointers[store.operand]!
    const total = this.#func.local('v128')
    this.#func.get(pointer).loadSplat(type).set(total)
    for (let lane = 0; lane < this.#width; lane++) {
      this.#func.get(total).get(sum).extractLane(type, lane).splat(type)
      this.#combined(store, total)
    }
    this.#func.get(pointer).get(total).storeLane(type, 0)
  }
}
