import {
  evaluate,
  filled,
  type Graph,
  grow,
  isShape,
  isTensor,
  leaves,
  type Shape,
  type Tensor,
  type Tree,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import {
  type Cell,
  coin,
  elman,
  gru,
  linearNet,
  lstm,
  type Schedule,
  stack,
  withEmbedding,
  withReadout,
} from '../src/index.js'

/** Numbers in (−scale, scale) that depend on the seed alone. */
export function random(shape: readonly number[], seed: number, scale = 1): Tensor {
  const out = filled(shape, 0)
  out.data.forEach((_, i) => {
    out.data[i] = (2 * coin(seed, 99, i) - 1) * scale
  })
  return out
}

/** A random tensor for every shape, with further axes in front. */
export function randomTree(shapes: Tree<Shape>, seed: number, front: readonly number[] = []): Tree<Tensor> {
  return grow(
    leaves(shapes, isShape, 'test').map(
      ([name, shape], i) => [name, random([...front, ...(shape as number[])], seed * 31 + i)] as const,
    ),
  )
}

/** The inputs of a cell's timeline with a loss, [steps] or [steps, batch] rows of it, all random; symbols in [0, 5) where it reads some. */
export function sequence(
  cell: Cell,
  rows: readonly number[],
  seed = 1,
): {
  readonly params: Tree<Tensor>
  readonly carry: Tree<Tensor>
  readonly xs: Tensor
  readonly targets: Tensor
} {
  return {
    params: randomTree(cell.params, seed),
    carry: randomTree(cell.carry, seed + 1, rows.slice(1)),
    xs:
      cell.input.length === 0
        ? symbols(rows, seed + 2)
        : random([...rows, ...(cell.input as number[])], seed + 2),
    targets: random([...rows, ...(cell.output as number[])], seed + 3),
  }
}

function symbols(rows: readonly number[], seed: number): Tensor {
  const { shape, data } = random(rows, seed)
  return { shape, data: data.map(x => Math.floor((x + 1) * 2.5)) }
}

/** Every number of a tree, by dotted name. */
export function numbers(tree: unknown): Map<string, Float64Array> {
  return new Map(leaves(tree as Tree<Tensor>, isTensor, 'test').map(([name, { data }]) => [name, data]))
}

/** The largest difference of same-named numbers, relative to the largest of their leaf and to 1. */
export function difference(a: unknown, b: unknown): number {
  const [left, right] = [numbers(a), numbers(b)]
  if ([...left.keys()].join() !== [...right.keys()].join()) return Number.POSITIVE_INFINITY
  let worst = 0
  for (const [name, values] of left) {
    const others = right.get(name)!
    if (others.length !== values.length) return Number.POSITIVE_INFINITY
    const size = Math.max(1, ...others.map(Math.abs))
    values.forEach((value, i) => {
      const apart = Math.abs(value - others[i]!) / size
      worst = Math.max(worst, apart) // NaN stays
    })
  }
  return worst
}

/** Σ wᵢ treeᵢ, leaf by leaf. */
export function combine(terms: readonly (readonly [weight: number, tree: unknown])[]): Tree<Tensor> {
  const trees = terms.map(([weight, tree]) => [weight, numbers(tree)] as const)
  return grow(
    [...trees[0]![1]].map(([name, first]) => {
      const out = filled([first.length], 0)
      for (const [weight, tree] of trees)
        out.data.forEach((_, i) => {
          out.data[i]! += weight * tree.get(name)![i]!
        })
      return [name, out] as const
    }),
  )
}

/** The outputs of a timeline's graph, with the gradients of its loss. */
export function slopes(graph: Graph, by: readonly string[], values: unknown): Record<string, unknown> {
  return evaluate(valueAndGradient(graph, { of: 'loss', by }), values as Values) as Record<string, unknown>
}

/** A pattern of cuts with its probability. */
export interface Pattern {
  readonly probability: number
  readonly weights: readonly number[]
}

/** All 2^edges patterns of cuts with hazard c(age, t), and the weights that repay them; without `repaid`, 0 and 1. */
export function patterns(edges: number, c: (age: number, t: number) => number, repaid = true): Pattern[] {
  return Array.from({ length: 2 ** edges }, (_, bits) => {
    let [probability, age] = [1, 1]
    const weights = Array.from({ length: edges }, (_, i) => {
      const hazard = c(age, i + 1)
      const cut = ((bits >> (edges - 1 - i)) & 1) === 1
      probability *= cut ? hazard : 1 - hazard
      age = cut ? 1 : age + 1
      return cut ? 0 : repaid ? 1 / (1 - hazard) : 1
    })
    return { probability, weights }
  })
}

/** The chance of a cut that a schedule gives an age, read off the weight of an edge that it does not cut. */
export function hazardOf(schedule: Schedule, age: number): number {
  for (let t = 1; t < 1000; t++) {
    const weight = schedule.weight({ t, age, stream: 0 })
    if (weight !== 0) return 1 - 1 / weight
  }
  throw new Error(`${schedule.text} cuts every edge`)
}

/** Cells of every kind, by name, for inputs and hidden units of these sizes. */
export const kinds: Readonly<Record<string, (inputs: number, hidden: number) => Cell>> = {
  linear: (inputs, hidden) => linearNet({ inputs, hidden, outputs: 2 }),
  elman: (inputs, hidden) => elman({ inputs, hidden }),
  gru: (inputs, hidden) => gru({ inputs, hidden }),
  lstm: (inputs, hidden) => lstm({ inputs, hidden }),
  stacked: (inputs, hidden) => stack([gru({ inputs, hidden: 2 }), lstm({ inputs: 2, hidden })]),
  embedded: (inputs, hidden) => withEmbedding(elman({ inputs, hidden }), { symbols: 5 }),
  readout: (inputs, hidden) => withReadout(lstm({ inputs, hidden }), { outputs: 3 }),
}

/** What `make` throws, as `[code, message]`. */
export function failure(make: () => unknown): [string, string] {
  try {
    make()
  } catch (error) {
    const { code, message } = error as { code: string; message: string }
    return [code, message]
  }
  throw new Error('nothing was thrown')
}
