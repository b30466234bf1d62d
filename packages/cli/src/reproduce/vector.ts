import { isTensor, leaves, type Tree } from '@bptt/graph'

/** All numbers of a tree of tensors, one after the other. */
export function flat(tree: unknown): readonly number[] {
  return leaves(tree as Tree<never>, isTensor, 'tree').flatMap(([, { data }]) => [...data])
}

/** Σ aᵢ bᵢ. */
function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0)
}

/** √ Σ aᵢ². */
export function length(a: readonly number[]): number {
  return Math.sqrt(dot(a, a))
}

/** The cosine of the angle between two vectors. */
export function cosine(a: readonly number[], b: readonly number[]): number {
  return dot(a, b) / (length(a) * length(b))
}

/** |a − b| / |b|. */
export function difference(a: readonly number[], b: readonly number[]): number {
  return length(a.map((value, i) => value - b[i]!)) / length(b)
}

/** Σ wₖ vₖ, the vectors of one length. */
export function weighted(
  terms: readonly (readonly [weight: number, vector: readonly number[]])[],
): readonly number[] {
  const [, first = []] = terms[0] ?? []
  return first.map((_, i) => terms.reduce((sum, [weight, vector]) => sum + weight * vector[i]!, 0))
}
