import { Keys } from '../rewrite/keys.js'
import type { Arena, Header } from './arena.js'
import { bytesOf, Func, MOST_PAGES, WasmModule } from './assembler.js'
import { Functions } from './functions.js'
import { fusedKernel, type Target } from './fused.js'
import type { CallOut, Fused, Instruction, LoopInstruction, Pack, Plan, Product, Rows } from './plan.js'
import type { Length } from './product.js'
import { packOf, productOf } from './products.js'
import { rowsKernel } from './rows.js'
import { nameOf } from './show.js'
import type { Axis, Loop, Move, View } from './view.js'

/** A module, and the calls out of it in the order of their numbers. */
export interface Emitted {
  readonly bytes: Uint8Array
  readonly calls: readonly CallOut[]
  /** Names of the kernels, by the number a traced module reports; empty where it is not traced. */
  readonly kernels: readonly string[]
}

/** Where a loop over batch axes stands along one of them: a local with the index, and the strides of the operands. */
interface Place {
  readonly index: number
  readonly strides: readonly number[]
}

/**
 * The module of a plan: one exported `run`, which calls a kernel per instruction and holds the loops.
 * `arena` gives the addresses of buffers of fixed size.
 */
export function emitModule(plan: Plan, header: Header, arena: Arena, target: Target): Emitted {
  const emitter = new Emitter(header, arena, target)
  emitter.block(plan.instructions)
  return emitter.finish()
}

class Emitter {
  readonly #arena: Arena
  readonly #target: Target
  readonly #module: WasmModule
  readonly #functions: Functions
  readonly #callOut: number
  readonly #tick: number
  readonly #keys = new Keys()
  readonly #names: string[] = []
  readonly #run = new Func([])
  readonly #lengths = new Map<string, number>()
  readonly #indices = new Map<Loop, number>()
  readonly #addresses = new Map<number, number>()
  readonly #calls: CallOut[] = []

  constructor(header: Header, arena: Arena, target: Target) {
    this.#arena = arena
    this.#target = target
    this.#module = new WasmModule(target.shared ? { max: MOST_PAGES, shared: true } : {})
    this.#callOut = this.#module.importFunction('env', 'call', ['i32', 'i32'], [])
    this.#tick = this.#module.importFunction('env', 'tick', ['i32'], [])
    this.#functions = new Functions(this.#module)
    this.#run.name = 'run'
    for (const [axis, at] of header.lengths) this.#lengths.set(axis, this.#word(at))
    for (const [buffer, at] of header.addresses) this.#addresses.set(buffer, this.#word(at))
  }

  /** A local with a word of the header. */
  #word(at: number): number {
    const local = this.#run.local('i32')
    this.#run.i32(0).load('i32', at).set(local)
    return local
  }

  finish(): Emitted {
    this.#module.add(this.#run, 'run')
    return { bytes: this.#module.build(), calls: this.#calls, kernels: this.#names }
  }

  block(instructions: readonly Instruction[]): void {
    for (const instruction of instructions) this.#instruction(instruction)
  }

  #instruction(instruction: Instruction): void {
    const { kind } = instruction
    if (kind === 'fused') this.#fused(instruction)
    else if (kind === 'product') this.#product(instruction)
    else if (kind === 'pack') this.#pack(instruction)
    else if (kind === 'rows') this.#rows(instruction)
    else if (kind === 'call') this.#call(instruction)
    else this.#loop(instruction)
    if (this.#target.trace && kind !== 'loop') this.#report(instruction)
  }

  /** Tells the time to JavaScript, under the instruction's name. */
  #report(instruction: Exclude<Instruction, LoopInstruction>): void {
    this.#run.i32(this.#names.push(nameOf(instruction)) - 1).call(this.#tick)
  }

  #fused(fused: Fused): void {
    const kernel = fusedKernel(fused, this.#target, this.#keys, this.#indices.size > 0)
    const index = this.#functions.index(kernel)
    for (const operand of fused.operands) this.#address(operand)
    if (kernel.length !== undefined) this.#length(kernel.length)
    this.#run.call(index)
  }

  /** Appends what `body` appends, to be done at every place of some axes. */
  #places(batch: readonly Axis[], body: (at: readonly Place[]) => void, at: readonly Place[] = []): void {
    const axis = batch[at.length]
    if (axis === undefined) {
      body(at)
      return
    }
    const [counter, index] = [this.#run.local('i32'), this.#run.local('i32')]
    this.#run.i32(0).set(index)
    this.#run.repeat(
      counter,
      this.#count({ axis: typeof axis.length === 'string' ? axis.length : undefined, factor: axis.factor }),
      () => {
        this.#places(batch, body, [...at, { index, strides: axis.strides }])
        this.#run.advance(index, 1)
      },
    )
  }

  /** Pushes the address of operand k at a place. */
  #addressAt(view: View, k: number, at: readonly Place[]): void {
    this.#address(view)
    for (const { index, strides } of at)
      if (strides[k] !== 0)
        this.#run
          .get(index)
          .i32(strides[k]! * this.#bytes)
          .mul()
          .add()
  }

  #product(product: Product): void {
    const { kernel, extra } = productOf(product, this.#target, kernel => this.#functions.index(kernel))
    this.#places(product.batch, at => {
      for (const [k, view] of [product.a, product.b, product.y].entries()) this.#addressAt(view, k, at)
      for (const param of extra)
        if (param === 'm') this.#length(product.m.length)
        else if (param === 'k') this.#length(product.k.length)
        else this.#address(product.room!)
      this.#run.call(this.#functions.index(kernel))
    })
  }

  #pack(pack: Pack): void {
    const index = this.#functions.index(packOf(pack, this.#target))
    this.#places(pack.batch, at => {
      this.#addressAt(pack.from, 0, at)
      this.#addressAt(pack.to, 1, at)
      this.#length(pack.rows)
      this.#run.call(index)
    })
  }

  #rows(rows: Rows): void {
    const key = `rows ${rows.direction} ${rows.table.shape.join()}`
    const index = this.#functions.index({ key, emit: () => rowsKernel(rows, this.#target) })
    this.#address(rows.table)
    this.#address(rows.ids)
    this.#address(rows.rows)
    this.#count1(rows.ids)
    const limit = rows.table.shape.at(rows.direction === 'one' ? -1 : 0)!
    this.#length(typeof limit === 'string' ? { axis: limit, factor: 1 } : { axis: undefined, factor: limit })
    this.#run.call(index)
  }

  /** Pushes the number of elements of a packed view. */
  #count1(view: View): void {
    const axis = view.shape.find(dim => typeof dim === 'string')
    const factor = view.shape.reduce<number>(
      (product, dim) => (typeof dim === 'number' ? product * dim : product),
      1,
    )
    this.#length({ axis, factor })
  }

  /** Writes the operands' addresses where JavaScript finds them, and calls out. */
  #call(call: CallOut): void {
    const views = [...call.inputs, ...call.outputs]
    const room = this.#arena.addresses[call.room.buffer.id]!
    views.forEach((view, i) => {
      this.#run.i32(0)
      this.#address(view)
      this.#run.store('i32', room + 4 * i)
    })
    this.#run
      .i32(this.#calls.push(call) - 1)
      .i32(room)
      .call(this.#callOut)
  }

  #loop({ loop, body }: LoopInstruction): void {
    const [counter, index] = [this.#run.local('i32'), this.#run.local('i32')]
    this.#indices.set(loop, index)
    const length: Length = {
      axis: typeof loop.length === 'string' ? loop.length : undefined,
      factor: typeof loop.length === 'string' ? 1 : loop.length,
    }
    if (loop.reverse) {
      this.#length(length)
      this.#run.i32(1).sub().set(index)
    } else this.#run.i32(0).set(index)
    this.#run.repeat(counter, this.#count(length), () => {
      this.block(body)
      this.#run.advance(index, loop.reverse ? -1 : 1)
    })
    this.#indices.delete(loop)
  }

  get #bytes(): number {
    return bytesOf(this.#target.type)
  }

  /** Pushes a length. */
  #length({ axis, factor }: Length): void {
    if (axis === undefined) this.#run.i32(factor)
    else {
      this.#run.get(this.#lengths.get(axis)!)
      if (factor !== 1) this.#run.i32(factor).mul()
    }
  }

  #count(length: Length): number | { readonly local: number } {
    if (length.axis === undefined) return length.factor
    const local = this.#run.local('i32')
    this.#length(length)
    this.#run.set(local)
    return { local }
  }

  /** Pushes the byte address of a view's first element. */
  #address({ buffer, offset, moves }: View): void {
    const bytes = offset * this.#bytes
    const moving = this.#addresses.get(buffer.id)
    if (moving !== undefined) {
      this.#run.get(moving)
      if (bytes !== 0) this.#run.i32(bytes).add()
    } else this.#run.i32(this.#arena.addresses[buffer.id]! + bytes)
    for (const move of moves) this.#move(move)
  }

  #move({ by, stride }: Move): void {
    if (stride === 0) return
    this.#run.get(typeof by === 'string' ? this.#lengths.get(by)! : this.#indices.get(by)!)
    this.#run
      .i32(stride * this.#bytes)
      .mul()
      .add()
  }
}
