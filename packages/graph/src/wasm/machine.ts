import { GraphError } from '../error.js'
import { type Bindings, bindShape, sizeOf } from '../shape.js'
import type { Tensor } from '../tensor.js'
import {
  type Arena,
  CONSTANT_ROOM,
  FAULT,
  type Header,
  headerOf,
  layOut,
  type Places,
  placeBuffers,
} from './arena.js'
import { bytesOf, MOST_PAGES } from './assembler.js'
import { type Emitted, emitModule } from './emit.js'
import type { Target } from './fused.js'
import type { CallOut, Plan } from './plan.js'
import type { View } from './view.js'

const PAGE = 65_536

/** Elements of the program's memory. */
export type Elements = Float32Array | Float64Array

interface Made {
  readonly header: Header
  readonly arena: Arena
  readonly emitted: Emitted
}

/** Emits a module; once more with a larger header where its constants do not find room. */
function emitInto(
  plan: Plan,
  layout: Places,
  target: Target,
  bindings: Bindings,
  room: number = CONSTANT_ROOM,
): Made {
  const header = headerOf(plan, room)
  const arena = layOut(plan, header, layout, bytesOf(target.type), bindings)
  const emitted = emitModule(plan, header, arena, target)
  const needed = target.constants.bytes().length
  return needed <= room ? { header, arena, emitted } : emitInto(plan, layout, target, bindings, 2 * needed)
}

function memoryOf(bytes: number, shared: boolean): WebAssembly.Memory {
  const initial = Math.ceil(bytes / PAGE)
  return new WebAssembly.Memory(shared ? { initial, maximum: MOST_PAGES, shared } : { initial })
}

/** A plan that runs: its module, its memory, and the lengths it is laid out for. */
export class Machine {
  readonly plan: Plan
  readonly moduleBytes: number
  /**
   * The module and its memory, for another thread to run it too, where its memory is shared and it calls no JavaScript.
   * Not by their types: a project that has those of neither DOM nor Node reads this declaration too.
   */
  readonly parts: { readonly module: object; readonly memory: object } | undefined
  readonly #target: Target
  readonly #header: Header
  readonly #memory: WebAssembly.Memory
  readonly #run: () => void
  /** By kernel of a traced machine: its name, the milliseconds it took, and how often it ran. */
  readonly kernels: readonly string[]
  readonly times: Float64Array
  readonly counts: Float64Array
  readonly #layout: Places
  #arena: Arena
  /** Whose address in the arena a buffer has now, by buffer id. */
  readonly #places: Int32Array
  /** Ids of buffers that change places, in pairs. */
  readonly #swaps: Int32Array
  #last = 0
  #bindings: Bindings
  #words: Int32Array
  #elements: Elements

  constructor(plan: Plan, target: Target, bindings: Bindings) {
    this.plan = plan
    this.#target = target
    this.#bindings = bindings
    this.#layout = placeBuffers(plan)
    const { header, arena, emitted } = emitInto(plan, this.#layout, target, bindings)
    this.#header = header
    this.#arena = arena
    this.#places = Int32Array.from(plan.buffers, ({ id }) => id)
    this.#swaps = Int32Array.from(plan.swaps.flatMap(([input, output]) => [input.id, output.id]))
    this.moduleBytes = emitted.bytes.length
    this.kernels = emitted.kernels
    this.times = new Float64Array(emitted.kernels.length)
    this.counts = new Float64Array(emitted.kernels.length)
    this.#memory = memoryOf(this.#arena.bytes, target.shared ?? false)
    const call = (number: number, room: number): void => this.#callOut(emitted.calls[number]!, room)
    const tick = (kernel: number): void => this.#tick(kernel)
    const module = new WebAssembly.Module(emitted.bytes)
    const instance = new WebAssembly.Instance(module, { env: { memory: this.#memory, call, tick } })
    const alone = target.shared !== true || emitted.calls.length > 0
    this.parts = alone ? undefined : { module, memory: this.#memory }
    this.#run = instance.exports['run'] as () => void
    this.#words = new Int32Array(this.#memory.buffer)
    this.#elements = this.#view()
    new Uint8Array(this.#memory.buffer).set(target.constants.bytes(), target.constants.base)
    this.#address()
    for (const { view, value } of plan.constants) this.write(view, value.data)
  }

  /** Bytes of memory for the lengths last used. */
  get memoryBytes(): number {
    return this.#arena.bytes
  }

  /** Bytes of memory that other lengths would take. */
  bytesFor(bindings: Bindings): number {
    return this.#layFor(bindings).bytes
  }

  #layFor(bindings: Bindings): Arena {
    return layOut(this.plan, this.#header, this.#layout, bytesOf(this.#target.type), bindings)
  }

  /** Lays memory out for these lengths; values of fixed size keep their places. */
  bind(bindings: Bindings): void {
    const changed = this.plan.axes.some(axis => bindings.get(axis) !== this.#bindings.get(axis))
    if (!changed) return
    this.#bindings = bindings
    this.#arena = this.#layFor(bindings)
    const missing = this.#arena.bytes - this.#memory.buffer.byteLength
    if (missing > 0) {
      this.#memory.grow(Math.ceil(missing / PAGE))
      this.#words = new Int32Array(this.#memory.buffer)
      this.#elements = this.#view()
    }
    this.#address()
  }

  /** Runs once. Resident inputs keep their values until `commit`. */
  run(): void {
    this.ready()
    this.compute()
    this.check()
  }

  /** Makes ready for a run that another thread may do. */
  ready(): void {
    if (this.#target.trace) this.#last = performance.now()
    this.#words[FAULT / 4] = 0 // a run that threw may have left a mark
  }

  /** The run itself. */
  compute(): void {
    this.#run()
  }

  /** @throws GraphError `bad-index` where the run met an id that is no row. */
  check(): void {
    if (this.#words[FAULT / 4] === 0) return
    throw new GraphError(
      'bad-index',
      'run',
      'an id is no row of its table; ids are whole numbers ≥ 0 and less than the number of rows',
    )
  }

  /** Gives resident inputs the values of the last run: buffers change places, nothing is copied. */
  commit(): void {
    for (let i = 0; i < this.#swaps.length; i += 2) {
      const [input, output] = [this.#swaps[i]!, this.#swaps[i + 1]!]
      const place = this.#places[input]!
      this.#places[input] = this.#places[output]!
      this.#places[output] = place
      this.#words[this.#header.words[input]!] = this.#arena.addresses[this.#places[input]!]!
      this.#words[this.#header.words[output]!] = this.#arena.addresses[place]!
    }
  }

  /** The memory of a packed view, for the lengths bound now: to read and to write, until lengths change or, of resident state, a commit. */
  window(view: View): Elements {
    const at = this.#start(view)
    return this.#elements.subarray(at, at + sizeOf(bindShape(view.shape, this.#bindings, 'view')))
  }

  #tick(kernel: number): void {
    const now = performance.now()
    this.times[kernel]! += now - this.#last
    this.counts[kernel]! += 1
    this.#last = now
  }

  /** Copies numbers to a packed view. */
  write(view: View, data: ArrayLike<number>): void {
    this.#elements.set(data, this.#start(view))
  }

  /** A copy of a packed view. */
  read(view: View): Tensor {
    return { shape: bindShape(view.shape, this.#bindings, 'view'), data: new Float64Array(this.window(view)) }
  }

  #view(): Elements {
    return this.#target.type === 'f32'
      ? new Float32Array(this.#memory.buffer)
      : new Float64Array(this.#memory.buffer)
  }

  /** Index of a view's first element; only moves by axis lengths exist outside loops. */
  #start({ buffer, offset, moves }: View): number {
    const moved = moves.reduce(
      (sum, { by, stride }) => sum + this.#bindings.get(by as string)! * stride,
      offset,
    )
    return this.#arena.addresses[this.#places[buffer.id]!]! / bytesOf(this.#target.type) + moved
  }

  /** Tells the module lengths and addresses. */
  #address(): void {
    for (const [axis, at] of this.#header.lengths) this.#words[at / 4] = this.#bindings.get(axis)!
    for (const [buffer, at] of this.#header.addresses)
      this.#words[at / 4] = this.#arena.addresses[this.#places[buffer]!]!
  }

  #callOut({ op, attrs, inputs, outputs }: CallOut, room: number): void {
    const bytes = bytesOf(this.#target.type)
    const at = (i: number): number => this.#words[room / 4 + i]! / bytes
    const shapeOf = (view: View): readonly number[] => bindShape(view.shape, this.#bindings, op.name)
    const values = inputs.map((view, i) => {
      const shape = shapeOf(view)
      return { shape, data: new Float64Array(this.#elements.subarray(at(i), at(i) + sizeOf(shape))) }
    })
    const results = op.forward(values, { attrs, shapes: outputs.map(shapeOf), bindings: this.#bindings })
    results.forEach((result, i) => this.#elements.set(result.data, at(inputs.length + i)))
  }
}
