import {
  add,
  concat,
  evaluate,
  type Graph,
  graph,
  mul,
  type Program,
  type Ref,
  type Shape,
  slice,
  sum,
  type Tensor,
  tanh,
} from '@bptt/graph'
import fc from 'fast-check'
import { draw } from './compile-support.js'

/** What becomes of an input after a run: it has no next value, keeps its own, gets that of the next input, or a new one. */
type Fate = 'given' | 'stays' | 'turns' | 'learns'

/** A program that joins its inputs: `sizes` along the joined axis, each join by the positions of values, inputs and earlier joins. */
export interface Joining {
  readonly sizes: readonly number[]
  readonly fates: readonly Fate[]
  /** All other axes. */
  readonly before: readonly number[]
  readonly behind: readonly number[]
  readonly joins: readonly (readonly number[])[]
  /** Positions of values that are outputs too. */
  readonly seen: readonly number[]
}

const fates = fc.constantFrom<Fate>('given', 'stays', 'turns', 'learns')

/** All inputs have one fate in half of the programs, so that they can share a buffer. */
const fatesOf = (count: number): fc.Arbitrary<readonly Fate[]> =>
  fc.oneof(
    fates.map(fate => new Array<Fate>(count).fill(fate)),
    fc.array(fates, { minLength: count, maxLength: count }),
  )

export const joinings: fc.Arbitrary<Joining> = fc
  .array(fc.constantFrom(1, 2, 3, 5, 16, 0), { minLength: 2, maxLength: 5 })
  .chain(sizes => {
    const place = fc.nat(sizes.length - 1)
    const apart = fc.shuffledSubarray([...sizes.keys()], { minLength: 1 })
    const mixed = fc.array(fc.oneof(place, fc.nat(sizes.length)), { minLength: 1, maxLength: 4 })
    return fc.record({
      sizes: fc.constant(sizes),
      fates: fatesOf(sizes.length),
      before: fc.constantFrom([], [], [1], [1, 1], [2]),
      behind: fc.constantFrom([], [3], [1], [5], [2, 3]),
      joins: fc
        .tuple(apart, fc.array(fc.oneof(apart, mixed), { maxLength: 2 }))
        .map(([first, more]) => [first, ...more]),
      seen: fc.array(fc.nat(sizes.length), { maxLength: 2 }),
    })
  })

const shapeOf = ({ before, behind }: Joining, size: number): Shape => [...before, size, ...behind]

/** Inputs `p0`, `p1`, … and `f`, the summands of a factor, as many as `B`; next values `n0`, `n1`, … of those that are kept. */
export function joiningGraph(made: Joining): Graph {
  const { sizes, before, joins, seen } = made
  const axis = before.length
  const shapes = Object.fromEntries(sizes.map((size, i) => [`p${i}`, shapeOf(made, size)]))
  return graph({ ...shapes, f: ['B'] }, given => {
    const { f: all, ...inputs } = given as Record<string, Ref>
    const f = sum(all!)
    const values = Object.values(inputs)
    for (const join of joins)
      values.push(
        concat(
          join.map(i => values[i]!),
          { axis },
        ),
      )
    const moved = joins.map((_, i) => tanh(mul(values[sizes.length + i]!, f)) as Ref)
    const learned = (i: number): Ref => {
      const start = joins[0]!.slice(0, joins[0]!.indexOf(i)).reduce((at, k) => at + sizes[k]!, 0)
      const part = joins[0]!.includes(i) ? slice(moved[0]!, { axis, start, size: sizes[i]! }) : f
      return add(mul(values[i]!, 0.5), part) as Ref
    }
    const next = keptOf(made).map(({ input, from, fate }) => [
      `n${input}`,
      fate === 'learns' ? learned(input) : values[from]!,
    ])
    const outputs = seen.map((position, k) => [`seen${k}`, values[position]!])
    const sums = moved.map((ref, k) => [`sum${k}`, sum(ref)])
    return Object.fromEntries([...next, ...outputs, ...sums])
  }) as Graph
}

/** Inputs with a next value, and where it comes from: inputs that take turns have the same shape. */
function keptOf({ sizes, fates: all }: Joining): readonly { input: number; from: number; fate: Fate }[] {
  return all.flatMap((fate, input) => {
    const from = fate === 'turns' ? (input + 1) % sizes.length : input
    return fate === 'given' || sizes[from] !== sizes[input] ? [] : [{ input, from, fate }]
  })
}

/** Output name → input name. */
export const keepOf = (made: Joining): Readonly<Record<string, string>> =>
  Object.fromEntries(keptOf(made).map(({ input }) => [`n${input}`, `p${input}`]))

export const startOf = (made: Joining, seed: number): Readonly<Record<string, Tensor>> => ({
  ...Object.fromEntries(
    made.sizes.map((size, i) => [`p${i}`, draw(shapeOf(made, size) as readonly number[], seed + i)]),
  ),
  f: draw([1 + (seed % 2)], seed),
})

/** A program and what `evaluate` says it holds: both go on together. */
export class Twin {
  readonly #graph: Graph
  readonly #keep: readonly (readonly [output: string, input: string])[]
  #state: Record<string, Tensor>
  #made: Record<string, Tensor> = {}
  #open = false
  /** False after a write: outputs may be looks at inputs. */
  #fresh = false

  constructor(graph: Graph, keep: Readonly<Record<string, string>>, start: Readonly<Record<string, Tensor>>) {
    this.#graph = graph
    this.#keep = Object.entries(keep)
    this.#state = { ...start }
  }

  write(name: string, value: Tensor): void {
    this.#state[name] = value
    this.#fresh = false
  }

  run(): void {
    this.#made = evaluate(this.#graph, this.#state as never) as Record<string, Tensor>
    this.#open = true
    this.#fresh = true
  }

  /** What is handed on as it is stays: a value written since the run too. */
  commit(): void {
    const value = (ports: Graph['inputs'], name: string): number =>
      ports.find(port => port.name === name)!.value
    const { inputs, outputs } = this.#graph
    for (const [output, input] of this.#open ? this.#keep : [])
      if (value(outputs, output) !== value(inputs, input)) this.#state[input] = this.#made[output]!
    this.#open = false
  }

  /** Inputs, outputs that are not kept, and next values: as the program has them, and as they should be. */
  compare(program: Program): readonly [found: readonly Tensor[], expected: readonly Tensor[]] {
    const kept = new Map(this.#keep)
    const inputs = this.#graph.inputs.map(({ name }) => name)
    const names = this.#graph.outputs.map(({ name }) => name)
    const outputs = this.#fresh ? names.filter(name => !kept.has(name)) : []
    const next = this.#fresh && this.#open ? this.#keep : []
    const seen = (name: string): Tensor => {
      const { shape } = this.#made[name]!
      return { shape, data: Float64Array.from(program.view(name)) }
    }
    return [
      [...inputs.map(program.read), ...outputs.map(seen), ...next.map(([, input]) => program.next(input))],
      [
        ...inputs.map(name => this.#state[name]!),
        ...outputs.map(name => this.#made[name]!),
        ...next.map(([output]) => this.#made[output]!),
      ],
    ]
  }
}
