import { GraphError } from '@bptt/graph'
import { checkPositive, checkWhole, computed, type Sequence } from './sequence.js'

/** Numbers of the equation; those of the usual benchmark where not given. */
export interface MackeyGlassOptions {
  /** 0.2 where not given. */
  readonly a?: number
  /** 0.1 where not given. */
  readonly b?: number
  /** 10 where not given. */
  readonly n?: number
  /** Delay, > 0; 17 where not given: chaotic from about 16.8 on. */
  readonly tau?: number
  /** The value at every time ≤ 0; 1.2 where not given. */
  readonly x0?: number
  /** Runge–Kutta steps per unit of time, whole; 10 where not given. `tau · substeps` is whole. */
  readonly substeps?: number
}

/**
 * dx/dt = a x(t−τ) / (1 + x(t−τ)ⁿ) − b x(t): [x(0)], [x(1)], … [mackey-glass1977].
 *
 * Fourth-order Runge–Kutta; the delayed value between two steps is the cubic through values and slopes.
 * @throws GraphError `bad-setting`.
 */
export function mackeyGlass(options: MackeyGlassOptions = {}): Sequence<readonly number[]> {
  const { a = 0.2, b = 0.1, n = 10, tau = 17, x0 = 1.2, substeps = 10 } = options
  checkWhole('mackeyGlass', 'substeps', substeps, 1)
  checkPositive('mackeyGlass', 'tau', tau)
  const lag = Math.round(tau * substeps)
  if (lag < 1 || Math.abs(lag - tau * substeps) > 1e-9)
    throw new GraphError(
      'bad-setting',
      'mackeyGlass',
      `tau is ${tau}, which ${substeps} substeps do not divide; tau · substeps is a whole number ≥ 1`,
    )
  const slope = (x: number, delayed: number): number => (a * delayed) / (1 + delayed ** n) - b * x
  return computed('mackeyGlass', function* () {
    const past = new Past(lag, x0)
    for (let x = x0; ; ) {
      yield [x]
      for (let k = 0; k < substeps; k++) x = past.advance(x, 1 / substeps, slope)
    }
  })
}

/** The values of the last delay, at the steps and half-way between. */
class Past {
  readonly #values: Float64Array
  readonly #middles: Float64Array
  #at = 0

  constructor(lag: number, x0: number) {
    this.#values = new Float64Array(lag).fill(x0)
    this.#middles = new Float64Array(lag).fill(x0)
  }

  /** x one step later. */
  advance(x: number, h: number, slope: (x: number, delayed: number) => number): number {
    const [at, after] = [this.#at, (this.#at + 1) % this.#values.length]
    const [old, middle] = [this.#values[at]!, this.#middles[at]!]
    // with a delay of one step, the delayed value at its end is the present one
    const next = after === at ? x : this.#values[after]!
    const k1 = slope(x, old)
    const k2 = slope(x + (h / 2) * k1, middle)
    const k3 = slope(x + (h / 2) * k2, middle)
    const k4 = slope(x + h * k3, next)
    const y = x + (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4)
    this.#values[at] = x
    this.#middles[at] = (x + y) / 2 + (h / 8) * (k1 - slope(y, next))
    this.#at = after
    return y
  }
}
