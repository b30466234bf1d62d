import { filled, grow, isTensor, leaves, sizeOf, type Tensor, type Tree } from '@bptt/graph'

/** Leaves of a tree of tensors, by dotted name. */
export function tensorsOf(tree: unknown, where = 'tree'): ReadonlyMap<string, Tensor> {
  return new Map(tree === undefined ? [] : leaves<Tensor>(tree as Tree<Tensor>, isTensor, where))
}

/** Σ wᵢ treeᵢ, leaf by leaf; trees have the same leaves. */
export function combined(
  terms: readonly (readonly [weight: number, tree: ReadonlyMap<string, Tensor>])[],
): ReadonlyMap<string, Tensor> {
  const [first] = terms
  if (first === undefined) return new Map()
  return new Map(
    [...first[1]].map(([name, { shape }]) => {
      const out = filled(shape, 0)
      for (const [weight, tree] of terms) {
        const { data } = tree.get(name)!
        for (let i = 0; i < data.length; i++) out.data[i]! += weight * data[i]!
      }
      return [name, out] as const
    }),
  )
}

/** Σ aᵢ bᵢ over all numbers of two trees with the same leaves. */
export function inner(a: ReadonlyMap<string, Tensor>, b: ReadonlyMap<string, Tensor>): number {
  let total = 0
  for (const [name, { data }] of a) {
    const other = b.get(name)!.data
    for (let i = 0; i < data.length; i++) total += data[i]! * other[i]!
  }
  return total
}

/** Leaves with these names as a tree; undefined where there is none. */
export function treeOf(found: ReadonlyMap<string, Tensor>): Tree<Tensor> | undefined {
  return found.size === 0 ? undefined : grow([...found])
}

/** Rows `start` to `end` (not included) of the first axis. */
export function rowsOf({ shape, data }: Tensor, start: number, end: number): Tensor {
  const size = sizeOf(shape.slice(1))
  return { shape: [end - start, ...shape.slice(1)], data: data.slice(start * size, end * size) }
}

/** Leaves under a name, without it; the leaf of that very name is ''. */
export function under(found: ReadonlyMap<string, Tensor>, prefix: string): ReadonlyMap<string, Tensor> {
  return new Map(
    [...found].flatMap(([name, tensor]) => {
      if (name === prefix) return [['', tensor] as const]
      return name.startsWith(`${prefix}.`) ? [[name.slice(prefix.length + 1), tensor] as const] : []
    }),
  )
}
