import { GraphError, grow, isRef, leaves, type Ref, type Shape, type Tensor, type Tree } from '@bptt/graph'

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
  /**
   * Scalars worth reporting, by name. Known are `clip`, below 1 where clipping changed a gradient; `norm`, that of the gradients
   * before clipping; `rate`, the learning rate where a schedule makes it.
   */
  readonly reports?: Reports
}

/** Scalars by name. */
export type Reports = Readonly<Record<string, Ref>>

/**
 * A gradient transformation in the shape of optax: pure, written in ops, compiled into the training step.
 * `update` gets gradients (or what an earlier link of a `chain` made of them), shaped like the parameters.
 */
export interface Optimizer {
  readonly text: string
  /** True for a link that makes no step: what it returns is a gradient still, and adding it would go uphill. */
  readonly uphill?: boolean
  /** Shapes of the slots it keeps between updates, all zero at the start. */
  readonly slots: (params: Tree<Shape>) => Tree<Shape>
  /** Updates to add to the parameters, for these gradients. */
  readonly update: (gradients: Tree<Ref>, site: UpdateSite) => Update
  /** The averaged parameters in its slots, where it keeps any; the given ones where none are averaged yet. */
  readonly average?: (slots: Tree<Tensor>, params: Tree<Tensor>) => Tree<Tensor>
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

/** A branch of slots; a graph has no empty ones, so it may be missing. */
export function branch<T>(slots: Tree<T>, name: string): Tree<T> {
  return (slots as Readonly<Record<string, Tree<T>>>)[name] ?? {}
}

/** @throws GraphError `no-step` where an optimiser would add gradients to the parameters as they are. */
export function checkStep(where: string, { text, uphill = false }: Optimizer): void {
  if (!uphill) return
  throw new GraphError(
    'no-step',
    where,
    `${text} only changes gradients; it needs a step after it`,
    `chain(${text.replaceAll(' → ', ', ')}, adam(1e-3))`,
  )
}
