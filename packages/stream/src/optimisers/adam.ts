import { add, div, exp, max, mul, type Ref, sqrt, square, sub, type Tree } from '@bptt/graph'
import { branch, type Optimizer, type UpdateSite, zip } from '../optimiser.js'
import { checkRate, type Rate, rateNow } from './rate.js'
import { alike, blend, checkAmount, checkUnit, decayed, textOf } from './settings.js'

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
  /** Divides by the largest v so far [reddi2018], in PyTorch's form: before its bias is corrected. */
  readonly amsgrad?: boolean
}

const USUAL = { b1: 0.9, b2: 0.999, eps: 1e-8, amsgrad: false }

/**
 * Adam [kingma-ba2015]: m ← b₁ m + (1 − b₁) g, v ← b₂ v + (1 − b₂) g²,
 * p ← p − lr/(1 − b₁ˢ) · m / (√v/√(1 − b₂ˢ) + eps), s counting updates from 1. PyTorch's conventions.
 * @throws GraphError `bad-setting`.
 * @category Start here
 */
export function adam(lr: Rate, options: AdamOptions = {}): Optimizer {
  const { weightDecay = 0 } = options
  checkAmount('adam', 'weightDecay', weightDecay)
  return adamLike('adam', lr, { ...options, weightDecay }, 0, (g, { params }) =>
    decayed(g, params, weightDecay),
  )
}

/**
 * Adam with decoupled weight decay [loshchilov-hutter2019]: p ← p (1 − lr λ) first, then Adam's step. Default λ = 0.01.
 * @throws GraphError `bad-setting`.
 * @category Start here
 */
export function adamw(lr: Rate, { weightDecay = 0.01, ...options }: AdamOptions = {}): Optimizer {
  checkAmount('adamw', 'weightDecay', weightDecay)
  const inner = adamLike('adamw', lr, { ...options, weightDecay }, 0.01, g => g)
  return {
    ...inner,
    update(gradients, site) {
      const { down } = rateNow(lr, site.count)
      const made = inner.update(gradients, site)
      const updates = zip([made.updates, site.params], (u, p) => add(u, mul(mul(p, weightDecay), down)))
      return { ...made, updates }
    },
  }
}

function adamLike(
  name: string,
  lr: Rate,
  options: AdamOptions & { readonly weightDecay: number },
  usualDecay: number,
  regularise: (gradients: Tree<Ref>, site: UpdateSite) => Tree<Ref>,
): Optimizer {
  const { b1 = 0.9, b2 = 0.999, eps = 1e-8, amsgrad = false, weightDecay } = options
  checkRate(name, lr)
  checkUnit(name, 'b1', b1)
  checkUnit(name, 'b2', b2)
  checkAmount(name, 'eps', eps)
  const kinds = amsgrad ? ['m', 'v', 'top'] : ['m', 'v']
  return {
    text: textOf(name, lr, { b1, b2, eps, weightDecay, amsgrad }, { ...USUAL, weightDecay: usualDecay }),
    slots: params => Object.fromEntries(kinds.map(kind => [kind, alike(params)])),
    update(gradients, site) {
      const g = regularise(gradients, site)
      const { down, reports } = rateNow(lr, site.count)
      const m = zip([branch(site.slots, 'm'), g], (mean, now) => blend(mean, now, b1))
      const v = zip([branch(site.slots, 'v'), g], (mean, now) => blend(mean, square(now), b2))
      const top = amsgrad ? { top: zip([branch(site.slots, 'top'), v], (old, now) => max(old, now)) } : {}
      const s = add(site.count, 1)
      const rate = div(down, sub(1, power(b1, s)))
      const scale = div(1, sqrt(sub(1, power(b2, s)))) // a number: elements are multiplied, which is faster than divided
      const updates = zip([m, top.top ?? v], (mean, squares) =>
        mul(rate, div(mean, add(mul(sqrt(squares), scale), eps))),
      )
      return { updates, slots: { m, v, ...top }, reports }
    },
  }
}

/** bˢ for b in [0, 1) and s ≥ 1, as e^(s ln b): a browser would load a logarithm for the derivative of `pow`. */
const power = (b: number, s: Ref): Ref => (b === 0 ? mul(s, 0) : exp(mul(s, Math.log(b))))
