import { Bytes } from './bytes.js'
import { bytesOf, type Element, typeCodes, type ValType } from './types.js'

export { MOST_PAGES, WasmModule } from './module.js'
export { bytesOf, type Element, type ValType } from './types.js'

const loads: Readonly<Record<Exclude<ValType, 'v128'>, number>> = { i32: 0x28, f32: 0x2a, f64: 0x2b }
const stores: Readonly<Record<Exclude<ValType, 'v128'>, number>> = { i32: 0x36, f32: 0x38, f64: 0x39 }
/** What a load or store promises of its address by default, as a power of two. */
const alignments: Readonly<Record<ValType, number>> = { i32: 2, f32: 2, f64: 3, v128: 2 }

const sixteenZeros: Uint8Array = new Uint8Array(16)
const ofBlock = 0x40
const end = 0x0b

/**
 * One function being assembled: every method appends an instruction, whose operands come before it.
 * Addresses are i32 byte addresses; a constant `offset` is added to the one on the stack.
 */
export class Func {
  /** What profiles show. */
  name = ''
  readonly params: readonly ValType[]
  readonly results: readonly ValType[]
  private readonly locals: ValType[] = []
  private readonly body: Bytes = new Bytes()

  constructor(params: readonly ValType[], results: readonly ValType[] = []) {
    this.params = params
    this.results = results
  }

  /** A new local variable, zero at entry; the parameters are locals 0, 1, …. */
  local(type: ValType): number {
    return this.params.length + this.locals.push(type) - 1
  }

  get(local: number): this {
    return this.indexed(0x20, local)
  }

  set(local: number): this {
    return this.indexed(0x21, local)
  }

  tee(local: number): this {
    return this.indexed(0x22, local)
  }

  i32(value: number): this {
    if (value >= -64 && value < 64) this.body.coded(0x41, value & 0x7f)
    else this.body.byte(0x41).signed(value)
    return this
  }

  /** A number of a type. */
  number(type: Element, value: number): this {
    const bytes = new DataView(new ArrayBuffer(bytesOf(type)))
    if (type === 'f32') bytes.setFloat32(0, value, true)
    else bytes.setFloat64(0, value, true)
    this.body.byte(type === 'f32' ? 0x43 : 0x44).bytes(new Uint8Array(bytes.buffer))
    return this
  }

  /** An instruction without immediates, of one byte or two. */
  op(code: number, second?: number): this {
    this.body.byte(code)
    if (second !== undefined) this.body.byte(second)
    return this
  }

  /** A vector instruction by its number behind the prefix 0xfd. */
  simd(code: number): this {
    return this.indexed(0xfd, code)
  }

  // i32 arithmetic and comparison.
  add(): this {
    return this.op(0x6a)
  }
  sub(): this {
    return this.op(0x6b)
  }
  mul(): this {
    return this.op(0x6c)
  }
  and(): this {
    return this.op(0x71)
  }
  shrU(): this {
    return this.op(0x76)
  }
  gtS(): this {
    return this.op(0x4a)
  }
  ltU(): this {
    return this.op(0x49)
  }
  leU(): this {
    return this.op(0x4d)
  }

  /** The first value where the i32 above both is not 0, else the second. */
  select(): this {
    return this.op(0x1b)
  }

  /** Fills memory: below are the address, the byte and the number of bytes. */
  fill(): this {
    return this.op(0xfc, 0x0b).op(0)
  }

  /** `local += amount`; nothing for 0. */
  advance(local: number, amount: number): this {
    return amount === 0 ? this : this.get(local).i32(amount).add().set(local)
  }

  load(type: ValType, offset = 0, alignment: number = alignments[type]): this {
    return (type === 'v128' ? this.simd(0) : this.op(loads[type])).address(offset, alignment)
  }

  store(type: ValType, offset = 0, alignment: number = alignments[type]): this {
    return (type === 'v128' ? this.simd(11) : this.op(stores[type])).address(offset, alignment)
  }

  /** Loads one element into every lane. */
  loadSplat(type: Element, offset = 0): this {
    return this.simd(type === 'f32' ? 9 : 10).address(offset, alignments[type])
  }

  /** Loads one element into lane 0, zero into the others. */
  loadZero(type: Element, offset = 0, alignment: number = alignments[type]): this {
    return this.simd(type === 'f32' ? 92 : 93).address(offset, alignment)
  }

  /** Stores one lane of the vector above the address. */
  storeLane(type: Element, lane: number, offset = 0, alignment: number = alignments[type]): this {
    return this.simd(type === 'f32' ? 90 : 91)
      .address(offset, alignment)
      .op(lane)
  }

  /** Replaces one lane of the vector above the address by an element of memory. */
  loadLane(type: Element, lane: number, offset = 0): this {
    return this.simd(type === 'f32' ? 86 : 87)
      .address(offset, alignments[type])
      .op(lane)
  }

  extractLane(type: Element, lane: number): this {
    return this.simd(type === 'f32' ? 0x1f : 0x21).op(lane)
  }

  /** Replaces one lane of the vector by the element above it. */
  replaceLane(type: Element, lane: number): this {
    return this.simd(type === 'f32' ? 0x20 : 0x22).op(lane)
  }

  splat(type: Element): this {
    return this.simd(type === 'f32' ? 0x13 : 0x14)
  }

  /** The vector of zeros. */
  zero(): this {
    return this.sixteen(12, sixteenZeros)
  }

  /** Bytes of the two vectors below, counted through both: sixteen numbers below 32. */
  shuffle(bytes: Uint8Array): this {
    return this.sixteen(13, bytes)
  }

  /** A loop: its body runs again only where it branches to depth 0. */
  loop(body: () => void): this {
    return this.nested(0x03, body)
  }

  /** A block: a branch to depth 0 leaves it. */
  block(body: () => void): this {
    return this.nested(0x02, body)
  }

  br(depth: number): this {
    return this.indexed(0x0c, depth)
  }

  brIf(depth: number): this {
    return this.indexed(0x0d, depth)
  }

  /** Runs `body` where the i32 on the stack is not 0, else `otherwise`. */
  ifThen(body: () => void, otherwise?: () => void): this {
    if (otherwise === undefined) return this.nested(0x04, body)
    return this.nested(0x04, () => {
      body()
      this.op(0x05)
      otherwise()
    })
  }

  /**
   * Runs `body` a fixed number of times, or as often as an i32 local says at entry (never below 1), while `counter`
   * counts down to 1 (it is left alone where the number is the constant 1).
   */
  repeat(counter: number, count: number | { readonly local: number }, body: () => void): this {
    if (typeof count !== 'number')
      return this.get(count.local)
        .tee(counter)
        .i32(0)
        .gtS()
        .ifThen(() => this.countDown(counter, body))
    if (count > 1) return this.i32(count).set(counter).countDown(counter, body)
    if (count === 1) body()
    return this
  }

  call(index: number): this {
    return this.indexed(0x10, index)
  }

  /** Writes the code entry: its size, local declarations and body. */
  writeTo(out: Bytes): void {
    const locals = this.declarations()
    out.unsigned(locals.length + this.body.length + 1).bytes(locals.view())
    out.bytes(this.body.view()).byte(end)
  }

  /** Runs of locals of one type. */
  private declarations(): Bytes {
    const runs: [count: number, type: ValType][] = []
    for (const type of this.locals) {
      const last = runs[runs.length - 1]
      if (last?.[1] === type) last[0]++
      else runs.push([1, type])
    }
    const out = new Bytes(64).unsigned(runs.length)
    for (const [count, type] of runs) out.unsigned(count).byte(typeCodes[type])
    return out
  }

  private countDown(counter: number, body: () => void): this {
    return this.loop(() => {
      body()
      this.get(counter).i32(1).sub().tee(counter).brIf(0)
    })
  }

  private indexed(code: number, index: number): this {
    this.body.coded(code, index)
    return this
  }

  private sixteen(code: number, immediates: Uint8Array): this {
    this.body.coded(0xfd, code).bytes(immediates)
    return this
  }

  private address(offset: number, alignment: number): this {
    this.body.coded(alignment, offset)
    return this
  }

  private nested(code: number, body: () => void): this {
    this.op(code, ofBlock)
    body()
    return this.op(end)
  }
}
