import { GraphError } from '../../error.js'
import { bindAxes, type Values } from '../../evaluate.js'
import type { Graph, Port, Tensors } from '../../graph.js'
import { type Bindings, bindShape, type Shape, sizeOf } from '../../shape.js'
import type { Tensor } from '../../tensor.js'
import { grow, type Leaf } from '../../tree.js'
import { Compiled } from '../compiled.js'
import { described } from '../costs.js'
import { checkBound, namedAxes, noNext, noPort, noValue, Residents } from '../keep.js'
import type { Elements, Machine } from '../machine.js'
import type { CompileOptions, KernelTime, Program, ProgramDescription, RunOptions } from '../program.js'
import { boundaries, collect, type Rows, rowsOf, scatter } from './batch.js'
import { Crew } from './crew.js'
import { partOf, type Split, split } from './split.js'
import { wholeOf } from './whole.js'

/** A copy between a value of the whole batch and a thread's rows of it. */
interface Dealt {
  /** Of the graph's input or output. */
  readonly name: string
  readonly part: Elements
  readonly rows: Rows
}

/** A copy of a whole value. */
interface Handed {
  readonly from: Elements
  readonly to: Elements
}

/** All copies of one run, for the lengths bound now. */
interface Routes {
  readonly deal: readonly Dealt[]
  /** Inputs that are not split, from the meeting's memory to the threads'. Kept ones lie in either of two places. */
  readonly params: readonly { readonly name: string; readonly to: readonly Elements[] }[]
  readonly meet: readonly Handed[]
  readonly collect: readonly Dealt[]
}

/**
 * A program whose batch is split: `threads` times the same module, each with rows of its own, and one program that joins their
 * sums and does the rest. The caller's thread does the first part. Values are the same whoever does what, and when.
 */
export class Threaded<Out> implements Omit<Program<Out>, 'checkFinite'> {
  readonly #graph: Graph
  readonly #axis: string
  readonly #names: readonly string[]
  readonly #split: Split
  readonly #residents: Residents
  readonly #threads: readonly Compiled<unknown>[]
  readonly #meeting: Compiled<unknown>
  readonly #crew: Crew
  readonly #make: (length: number) => Elements
  /** Split inputs, and outputs, of the whole batch, by name. */
  readonly #given = new Map<string, Elements>()
  readonly #made = new Map<string, Elements>()
  #bindings: Bindings = new Map()
  #routes: Routes | undefined
  /** Windows of kept inputs that are not split: commits move them between two places. */
  #windows: readonly [Map<string, Elements>, Map<string, Elements>] = [new Map(), new Map()]
  #side: 0 | 1 = 0
  #open = false

  /** @throws GraphError `unsplittable`, `no-threads`. */
  constructor(graph: Graph, options: CompileOptions, axis: string, threads: number) {
    this.#graph = graph
    this.#axis = axis
    this.#names = namedAxes(graph)
    this.#split = split(graph, axis, threads)
    this.#residents = new Residents(graph, options.keep ?? {})
    const { keep: _, ...how } = options
    const keep = [...this.#residents.keep].filter(([out]) => this.#split.outputs.get(out) !== 'part')
    this.#meeting = new Compiled(this.#split.meeting, { ...how, keep: Object.fromEntries(keep) })
    this.#threads = Array.from({ length: threads }, () => new Compiled(this.#split.thread, how, true))
    this.#make = length => (options.dtype === 'float64' ? new Float64Array(length) : new Float32Array(length))
    this.#crew = new Crew(threads - 1)
  }

  run(values: Values, { commit = true }: RunOptions = {}): Tensors<Out> {
    const given = this.#residents.read(values)
    this.#enter(new Map([...this.#bindings, ...bindAxes(this.#graph, given)]), given)
    this.#graph.inputs.forEach(({ name }, i) => {
      const value = given[i]
      if (value === undefined) return
      this.#place(name).set(value.data)
      this.#residents.hold(name)
    })
    this.#execute()
    if (commit) this.commit()
    return grow(this.#results()) as Tensors<Out>
  }

  /** Copies of the outputs that are not kept, in their order. */
  #results(): readonly Leaf<Tensor>[] {
    const joined = new Map(this.#meeting.results())
    return this.#graph.outputs
      .filter(({ name }) => !this.#residents.keep.has(name))
      .map(
        ({ name, value }) => [name, joined.get(name) ?? this.#tensor(this.#made.get(name)!, value)] as const,
      )
  }

  commit(): void {
    if (!this.#open) return
    this.#open = false
    this.#meeting.commit()
    this.#side = this.#side === 0 ? 1 : 0
    for (const [output, input] of this.#residents.keep) {
      const next = this.#made.get(output)
      if (next === undefined) continue
      this.#made.set(output, this.#given.get(input)!)
      this.#given.set(input, next)
    }
  }

  read(input: string): Tensor {
    const port = this.#graph.inputs.find(({ name }) => name === input)
    if (port === undefined || !this.#residents.holds(input)) throw noValue(input)
    return this.#tensor(this.#place(input), port.value)
  }

  next(input: string): Tensor {
    const output = this.#residents.outputOf(input)
    if (!this.#open) throw noNext(input)
    const made = this.#made.get(output)
    if (made === undefined) return this.#meeting.next(input)
    return this.#tensor(made, this.#graph.outputs.find(({ name }) => name === output)!.value)
  }

  bind(lengths: Readonly<Record<string, number>>): void {
    this.#enter(new Map([...this.#bindings, ...Object.entries(lengths)]), [])
  }

  view(name: string): Elements {
    this.#bound()
    if (!this.#split.inputs.has(name) && !this.#split.outputs.has(name)) throw noPort(this.#graph, name)
    this.#residents.hold(name)
    return this.#place(name)
  }

  step({ commit = true }: RunOptions = {}): void {
    this.#execute()
    if (commit) this.commit()
  }

  plan(): string {
    this.#bound()
    const indent = (text: string): string => text.replace(/^/gm, '  ')
    const head = `${this.#threads.length} threads, each with its rows of '${this.#axis}':`
    return [head, indent(this.#threads[0]!.plan()), 'then:', indent(this.#meeting.plan())].join('\n')
  }

  describe(lengths: Readonly<Record<string, number>> = {}): ProgramDescription {
    this.#bound()
    const after = Object.entries(lengths).filter(([axis]) => this.#meeting.axes.includes(axis))
    const parts = [
      ...this.#threads.map(thread => thread.describe(lengths)),
      this.#meeting.describe(Object.fromEntries(after)),
    ]
    const bindings = new Map([...this.#bindings, ...Object.entries(lengths)])
    const staged = this.#staged().map(({ shape }) => sizeOf(bindShape(shape, bindings, 'describe')))
    return described(
      parts.flatMap(({ kernels }) => kernels),
      total([...parts.map(({ memory }) => memory), this.#make(1).byteLength * total(staged)]),
      parts[0]!.module + parts.at(-1)!.module,
    )
  }

  profile(): readonly KernelTime[] {
    const rows = [...this.#threads[0]!.profile(), ...this.#meeting.profile()]
    return rows.sort((a, b) => b.ms - a.ms)
  }

  size(): { readonly module: number; readonly memory: number } {
    const sizes = [...this.#threads, this.#meeting].map(program => program.size())
    const staged = [...this.#given.values(), ...this.#made.values()].map(({ byteLength }) => byteLength)
    const module = sizes[0]!.module + sizes.at(-1)!.module
    return { module, memory: total([...sizes.map(({ memory }) => memory), ...staged]) }
  }

  /** Where a value lies that the caller reads or writes: split ones beside the threads, the others in the meeting's memory. */
  #place(name: string): Elements {
    return this.#given.get(name) ?? this.#made.get(name) ?? this.#window(name)
  }

  #window(name: string): Elements {
    const windows = this.#windows[this.#side]
    const known = windows.get(name)
    if (known !== undefined) return known
    const made = this.#meeting.view(name)
    windows.set(name, made)
    return made
  }

  #tensor(data: Elements, value: number): Tensor {
    const shape = bindShape(this.#graph.shapes[value]!, this.#bindings, 'read')
    return { shape, data: Float64Array.from(data) }
  }

  #bound(): Routes {
    return this.#routes ?? this.#enter(this.#bindings, [])
  }

  #execute(): void {
    const { deal, params, meet, collect: outputs } = this.#bound()
    this.#open = false
    for (const { name, part, rows } of deal) scatter(this.#given.get(name)!, part, rows)
    for (const { name, to } of params) for (const copy of to) copy.set(this.#window(name))
    this.#runThreads()
    for (const { from, to } of meet) to.set(from)
    this.#meeting.execute()
    for (const { name, part, rows } of outputs) collect(part, this.#made.get(name)!, rows)
    this.#open = true
  }

  /** Every thread's part, the first one's here. */
  #runThreads(): void {
    for (const thread of this.#threads) thread.machine().ready()
    this.#crew.ask()
    try {
      this.#threads[0]!.machine().compute()
    } finally {
      this.#crew.meet()
    }
    for (const thread of this.#threads) thread.machine().check()
  }

  /** Lays everything out for these lengths. */
  #enter(bindings: Bindings, given: readonly (Tensor | undefined)[]): Routes {
    const same = this.#names.every(axis => bindings.get(axis) === this.#bindings.get(axis))
    if (same && this.#routes !== undefined) return this.#routes
    checkBound(this.#names, bindings)
    this.#residents.forget(given, this.#bindings, bindings)
    const batch = bindings.get(this.#axis)!
    const ends = boundaries(batch, this.#threads.length)
    const lengths = { ...Object.fromEntries(bindings), [wholeOf(this.#axis)]: batch }
    this.#threads.forEach((thread, k) => {
      thread.bind({ ...lengths, [this.#axis]: ends[k + 1]! - ends[k]! })
    })
    this.#meeting.bind(lengths)
    this.#crew.assign(this.#threads.slice(1).map((thread): Machine => thread.machine()))
    this.#bindings = bindings
    this.#stage()
    this.#windows = [new Map(), new Map()]
    this.#side = 0
    this.#routes = this.#route(ends)
    return this.#routes
  }

  /** Room for the split values of the whole batch; what has its size keeps its numbers. */
  #stage(): void {
    for (const { name, shape, places } of this.#staged()) {
      const length = sizeOf(bindShape(shape, this.#bindings, name))
      if (places.get(name)?.length !== length) places.set(name, this.#make(length))
    }
  }

  /** The split inputs and outputs, and where the whole of each lies. */
  #staged(): readonly {
    readonly name: string
    readonly shape: Shape
    readonly places: Map<string, Elements>
  }[] {
    const { inputs, outputs, shapes } = this.#graph
    const parts = (ports: readonly Port[], shares: Split['inputs'], places: Map<string, Elements>) =>
      ports
        .filter(({ name }) => shares.get(name) === 'part')
        .map(({ name, value }) => ({ name, shape: shapes[value]!, places }))
    return [
      ...parts(inputs, this.#split.inputs, this.#given),
      ...parts(outputs, this.#split.outputs, this.#made),
    ]
  }

  #route(ends: readonly number[]): Routes {
    const { thread, inputs, outputs, met } = this.#split
    const dealt = (names: readonly string[], nameIn: (name: string) => string): readonly Dealt[] =>
      this.#threads.flatMap((program, k) =>
        names.map(name => {
          const port = [...thread.inputs, ...thread.outputs].find(one => one.name === nameIn(name))!
          const [first, end] = [ends[k]!, ends[k + 1]!]
          const rows = rowsOf(thread.shapes[port.value]!, this.#axis, this.#bindings, first, end - first)
          return { name, part: program.view(port.name), rows }
        }),
      )
    const read = thread.inputs.map(({ name }) => name)
    const made = [...outputs].flatMap(([name, share]) => (share === 'part' ? [name] : []))
    return {
      deal: dealt(
        read.filter(name => inputs.get(name) === 'part'),
        name => name,
      ),
      params: read
        .filter(name => inputs.get(name) !== 'part')
        .map(name => ({ name, to: this.#threads.map(program => program.view(name)) })),
      meet: this.#threads.flatMap((program, k) =>
        Array.from({ length: met }, (_, j) => ({
          from: program.view(`met.${j}`),
          to: this.#meeting.view(`met.${j}.${k}`),
        })),
      ),
      collect: dealt(made, partOf),
    }
  }
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0)

/**
 * The axis that threads split: the one that is named, or the only named axis of the inputs that no loop runs along.
 * @throws GraphError `no-batch-axis`.
 */
export function batchAxis(graph: Graph, looped: readonly string[], named: string | undefined): string {
  const axes = [...new Set(namedAxes(graph))]
  const free = axes.filter(axis => !looped.includes(axis))
  const chosen = named ?? (free.length === 1 ? free[0] : undefined)
  if (chosen !== undefined && free.includes(chosen)) return chosen
  const there = free.map(axis => `'${axis}'`).join(', ') || 'none'
  const detail =
    chosen === undefined
      ? `threads split the batch, and ${free.length} named axes could be it: ${there}`
      : `axis '${chosen}' cannot be split; axes of the inputs that no loop runs along: ${there}`
  const hint =
    free.length === 0 ? "name the batch in the inputs' shapes: x: ['T', 'B', 8]" : "say which: batch: 'B'"
  throw new GraphError('no-batch-axis', 'compile', detail, hint)
}
