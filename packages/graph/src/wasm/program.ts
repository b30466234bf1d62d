import { GraphError } from '../error.js'
import { bindAxes, readInputs, type Values } from '../evaluate.js'
import type { Graph, Port, Tensors } from '../graph.js'
import { hoist } from '../hoist.js'
import { lower } from '../lower.js'
import { prune } from '../prune.js'
import { share } from '../rewrite/share.js'
import { type Bindings, bindShape, showShape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { grow } from '../tree.js'
import { CONSTANTS } from './arena.js'
import { dynamicAxes } from './axes.js'
import { ConstantTable } from './lanes.js'
import { type Elements, Machine } from './machine.js'
import { planOf } from './planner.js'
import { hasFma, supported } from './probe.js'
import { showPlan } from './show.js'

/** How a program is compiled. */
export interface CompileOptions {
  /** Element type: float32 for training (the default), float64 for checking. */
  readonly dtype?: 'float32' | 'float64'
  /** `fast` uses fused multiply-add where the engine has it; `portable` gives the same bits on every engine. */
  readonly flavour?: 'fast' | 'portable'
  /**
   * Resident state: output name → input name. After a run the input holds the output's value, in the program's
   * memory; it need not be given again.
   */
  readonly keep?: Readonly<Record<string, string>>
  /** Measures every kernel, for `profile`; slower. */
  readonly trace?: boolean
}

/** How long a kernel took. */
export interface KernelTime {
  /** What it computes: the ops fused in it, or a product's kernel and size (rows × summed × columns). */
  readonly name: string
  /** Times it ran. */
  readonly calls: number
  /** Milliseconds in all. */
  readonly ms: number
}

/** How a program runs. */
export interface RunOptions {
  /** False leaves resident inputs as they were, until `commit`. */
  readonly commit?: boolean
}

/** A compiled graph. Same meaning as `evaluate`, in WebAssembly. */
export interface Program<Out = unknown> {
  /** Runs on these values; resident inputs that are left out keep theirs. Outputs that are kept are not returned. */
  readonly run: (values: Values, options?: RunOptions) => Tensors<Out>
  /** After a run that did not: gives the resident inputs their next values, once. */
  readonly commit: () => void
  /** A copy of an input's value as it lies in the program: of a resident input, the newest. */
  readonly read: (input: string) => Tensor
  /** A copy of the value that the last run made for a resident input and that has not been committed. */
  readonly next: (input: string) => Tensor
  /** Lays memory out for these lengths of the named axes. */
  readonly bind: (lengths: Readonly<Record<string, number>>) => void
  /** The memory of an input or output for the lengths bound now, to write and read in place; valid until lengths change or a run is committed. */
  readonly view: (name: string) => Elements
  /** Runs on what lies in the inputs, and commits. Allocates nothing. */
  readonly step: () => void
  /** What the program does, for the lengths last used: a line per kernel in the order they run. */
  readonly plan: () => string
  /** Time per kernel since the program was made, the slowest first; empty unless compiled with `trace`. */
  readonly profile: () => readonly KernelTime[]
  /** Bytes of the module and of its memory, for the lengths last used. */
  readonly size: () => { readonly module: number; readonly memory: number }
}

/**
 * Compiles a graph to WebAssembly SIMD.
 *
 * One program serves every length of the axes that loops run along: memory grows when a longer one comes. Other named axes
 * are compiled in, once per length met.
 *
 * @throws GraphError `no-simd` where the engine has no WebAssembly SIMD; later, when it runs, what `evaluate` throws of its inputs.
 */
export function compile<In, Out>(graph: Graph<In, Out>, options: CompileOptions = {}): Program<Out> {
  const missing = supported()
  if (missing !== undefined) throw new GraphError('no-simd', 'compile', missing)
  const made = new Compiled<Out>(graph, options)
  return {
    run: (values, how) => made.run(values, how),
    commit: () => made.commit(),
    read: input => made.read(input),
    next: input => made.next(input),
    bind: lengths => made.bind(lengths),
    view: name => made.view(name),
    step: () => made.step(),
    plan: () => made.plan(),
    profile: () => made.profile(),
    size: () => made.size(),
  }
}

class Compiled<Out> {
  readonly #graph: Graph
  readonly #options: CompileOptions
  readonly #axes: readonly string[]
  readonly #names: readonly string[]
  /** Output name → input name. */
  readonly #keep: ReadonlyMap<string, string>
  /** Inputs that hold a value in the current machine's memory. */
  readonly #resident = new Set<string>()
  /** One per set of compiled-in lengths. */
  readonly #machines = new Map<string, Machine>()
  #current: Machine | undefined
  #bindings: Bindings = new Map()
  /** True after a run that was not committed. */
  #open = false

  constructor(graph: Graph, options: CompileOptions) {
    this.#graph = prune(hoist(share(lower(graph))))
    this.#options = options
    this.#axes = dynamicAxes(this.#graph)
    this.#names = namedAxes(this.#graph)
    this.#keep = keepOf(graph, options.keep ?? {})
  }

  run(values: Values, { commit = true }: RunOptions = {}): Tensors<Out> {
    const given = this.#read(values)
    const machine = this.#machineFor(given)
    this.#open = false
    machine.plan.inputs.forEach(({ name, view }, i) => {
      const value = given[i]
      if (value !== undefined) machine.write(view, value.data)
      if (value !== undefined) this.#resident.add(name)
    })
    machine.run()
    this.#open = true
    if (commit) this.commit()
    const outputs = machine.plan.outputs.filter(({ name }) => !this.#keep.has(name))
    return grow(outputs.map(({ name, view }) => [name, machine.read(view)] as const)) as Tensors<Out>
  }

  commit(): void {
    if (this.#open) this.#current?.commit()
    this.#open = false
  }

  read(input: string): Tensor {
    const found = this.#current?.plan.inputs.find(({ name }) => name === input)
    if (found !== undefined && this.#resident.has(input)) return this.#current!.read(found.view)
    throw new GraphError(
      'missing-input',
      `input '${input}'`,
      'holds no value; it is read after a run that was given one',
    )
  }

  next(input: string): Tensor {
    const output = [...this.#keep].find(([, kept]) => kept === input)?.[0]
    const found = this.#current?.plan.outputs.find(({ name }) => name === output)
    if (found !== undefined && this.#open) return this.#current!.read(found.view)
    throw new GraphError(
      'missing-input',
      `input '${input}'`,
      'has no next value; resident inputs have one after a run that is not committed',
    )
  }

  bind(lengths: Readonly<Record<string, number>>): void {
    this.#enter(new Map([...this.#bindings, ...Object.entries(lengths)]), [])
  }

  view(name: string): Elements {
    const machine = this.#bound()
    const found = [...machine.plan.inputs, ...machine.plan.outputs].find(port => port.name === name)
    if (found === undefined) {
      const names = [...this.#graph.inputs, ...this.#graph.outputs].map(port => port.name).join(', ')
      throw new GraphError('unknown-input', `'${name}'`, `is no input or output; there are ${names}`)
    }
    this.#resident.add(name)
    return machine.window(found.view)
  }

  step(): void {
    const machine = this.#bound()
    this.#open = false
    machine.run()
    machine.commit()
  }

  plan(): string {
    return showPlan(this.#bound().plan)
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

  /** The machine in use; a graph without named axes needs no lengths. */
  #bound(): Machine {
    return this.#current ?? this.#enter(this.#bindings, [])
  }

  size(): { readonly module: number; readonly memory: number } {
    return { module: this.#current?.moduleBytes ?? 0, memory: this.#current?.memoryBytes ?? 0 }
  }

  /** The values by input; resident ones may be missing. */
  #read(values: Values): readonly (Tensor | undefined)[] {
    const kept = new Set([...this.#keep.values()].filter(name => this.#resident.has(name)))
    return readInputs(this.#graph, values, kept)
  }

  /** The machine for the lengths of these values, with the resident values in it. */
  #machineFor(given: readonly (Tensor | undefined)[]): Machine {
    return this.#enter(new Map([...this.#bindings, ...bindAxes(this.#graph, given)]), given)
  }

  /** The machine for these lengths, in use from now on. */
  #enter(bindings: Bindings, given: readonly (Tensor | undefined)[]): Machine {
    const same = this.#names.every(axis => bindings.get(axis) === this.#bindings.get(axis))
    if (same && this.#current !== undefined) return this.#current
    const open = this.#names.find(axis => !bindings.has(axis))
    if (open !== undefined)
      throw new GraphError(
        'unbound-axis',
        'program',
        `axis '${open}' has no length; bind gives one to every named axis`,
      )
    this.#forget(given, bindings)
    const fixed = new Map([...bindings].filter(([axis]) => !this.#axes.includes(axis)))
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
    const plan = planOf(this.#graph, { bindings: fixed, axes: this.#axes, keep: this.#keep })
    const type = this.#options.dtype === 'float64' ? 'f64' : 'f32'
    const fma = this.#options.flavour !== 'portable' && hasFma()
    return new Machine(
      plan,
      { type, fma, constants: new ConstantTable(CONSTANTS), trace: this.#options.trace ?? false },
      bindings,
    )
  }

  /** Values that are not given and would have another shape from now on are gone; state that is kept has to stay. */
  #forget(given: readonly (Tensor | undefined)[], bindings: Bindings): void {
    const kept = new Set(this.#keep.values())
    const gone = this.#graph.inputs.filter(({ name, value }, i) => {
      if (given[i] !== undefined || !this.#resident.has(name)) return false
      const [was, is] = [this.#bindings, bindings].map(lengths =>
        showShape(bindShape(this.#graph.shapes[value]!, lengths, name)),
      )
      if (was !== is && kept.has(name))
        throw new GraphError('missing-input', `input '${name}'`, `was ${was} and is now ${is}; give it anew`)
      return was !== is
    })
    for (const { name } of gone) this.#resident.delete(name)
  }

  /** Copies resident values that were not given to another machine. */
  #carryOver(from: Machine, to: Machine, given: readonly (Tensor | undefined)[]): void {
    from.plan.inputs.forEach(({ name, view }, i) => {
      if (given[i] === undefined && this.#resident.has(name))
        to.write(to.plan.inputs[i]!.view, from.read(view).data)
    })
  }
}

/** Output name → input name of all that is kept, checked. */
function keepOf(graph: Graph, keep: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const found = Object.entries(keep).flatMap(([out, input]) => pairs(graph, out, input))
  const shapeOf = (ports: readonly Port[], name: string): string =>
    showShape(graph.shapes[ports.find(port => port.name === name)!.value]!)
  found.forEach(([out, input], i) => {
    const [made, held] = [shapeOf(graph.outputs, out), shapeOf(graph.inputs, input)]
    if (made !== held)
      throw new GraphError(
        'shape',
        `'${out}'`,
        `is ${made} and input '${input}' ${held}; what is kept has the input's shape`,
      )
    const other = found.findIndex(pair => pair[1] === input)
    if (other < i)
      throw new GraphError(
        'twice-kept',
        `'${input}'`,
        `is to hold '${found[other]![0]}' and '${out}'; an input keeps one output`,
      )
  })
  return new Map(found)
}

/** The names of the axes of a graph's inputs. */
function namedAxes(graph: Graph): readonly string[] {
  return graph.inputs.flatMap(({ value }) => graph.shapes[value]!.filter(dim => typeof dim === 'string'))
}

/** Outputs under one name with the inputs under another: `params` keeps `params.W` in `params.W`. */
function pairs(graph: Graph, out: string, input: string): readonly (readonly [string, string])[] {
  const under = (name: string, prefix: string): boolean => name === prefix || name.startsWith(`${prefix}.`)
  const found = graph.outputs
    .filter(({ name }) => under(name, out))
    .map(({ name }) => [name, input + name.slice(out.length)] as const)
  const odd = found.find(([, name]) => !graph.inputs.some(port => port.name === name))
  if (found.length === 0)
    throw new GraphError('unknown-output', `'${out}'`, 'is not an output, so it cannot be kept')
  if (odd !== undefined)
    throw new GraphError(
      'unknown-input',
      `'${odd[1]}'`,
      `is not an input, so '${odd[0]}' cannot be kept there`,
    )
  return found
}
