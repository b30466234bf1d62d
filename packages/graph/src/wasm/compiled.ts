import { bindAxes, type Values } from '../evaluate.js'
import type { Graph, Tensors } from '../graph.js'
import type { Bindings } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { grow, type Leaf } from '../tree.js'
import { CONSTANTS } from './arena.js'
import { axesIn, dynamicAxes } from './axes.js'
import { described, kernelCosts } from './costs.js'
import { checkBound, checkLengths, namedAxes, noNext, noPort, noValue, Residents } from './keep.js'
import { ConstantTable } from './lanes.js'
import { type Elements, Machine } from './machine.js'
import { planOf } from './planner.js'
import { hasFma } from './probe.js'
import type { CompileOptions, KernelTime, Program, ProgramDescription, RunOptions } from './program.js'
import { showPlan } from './show.js'

/** A program that runs in one thread. */
export class Compiled<Out> implements Omit<Program<Out>, 'checkFinite'> {
  readonly #graph: Graph
  readonly #options: CompileOptions
  readonly #shared: boolean
  /** Axes whose length is given at run time. */
  readonly axes: readonly string[]
  /** All named axes. */
  readonly #all: ReadonlySet<string>
  readonly #names: readonly string[]
  readonly #residents: Residents
  /** One per set of compiled-in lengths. */
  readonly #machines = new Map<string, Machine>()
  #current: Machine | undefined
  #bindings: Bindings = new Map()
  /** True after a run that was not committed. */
  #open = false

  /**
   * @param graph after all passes over graphs.
   * @param shared where its memory is to be seen by other threads.
   */
  constructor(graph: Graph, options: CompileOptions, shared = false) {
    this.#graph = graph
    this.#options = options
    this.#shared = shared
    this.axes = dynamicAxes(graph)
    this.#all = axesIn(graph)
    this.#names = namedAxes(graph)
    this.#residents = new Residents(graph, options.keep ?? {})
  }

  run(values: Values, { commit = true }: RunOptions = {}): Tensors<Out> {
    const given = this.#residents.read(values)
    const machine = this.#enter(bindAxes(this.#graph, given), given)
    machine.plan.inputs.forEach(({ name, view }, i) => {
      const value = given[i]
      if (value === undefined) return
      machine.write(view, value.data)
      this.#residents.hold(name)
    })
    this.execute()
    if (commit) this.commit()
    return grow(this.results()) as Tensors<Out>
  }

  /** Copies of the outputs that are not kept. */
  results(): readonly Leaf<Tensor>[] {
    const { plan } = this.machine()
    const outputs = plan.outputs.filter(({ name }) => !this.#residents.keep.has(name))
    return outputs.map(({ name, view }) => [name, this.machine().read(view)] as const)
  }

  /** Runs on what lies in the inputs, without a commit. */
  execute(): void {
    const machine = this.machine()
    this.#open = false
    machine.run()
    this.#open = true
  }

  commit(): void {
    if (this.#open) this.#current?.commit()
    this.#open = false
  }

  read(input: string): Tensor {
    const found = this.#current?.plan.inputs.find(({ name }) => name === input)
    if (found !== undefined && this.#residents.holds(input)) return this.#current!.read(found.view)
    throw noValue(input)
  }

  next(input: string): Tensor {
    const output = this.#residents.outputOf(input)
    const found = this.#current?.plan.outputs.find(({ name }) => name === output)
    if (found !== undefined && this.#open) return this.#current!.read(found.view)
    throw noNext(input)
  }

  bind(lengths: Readonly<Record<string, number>>): void {
    this.#enter(new Map(Object.entries(lengths)), [])
  }

  view(name: string): Elements {
    const machine = this.machine()
    const found = [...machine.plan.inputs, ...machine.plan.outputs].find(port => port.name === name)
    if (found === undefined) throw noPort(this.#graph, name)
    this.#residents.hold(name)
    return machine.window(found.view)
  }

  step({ commit = true }: RunOptions = {}): void {
    this.execute()
    if (commit) this.commit()
  }

  plan(): string {
    return showPlan(this.machine().plan)
  }

  describe(lengths: Readonly<Record<string, number>> = {}): ProgramDescription {
    const machine = this.machine()
    checkLengths(lengths, this.axes)
    const bindings = new Map([...this.#bindings, ...Object.entries(lengths)])
    const bytes = this.#options.dtype === 'float64' ? 8 : 4
    const kernels = kernelCosts(machine.plan.instructions, bindings, bytes)
    return described(kernels, machine.bytesFor(bindings), machine.moduleBytes)
  }

  profile(): readonly KernelTime[] {
    const machine = this.#current
    if (machine === undefined) return []
    const rows = machine.kernels.map((name, i) => ({
      name,
      calls: machine.counts[i]!,
      ms: machine.times[i]!,
    }))
    return rows.sort((a, b) => b.ms - a.ms)
  }

  size(): { readonly module: number; readonly memory: number } {
    return { module: this.#current?.moduleBytes ?? 0, memory: this.#current?.memoryBytes ?? 0 }
  }

  /** The machine in use; a graph without named axes needs no lengths. */
  machine(): Machine {
    return this.#current ?? this.#enter(this.#bindings, [])
  }

  /** The machine for these lengths, and those bound now of other axes, with the resident values in it, in use from now on. */
  #enter(lengths: Bindings, given: readonly (Tensor | undefined)[]): Machine {
    let same = true
    for (const [axis, length] of lengths) same &&= !this.#all.has(axis) || length === this.#bindings.get(axis)
    if (same && this.#current !== undefined) return this.#current
    const bindings = new Map([...this.#bindings, ...lengths])
    checkBound(this.#names, bindings)
    this.#residents.forget(given, this.#bindings, bindings)
    const fixed = new Map([...bindings].filter(([axis]) => this.#all.has(axis) && !this.axes.includes(axis)))
    const key = [...fixed]
      .map(([axis, length]) => `${axis}=${length}`)
      .sort()
      .join()
    const machine = this.#machines.get(key) ?? this.#make(fixed, bindings)
    this.#machines.set(key, machine)
    machine.bind(bindings)
    if (this.#current !== undefined && this.#current !== machine)
      this.#carryOver(this.#current, machine, given)
    this.#current = machine
    this.#bindings = bindings
    return machine
  }

  #make(fixed: Bindings, bindings: Bindings): Machine {
    const { keep } = this.#residents
    const plan = planOf(this.#graph, { bindings: fixed, axes: this.axes, keep })
    const { dtype, flavour, trace = false } = this.#options
    const target = {
      type: dtype === 'float64' ? ('f64' as const) : ('f32' as const),
      fma: flavour !== 'portable' && hasFma(),
      constants: new ConstantTable(CONSTANTS),
      trace,
      shared: this.#shared,
    }
    return new Machine(plan, target, bindings)
  }

  /** Copies resident values that were not given to another machine. */
  #carryOver(from: Machine, to: Machine, given: readonly (Tensor | undefined)[]): void {
    from.plan.inputs.forEach(({ name, view }, i) => {
      if (given[i] === undefined && this.#residents.holds(name))
        to.write(to.plan.inputs[i]!.view, from.read(view).data)
    })
  }
}
