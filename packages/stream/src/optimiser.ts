import { grow, isRef, leaves, type Ref, type Shape, type Tree } from '@bptt/graph'

/** What an optimiser may read, as values of the training-step graph. */
export interface UpdateSite {
  readonly params: Tree<Ref>
  /** Its own slots, as `slots` declared them. */
  readonly slots: Tree<Ref>
  /** Updates made so far: 0 at the first. */
  readonly count: Ref
}

/** Updates to add to the parameters, and the slots for the next update. */
export interface Update {
  readonly updates: Tree<Ref>
  readonly slots: Tree<Ref>
  /** Scalars worth reporting, by name. */
  readonly reports?: Readonly<Record<string, Ref>>
}

/**
 * A gradient transformation in the shape of optax: pure, written in ops, compiled into the training step.
 * `update` gets gradients (or what an earlier link of a `chain` made of them), shaped like the parameters.
 */
export interface Optimizer {
  readonly text: string
  /** Shapes of the slots it keeps between updates, all zero at the start. */
  readonly slots: (params: Tree<Shape>) => Tree<Shape>
  /** Updates to add to the parameters, for these gradients. */
  readonly update: (gradients: Tree<Ref>, site: UpdateSite) => Update
}

/** No slots. */
export const NO_SLOTS: Tree<never> = {}

/** Same-named leaves of several trees, combined. All trees have the names of the first. */
export function zip(trees: readonly Tree<Ref>[], combine: (...values: Ref[]) => Ref): Tree<Ref> {
  const [first, ...rest] = trees.map(tree => leaves(tree, isRef, 'optimiser'))
  const others = rest.map(found => new Map(found))
  return grow(
    first!.map(([name, ref]) => [name, combine(ref, ...others.map(other => other.get(name)!))] as const),
  )
}
