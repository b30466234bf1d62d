import { add, div, isShape, mapTree, mul, pow, type Ref, sqrt, square, sub, type Tree } from '@bptt/graph'
import { type Optimizer, type UpdateSite, zip } from '../optimiser.js'
import { checkAmount, checkRate, checkUnit, decayed } from './settings.js'

/** Settings of Adam; the defaults are the paper's. */
export interface AdamOptions {
  /** Decay of the mean of gradients, in [0, 1). */
  readonly b1?: number
  /** Decay of the mean of squared gradients, in [0, 1). */
  readonly b2?: number
  /** Added to the root of the mean of squares; > 0 keeps the first steps finite. */
  readonly eps?: number
  /** λ ≥ 0: in `adam` added to the gradient (L2), in `adamw` subtracted from the parameter. */
  readonly weightDecay?: number
}

/**
 * Adam [kingma-ba2015]: m ← b₁ m + (1 − b₁) g, v ← b₂ v + (1 − b₂) g²,
 * p ← p − lr/(1 − b₁ˢ) · m / (√v/√(1 − b₂ˢ) + eps), s counting updates from 1. PyTorch's conventions.
 * @throws GraphError `bad-setting`.
 */
export function adam(lr: number, options: AdamOptions = {}): Optimizer {
  const { weightDecay = 0 } = options
  checkAmount('adam', 'weightDecay', weightDecay)
  return adamLike('adam', lr, options, (g, { params }) => decayed(g, params, weightDecay))
}

/**
 * Adam with decoupled weight decay [loshchilov-hutter2019]: p ← p (1 − lr λ) first, then Adam's step. Default λ = 0.01.
 * @throws GraphError `bad-setting`.
 */
export function adamw(lr: number, { weightDecay = 0.01, ...options }: AdamOptions = {}): Optimizer {
  checkAmount('adamw', 'weightDecay', weightDecay)
  const inner = adamLike('adamw', lr, options, g => g)
  return {
    ...inner,
    update(gradients, site) {
      const { updates, slots } = inner.update(gradients, site)
      return { updates: zip([updates, site.params], (u, p) => add(u, mul(p, -lr * weightDecay))), slots }
    },
  }
}

interface Moments {
  readonly m: Tree<Ref>
  readonly v: Tree<Ref>
}

function adamLike(
  name: string,
  lr: number,
  { b1 = 0.9, b2 = 0.999, eps = 1e-8 }: AdamOptions,
  regularise: (gradients: Tree<Ref>, site: UpdateSite) => Tree<Ref>,
): Optimizer {
  checkRate(name, lr)
  checkUnit(name, 'b1', b1)
  checkUnit(name, 'b2', b2)
  checkAmount(name, 'eps', eps)
  return {
    text: `${name}(${lr})`,
    slots: params => ({
      m: mapTree(params, isShape, shape => shape),
      v: mapTree(params, isShape, shape => shape),
    }),
    update(gradients, site) {
      const g = regularise(gradients, site)
      const { m: oldM, v: oldV } = site.slots as unknown as Moments
      const m = zip([oldM, g], (mean, now) => add(mul(mean, b1), mul(now, 1 - b1)))
      const v = zip([oldV, g], (mean, now) => add(mul(mean, b2), mul(square(now), 1 - b2)))
      const s = add(site.count, 1)
      const rate = div(-lr, sub(1, pow(b1, s)))
      const scale = sqrt(sub(1, pow(b2, s)))
      const updates = zip([m, v], (mean, squares) =>
        mul(rate, div(mean, add(div(sqrt(squares), scale), eps))),
      )
      return { updates, slots: { m, v } }
    },
  }
}
