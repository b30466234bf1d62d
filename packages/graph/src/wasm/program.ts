import { GraphError } from '../error.js'
import { bindAxes, readInputs, type Values } from '../evaluate.js'
import type { Graph, Tensors } from '../graph.js'
import { hoist } from '../hoist.js'
import { lower } from '../lower.js'
import { prune } from '../prune.js'
import { type Bindings, showShape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { grow } from '../tree.js'
import { CONSTANTS } from './arena.js'
import { dynamicAxes } from './axes.js'
import { ConstantTable } from './lanes.js'
import { Machine } from './machine.js'
import { planOf } from './planner.js'
import { hasFma, supported } from './probe.js'

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
  /** After a run that did not: gives the resident inputs their next values. */
  readonly commit: () => void
  /** A copy of an input's value as it lies in the program: of a resident input, the newest. */
  readonly read: (input: string) => Tensor
  /** A copy of the value that the last run made for a resident input and that has not been committed. */
  readonly next: (input: string) => Tensor
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
    size: () => made.size(),
  }
}

class Compiled<Out> {
  readonly #graph: Graph
  readonly #options: CompileOptions
  readonly #axes: readonly string[]
  /** Output name → input name. */
  readonly #keep: ReadonlyMap<string, string>
  /** Inputs that hold a value in the current machine's memory. */
  readonly #resident = new Set<string>()
  /** One per set of compiled-in lengths. */
  readonly #machines = new Map<string, Machine>()
  #current: Machine | undefined
  #bindings: Bindings = new Map()

  constructor(graph: Graph, options: CompileOptions) {
    this.#graph = prune(hoist(lower(graph)))
    this.#options = options
    this.#axes = dynamicAxes(this.#graph)
    this.#keep = new Map(
      Object.entries(options.keep ?? {}).flatMap(([out, input]) => pairs(graph, out, input)),
    )
  }

  run(values: Values, { commit = true }: RunOptions = {}): Tensors<Out> {
    const given = this.#read(values)
    const machine = this.#machineFor(given)
    machine.plan.inputs.forEach(({ name, view }, i) => {
      const value = given[i]
      if (value !== undefined) machine.write(view, value.data)
      if (value !== undefined) this.#resident.add(name)
    })
    machine.run()
    if (commit) machine.commit()
    const outputs = machine.plan.outputs.filter(({ name }) => !this.#keep.has(name))
    return grow(outputs.map(({ name, view }) => [name, machine.read(view)] as const)) as Tensors<Out>
  }

  commit(): void {
    this.#current?.commit()
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
    if (found !== undefined) return this.#current!.read(found.view)
    throw new GraphError(
      'missing-input',
      `input '${input}'`,
      'has no next value; resident inputs have one after a run',
    )
  }

  size(): { readonly module: number; readonly memory: number } {
    return { module: this.#current?.moduleBytes ?? 0, memory: this.#current?.memoryBytes ?? 0 }
  }

  /** The values by input; resident ones may be missing. */
  #read(values: Values): readonly (Tensor | undefined)[] {
    const kept = new Set([...this.#keep.values()].filter(name => this.#resident.has(name)))
    return readInputs(this.#graph, values, kept)
  }

  /** The machine for these lengths, with the resident values in it. */
  #machineFor(given: readonly (Tensor | undefined)[]): Machine {
    const bindings = new Map([...this.#bindings, ...bindAxes(this.#graph, given)])
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
    return new Machine(plan, { type, fma, constants: new ConstantTable(CONSTANTS) }, bindings)
  }

  /** Copies resident values that were not given to another machine. */
  #carryOver(from: Machine, to: Machine, given: readonly (Tensor | undefined)[]): void {
    from.plan.inputs.forEach(({ name, view }, i) => {
      if (given[i] !== undefined || !this.#resident.has(name)) return
      const value = from.read(view)
      const target = to.plan.inputs[i]!.view
      if (showShape(value.shape) !== showShape(target.shape))
        throw new GraphError(
          'missing-input',
          `input '${name}'`,
          `was ${showShape(value.shape)} and is now ${showShape(target.shape)}; give it anew`,
        )
      to.write(target, value.data)
    })
  }
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
