import {
  add,
  concat,
  contract,
  expand,
  flip,
  type Graph,
  gather,
  graph,
  maxOver,
  mul,
  pad,
  permute,
  type Ref,
  reshape,
  type Shape,
  scan,
  scatterAdd,
  slice,
  split,
  sum,
  type Tensor,
  tanh,
  tensor,
} from '@bptt/graph'
import { sumTo } from '@bptt/graph/op'
import fc from 'fast-check'
import { drawTensor, randomFrom } from '../../src/laws/random.js'
import { print } from '../../src/print.js'
import { broadcast, broadcastsTo, sameShape } from '../../src/shape.js'

/** A program about memory: looks at looks, parts of parts, reductions, products, loops with odd carries. */
export interface LayoutProgram {
  readonly graph: Graph
  /** Inputs for a length of the axis T. */
  readonly inputs: (T: number) => readonly Tensor[]
}

/** Choices, taken from a list of numbers in turn. */
class Choices {
  readonly #codes: readonly number[]
  #at = 0

  constructor(codes: readonly number[]) {
    this.#codes = codes
  }

  get left(): number {
    return this.#codes.length - this.#at
  }

  below(n: number): number {
    return (this.#codes[this.#at++] ?? 0) % n
  }

  of<V>(values: readonly V[]): V {
    return values[this.below(values.length)]!
  }

  shuffled<V>(values: readonly V[]): readonly V[] {
    const left = [...values]
    return values.map(() => left.splice(this.below(left.length), 1)[0]!)
  }
}

const inputShapes: readonly Shape[] = [
  ['T', 5],
  ['T', 2, 3],
  ['T'],
  [5],
  [3, 4],
  [9, 2],
  [4, 4],
  [17],
  [1, 3],
  [],
]

/** Random programs that are all about where values lie. */
export function arbitraryLayout({ max = true } = {}): fc.Arbitrary<LayoutProgram> {
  return fc.array(fc.nat(997), { minLength: 4, maxLength: 120, size: 'max' }).map(codes => {
    const made = layoutGraph(new Choices(codes), max)
    const inputs = (T: number): readonly Tensor[] =>
      made.inputs.map(({ value }, i) =>
        drawTensor(
          randomFrom(i),
          made.shapes[value]!.map(dim => (typeof dim === 'string' ? T : dim)),
        ),
      )
    return Object.defineProperty({ graph: made, inputs }, fc.toStringMethod, {
      value: () => print(made),
      enumerable: false,
    })
  })
}

function layoutGraph(choices: Choices, max: boolean): Graph {
  const shapes = Object.fromEntries(
    Array.from({ length: 2 + choices.below(3) }, (_, i) => [`x${i}`, choices.of(inputShapes)]),
  )
  return graph(shapes, refs => {
    const pool = Object.values(refs) as Ref[]
    const outputs = 1 + choices.below(4)
    grow(pool, choices, max, 2)
    const kept = Array.from({ length: outputs }, () => near(pool, choices))
    const loss = [...kept, pool.at(-1)!].map(ref => sum(tanh(ref))).reduce((a, b) => add(a, b) as Ref<[]>)
    return { loss, ...Object.fromEntries(kept.map((ref, i) => [`y${i}`, ref])) }
  }) as Graph
}

/** A value, often one of the latest. */
const near = (pool: readonly Ref[], choices: Choices): Ref =>
  pool[Math.max(0, pool.length - 1 - choices.below(Math.min(pool.length, 6)))]!

function grow(pool: Ref[], choices: Choices, max: boolean, depth: number, until = 0): void {
  while (choices.left > until) {
    if (depth > 0 && choices.below(4) === 0) pool.push(...loop(pool, choices, max, depth))
    else {
      const made = choices.of(steps)(near(pool, choices), choices, pool, max)
      if (made !== undefined && elements(made.shape) <= 300) pool.push(made)
    }
  }
}

const elements = (shape: Shape): number =>
  shape.reduce<number>((size, dim) => size * (typeof dim === 'string' ? 4 : dim), 1)

type Step = (x: Ref, choices: Choices, pool: readonly Ref[], max: boolean) => Ref | undefined

/** An axis of fixed length, and the length. */
function fixedAxis(x: Ref, choices: Choices): readonly [axis: number, length: number] | undefined {
  const found = x.shape.flatMap((dim, axis) => (typeof dim === 'number' ? [[axis, dim] as const] : []))
  return found.length === 0 ? undefined : choices.of(found)
}

const steps: readonly Step[] = [
  x => tanh(x) as Ref,
  (x, choices, pool) => join(x, choices, pool, add),
  (x, choices, pool) => join(x, choices, pool, mul),
  (x, choices) => {
    return permute(x, { axes: choices.shuffled(x.shape.map((_, i) => i)) })
  },
  (x, choices) => {
    const [axis, length] = fixedAxis(x, choices) ?? []
    if (axis === undefined || length === undefined) return undefined
    const start = choices.below(length)
    return slice(x, { axis, start, size: 1 + choices.below(length - start) })
  },
  (x, choices) => {
    const [axis, length] = fixedAxis(x, choices) ?? []
    if (axis === undefined || length === undefined) return undefined
    const start = choices.below(3)
    return pad(x, { axis, start, length: start + length + choices.below(3) })
  },
  (x, choices) => reshaped(x, choices),
  (x, choices) => {
    const shape = x.shape.map(dim => (dim === 1 ? 1 + choices.below(3) : dim))
    return expand(x, { shape: choices.below(2) === 0 ? [2, ...shape] : shape })
  },
  (x, choices, pool) => {
    const [axis] = fixedAxis(x, choices) ?? []
    if (axis === undefined) return undefined
    const others = pool.filter(
      ({ shape }) =>
        shape.length === x.shape.length &&
        shape.every((dim, i) => (i === axis ? typeof dim === 'number' : dim === x.shape[i])),
    )
    return concat([x, choices.of(others), choices.of(others)].slice(choices.below(2)), { axis })
  },
  (x, choices) => {
    const axis = x.shape.map((_, i) => i).filter(() => choices.below(2) === 0)
    return sum(x, { axis, keepDims: choices.below(2) === 0 })
  },
  (x, choices, _pool, max) => {
    const axis = x.shape.flatMap((dim, i) => (dim !== 'T' && choices.below(2) === 0 ? [i] : []))
    return max ? maxOver(x, { axis, keepDims: choices.below(2) === 0 }) : undefined
  },
  product,
  product,
  product,
  (x, choices) => {
    const rows = x.shape[0]
    const ids = { shape: [3], data: Float64Array.from([0, 1, 2], () => choices.below(Number(rows) || 1)) }
    return typeof rows === 'number' ? gather(x, x.builder.constant(tensor(ids))) : undefined
  },
  (x, choices) => {
    const count = x.shape[0]
    if (typeof count !== 'number') return undefined
    const ids = { shape: [count], data: new Float64Array(count).map(() => choices.below(3)) }
    return scatterAdd(x, x.builder.constant(tensor(ids)), { rows: 3 })
  },
  (x, choices) => {
    const [axis, length] = fixedAxis(x, choices) ?? []
    if (axis === undefined || length === undefined) return undefined
    const first = choices.below(length)
    return (split(x, { axis, parts: [first, length - first] }) as unknown as Ref[])[1]
  },
  (x, choices) => flip(x, { axes: x.shape.map((_, i) => i).filter(() => choices.below(2) === 0) }) as Ref,
]

function join(x: Ref, choices: Choices, pool: readonly Ref[], op: typeof add): Ref {
  const others = pool.filter(({ shape }) => broadcast(shape, x.shape) !== undefined)
  return op(x, choices.of(others)) as Ref
}

function reshaped(x: Ref, choices: Choices): Ref {
  const at = choices.below(x.shape.length + 1)
  const [a, b] = [x.shape[at], x.shape[at + 1]]
  const [before, after] = [x.shape.slice(0, at), x.shape.slice(at + 1)]
  const way = choices.below(3)
  if (way === 0 && typeof a === 'number' && typeof b === 'number')
    return reshape(x, { shape: [...before, a * b, ...x.shape.slice(at + 2)] })
  if (way === 1 && typeof a === 'number' && a % 2 === 0)
    return reshape(x, { shape: [...before, a / 2, 2, ...after] })
  return reshape(x, { shape: [...before, 1, ...x.shape.slice(at)] })
}

/** A product of two values in any letters: axes of equal length may be summed, kept as batch, or kept apart. */
function product(x: Ref, choices: Choices, pool: readonly Ref[]): Ref | undefined {
  const y = near(pool, choices)
  if (x.shape.length > 3 || y.shape.length > 3) return undefined
  const first = [...'abc'.slice(0, x.shape.length)]
  const free = new Set(first)
  const second = y.shape.map((dim, i) => {
    const same = [...free].filter(letter => x.shape[first.indexOf(letter)] === dim)
    if (same.length === 0 || choices.below(3) === 0) return 'def'[i]!
    const letter = choices.of(same)
    free.delete(letter)
    return letter
  })
  const all = [...new Set([...first, ...second])]
  const kept = all.filter(
    letter => !(first.includes(letter) && second.includes(letter)) || choices.below(3) === 0,
  )
  const out = choices.shuffled(kept)
  const made = contract(x, y, { spec: `${first.join('')},${second.join('')}->${out.join('')}` })
  return mul(made, 0.25) as Ref
}

/** A value summed or repeated to a shape. */
function adapted(value: Ref, shape: Shape): Ref {
  if (sameShape(value.shape, shape)) return value
  if (broadcastsTo(value.shape, shape)) return expand(value, { shape }) as Ref
  if (broadcastsTo(shape, value.shape)) return sumTo(value, { shape }) as Ref
  return expand(sum(value), { shape }) as Ref
}

/** A loop whose carries are squashed, summed up, exchanged, handed on as they are, or replaced by something known outside. */
function loop(pool: readonly Ref[], choices: Choices, max: boolean, depth: number): readonly Ref[] {
  const inner = Math.max(...pool.map(({ builder }) => builder.depth))
  const own = pool.filter(({ builder }) => builder.depth === inner)
  const sequences = pool.filter(({ shape }) => shape.length > 0 && elements(shape) > 0)
  const first = sequences.length === 0 ? undefined : near(sequences, choices)
  const length = first?.shape[0] ?? 3
  const xs = sequences.filter(({ shape }) => shape[0] === length).slice(-choices.below(3) - 1)
  const starts = Array.from({ length: choices.below(4) }, () => near(own, choices))
  const carry = Object.fromEntries(
    (starts.length === 0 && xs.length === 0 ? own.slice(-1) : starts).map((ref, i) => [`c${i}`, ref]),
  )
  const [end, stacked] = scan(
    ((old: Record<string, Ref>, x: Record<string, Ref>) => {
      const carried = Object.entries(old)
      const inside = [...pool, ...Object.values(x), ...Object.values(old)]
      grow(inside, choices, max, depth - 1, Math.max(0, choices.left - 6 - choices.below(30)))
      const next = carried.map(
        ([name, ref]) => [name, nextCarry(ref, Object.values(old), inside, choices)] as const,
      )
      const ys = [...inside, ...next.map(([, ref]) => ref)]
      const y = Object.fromEntries(
        Array.from({ length: choices.below(3) + 1 }, (_, i) => [`y${i}`, near(ys, choices)]),
      )
      return [Object.fromEntries(next), y]
    }) as never,
    {
      carry,
      xs: Object.fromEntries(xs.map((ref, i) => [`s${i}`, ref])),
      length,
      reverse: choices.below(2) === 1,
    } as never,
  ) as unknown as readonly [Record<string, Ref>, Record<string, Ref>]
  return [...Object.values(end), ...Object.values(stacked)].filter(({ shape }) => elements(shape) <= 300)
}

function nextCarry(own: Ref, carries: readonly Ref[], inside: readonly Ref[], choices: Choices): Ref {
  const value = adapted(near(inside, choices), own.shape)
  const alike = carries.filter(({ shape }) => sameShape(shape, own.shape))
  const way = choices.below(6)
  if (way === 0) return choices.of(alike)
  if (way === 1) return value
  if (way === 2) return add(own, value) as Ref
  if (way === 3) return add(add(value, own), adapted(near(inside, choices), own.shape)) as Ref
  if (way === 4) return add(own, add(value, adapted(near(inside, choices), own.shape))) as Ref
  return tanh(add(mul(own, 0.5), value)) as Ref
}
