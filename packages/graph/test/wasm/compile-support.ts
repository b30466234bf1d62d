import { type CompileOptions, compile, evaluate, type Graph, type Tensor } from '@bptt/graph'
import { drawTensor, randomFrom } from '../../src/laws/random.js'

type Tensors = readonly Tensor[]

/** Values for a graph's inputs, in their order. */
export function valuesOf({ inputs }: Graph, given: Tensors): never {
  return Object.fromEntries(inputs.map(({ name }, i) => [name, given[i]!])) as never
}

/** Outputs of a run, in the order of the graph. */
export function listOf({ outputs }: Graph, tree: unknown): Tensors {
  return outputs.map(({ name }) => {
    if (name === '') return tree as Tensor
    return name.split('.').reduce((at, part) => (at as Record<string, unknown>)[part], tree) as Tensor
  })
}

/** What `evaluate` gives, in the order of the graph's outputs. */
export function reference(graph: Graph, given: Tensors): Tensors {
  return listOf(graph, evaluate(graph, valuesOf(graph, given)))
}

/** What a program of the graph gives for these inputs, in the order of the graph's outputs; float64 where not said. */
export function compiled(graph: Graph, given: Tensors, options: CompileOptions = {}): Tensors {
  return listOf(graph, compile(graph, { dtype: 'float64', ...options }).run(valuesOf(graph, given)))
}

/**
 * The largest difference of two lists of tensors, relative to the largest magnitude of each and to 1; ∞ where shapes
 * differ or where one is not finite and the other is something else.
 */
export function apart(found: Tensors, expected: Tensors): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY
  return Math.max(0, ...found.map((value, i) => distance(value, expected[i]!)))
}

function distance(a: Tensor, b: Tensor): number {
  if (String(a.shape) !== String(b.shape)) return Number.POSITIVE_INFINITY
  const size = b.data.reduce((top, x) => (Number.isFinite(x) ? Math.max(top, Math.abs(x)) : top), 1)
  return a.data.reduce((worst, x, i) => {
    const y = b.data[i]!
    if (Object.is(x, y) || x === y) return worst
    return Number.isFinite(x) && Number.isFinite(y)
      ? Math.max(worst, Math.abs(x - y) / size)
      : Number.POSITIVE_INFINITY
  }, 0)
}

/** The bits of every number. */
export function bits(values: Tensors): readonly (readonly bigint[])[] {
  return values.map(({ data }) => [...new BigInt64Array(data.slice().buffer)])
}

/** A tensor of random numbers, the same for the same seed. */
export const draw = (shape: readonly number[], seed: number): Tensor => drawTensor(randomFrom(seed), shape)
