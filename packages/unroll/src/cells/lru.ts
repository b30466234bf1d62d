import { add, cos, exp, expm1, linear, mul, neg, type Ref, sin, sqrt, sub } from '@bptt/graph'
import { type Cell, cell } from '../cell.js'
import { type Initialiser, normal } from '../initialise.js'
import { checkSetting } from './setting.js'

/** Sizes and settings of a linear recurrent unit. */
export interface LruOptions {
  readonly inputs: number
  /** Complex states. */
  readonly hidden: number
  readonly outputs: number
  /** |λ| starts in [rmin, rmax], 0 ≤ rmin < rmax ≤ 1; [0, 1] by default. Near 1 for long memory. */
  readonly rmin?: number
  readonly rmax?: number
  /** The angle of λ starts in (0, phase), in radians; 2π by default. */
  readonly phase?: number
}

/**
 * Linear recurrent unit: a diagonal complex recurrence, in real arithmetic [orvieto2023].
 *
 * h' = λ h + γ B x, y = Re(C h') + D x, with λ = exp(−exp(ν) + i exp(θ)), so |λ| < 1 whatever ν is, and
 * γ = √(1 − |λ|²), which keeps the size of h for white input. Params nu, theta [hidden], B_re, B_im [hidden, inputs],
 * C_re, C_im [outputs, hidden], D [outputs, inputs]; carry re, im [hidden]; output [outputs].
 *
 * Starts with λ even over the ring: |λ|² uniform on [rmin², rmax²], the angle uniform on (0, phase).
 * @throws GraphError `bad-size`, `bad-setting`.
 */
export function lru(options: LruOptions): Cell {
  const { inputs, hidden, outputs, rmin = 0, rmax = 1, phase = 2 * Math.PI } = options
  checkSetting('lru', 'rmin', rmin, rmin >= 0 && rmin < rmax, `0 ≤ rmin < rmax, which is ${rmax}`)
  checkSetting('lru', 'rmax', rmax, rmax <= 1, 'rmax is in (rmin, 1]')
  checkSetting('lru', 'phase', phase, phase > 0 && phase <= 2 * Math.PI, 'an angle is in (0, 2π]')
  return cell({
    name: 'lru',
    params: (sizes: Sizes) => ({
      nu: [sizes.hidden],
      theta: [sizes.hidden],
      B_re: [sizes.hidden, sizes.inputs],
      B_im: [sizes.hidden, sizes.inputs],
      C_re: [sizes.outputs, sizes.hidden],
      C_im: [sizes.outputs, sizes.hidden],
      D: [sizes.outputs, sizes.inputs],
    }),
    carry: sizes => ({ re: [sizes.hidden], im: [sizes.hidden] }),
    init: () => {
      const [B, C] = [normal(1 / Math.sqrt(2 * inputs)), normal(1 / Math.sqrt(hidden))]
      const ring = { nu: logDecay(rmin, rmax), theta: logAngle(phase) }
      return { ...ring, B_re: B, B_im: B, C_re: C, C_im: C, D: normal(1 / Math.sqrt(inputs)) }
    },
    step({ nu, theta, B_re, B_im, C_re, C_im, D }, { re, im }, x) {
      const { cosine, sine, gain } = eigenvalues(nu, theta)
      const nextRe = add(sub(mul(cosine, re), mul(sine, im)), mul(gain, linear(x, B_re)))
      const nextIm = add(add(mul(sine, re), mul(cosine, im)), mul(gain, linear(x, B_im)))
      const y = add(sub(linear(nextRe, C_re), linear(nextIm, C_im)), linear(x, D))
      return [{ re: nextRe, im: nextIm }, y]
    },
  })({ inputs, hidden, outputs })
}

type Sizes = Pick<LruOptions, 'inputs' | 'hidden' | 'outputs'>

/** Re λ, Im λ and γ. */
function eigenvalues(nu: Ref, theta: Ref): { readonly cosine: Ref; readonly sine: Ref; readonly gain: Ref } {
  const decay = exp(nu)
  const size = exp(neg(decay))
  const angle = exp(theta)
  const gain = sqrt(neg(expm1(mul(decay, -2)))) // 1 − |λ|² without cancellation
  return { cosine: mul(size, cos(angle)), sine: mul(size, sin(angle)), gain }
}

/** ν = ln(−½ ln(u (rmax² − rmin²) + rmin²)). */
function logDecay(rmin: number, rmax: number): Initialiser {
  return draw(u => Math.log(-0.5 * Math.log(u * (rmax ** 2 - rmin ** 2) + rmin ** 2)))
}

/** θ = ln(u · phase). */
function logAngle(phase: number): Initialiser {
  return draw(u => Math.log(u * phase))
}

/** A function of uniform numbers in (0, 1). */
function draw(f: (u: number) => number): Initialiser {
  return (shape, next) =>
    Float64Array.from({ length: shape[0]! }, () => {
      let u = next()
      while (u === 0) u = next()
      return f(u)
    })
}
