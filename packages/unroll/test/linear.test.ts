import { halfSquaredError, item, type Tensor } from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { artbp, every, fixed, full, linearNet, reweight, type Schedule, unroll } from '../src/index.js'
import { hazardOf, patterns, random, slopes } from './support.js'

// the golden scalars: U = 0.5, W = 0.8, V = 1.2, h_0 = 0, four steps
const T = 4
const golden = {
  params: { U: [[0.5]], W: [[0.8]], V: [[1.2]] },
  carry: { h: [0] },
  xs: [[1], [-2], [0.5], [1.5]],
  targets: [[0.3], [-0.1], [0.7], [-0.4]],
}
const line = unroll(linearNet({ inputs: 1, hidden: 1, outputs: 1 }), {
  steps: T,
  loss: halfSquaredError,
  weighted: true,
})

interface Slopes {
  readonly U: number
  readonly W: number
  readonly V: number
  readonly h0: number
  readonly loss: number
}

/** Gradients of the losses at the given steps, under a schedule. */
function gradients(schedule: Schedule = full(), steps: readonly number[] = [1, 2, 3, 4]): Slopes {
  const weights = [1, 2, 3, 4].map(t => (steps.includes(t) ? 1 : 0))
  const made = slopes(reweight(line, schedule).graph, ['params', 'carry'], { ...golden, weights })
  const { params, carry } = made['gradient'] as {
    params: Record<'U' | 'W' | 'V', Tensor>
    carry: { h: Tensor }
  }
  return {
    U: item(params.U),
    W: item(params.W),
    V: item(params.V),
    h0: item(carry.h),
    loss: item(made['loss'] as Tensor),
  }
}

/** A cut at edge t, where that is an edge; credit passes all others. */
const cutAt = (t: number): Schedule => fixed([1, 2, 3].map(edge => (edge === t ? 0 : 1)))

/** BPTT(h; h'): every h' steps one sweep over the newest h steps, for the losses of the newest h'. */
function sweeps(h: number, every: number): Pick<Slopes, 'U' | 'W'> {
  const total = { U: 0, W: 0 }
  for (let end = every; end < T + every; end += every) {
    const last = Math.min(end, T)
    const newest = [1, 2, 3, 4].filter(t => t > end - every && t <= last)
    const { U, W } = gradients(cutAt(end - h), newest)
    total.U += U
    total.W += W
  }
  return total
}

const near = (value: number, wanted: number): void =>
  expect(Math.abs(value - wanted), `${value} for ${wanted}`).toBeLessThanOrEqual(
    1e-14 * Math.max(1, Math.abs(wanted)),
  )

describe('the golden scalars', () => {
  test('of exact BPTT are met: outputs, loss, dU, dV, dW, dh_0', () => {
    const { U, W, V, h0, loss } = gradients()
    near(loss, 1.29582432)
    near(U, 3.25753728)
    near(V, 1.3573072)
    near(W, -0.6428256)
    near(h0, -0.257366016)
    const made = slopes(line.graph, ['xs'], { ...golden, weights: [1, 1, 1, 1] })
    const o = (made['ys'] as Tensor).data
    for (const [i, value] of [0.6, -0.72, -0.276, 0.6792].entries()) near(o[i]!, value)
    // dL/dx_t = U d_t
    const d = (made['gradient'] as { xs: Tensor }).xs.data
    for (const [i, value] of [-0.32170752, -0.8521344, -0.135168, 1.29504].entries()) near(d[i]!, 0.5 * value)
  })

  test('of each lag are differences of sliding windows (identity 16)', () => {
    const windows = [0, 1, 2, 3, 4].map(K => (K === 0 ? { U: 0, W: 0 } : sweeps(K, 1)))
    const U = [3.20496, 1.796736, -2.4072192, 0.66306048]
    const W = [0.0328608, -1.0900992, 0.4144128, 0]
    for (let k = 0; k < 4; k++) {
      near(windows[k + 1]!.U - windows[k]!.U, U[k]!)
      near(windows[k + 1]!.W - windows[k]!.W, W[k]!)
    }
  })

  test.each([
    ['BPTT(1;1)', 1, 1, 3.20496, 0.0328608],
    ['BPTT(2;1)', 2, 1, 5.001696, -1.0572384],
    ['BPTT(3;1)', 3, 1, 2.5944768, -0.6428256],
    ['BPTT(4;1)', 4, 1, 3.25753728, -0.6428256],
    ['BPTT(3;2)', 3, 2, 3.3440448, -0.6428256],
    ['BPTT(4;2)', 4, 2, 3.25753728, -0.6428256],
    ['BPTT(1;1) as blocks', 1, 1, 3.20496, 0.0328608],
    ['BPTT(2;2)', 2, 2, 3.127776, -0.5887584],
    ['BPTT(3;3)', 3, 3, 3.734112, -0.4356192],
    ['BPTT(4;4)', 4, 4, 3.25753728, -0.6428256],
  ])('of %s are met by windows of the timeline', (_, h, apart, dU, dW) => {
    const { U, W } = sweeps(h, apart)
    near(U, dU)
    near(W, dW)
  })

  test.each([
    [1, 3.20496, 0.0328608],
    [2, 3.127776, -0.5887584],
    [3, 3.734112, -0.4356192],
    [4, 3.25753728, -0.6428256],
    [5, 3.25753728, -0.6428256],
  ])('of blocks of %d are met by every(K)', (K, dU, dW) => {
    const { U, W } = gradients(every(K))
    near(U, dU)
    near(W, dW)
  })

  test('of the eight ARTBP patterns for c = 1/4 are met', () => {
    const wanted = [
      [0.421875, 2.89280612, -0.68387093],
      [0.140625, 3.57735467, -0.5917792],
      [0.140625, 3.102048, -0.7959648],
      [0.046875, 2.41136, 0.0328608],
      [0.140625, 3.44727253, -0.68387093],
      [0.046875, 5.70352, -0.5917792],
      [0.046875, 3.895648, -0.7959648],
      [0.015625, 3.20496, 0.0328608],
    ]
    const found = patterns(3, () => 1 / 4).map(({ probability, weights }) => {
      const { U, W } = gradients(fixed(weights))
      return [probability, U, W]
    })
    found.forEach((row, i) => {
      row.forEach((value, j) => {
        expect(Math.abs(value - wanted[i]![j]!)).toBeLessThan(6e-9)
      })
    })
  })

  test.each([
    ['c = 1/4', artbp({ mean: 4 }), 0.41210589, 0.03436791],
    ['alpha = 4, L0 = 3', artbp({ mean: 3, tail: 4 }), 1.29321021, 0.11915743],
    ['alpha = 6, L0 = 3', artbp({ mean: 3, tail: 6 }), 1.01698858, 0.09096398],
  ])('of ARTBP %s are met: the exact mean, and the variance (identities 32, 35)', (_, schedule, vU, vW) => {
    const all = patterns(3, age => hazardOf(schedule, age))
    const mean = { U: 0, W: 0, UU: 0, WW: 0, p: 0 }
    for (const { probability: p, weights } of all) {
      const { U, W } = gradients(fixed(weights))
      mean.p += p
      mean.U += p * U
      mean.W += p * W
      mean.UU += p * U * U
      mean.WW += p * W * W
    }
    near(mean.p, 1)
    near(mean.U, 3.25753728)
    near(mean.W, -0.6428256)
    expect(Math.abs(mean.UU - mean.U ** 2 - vU)).toBeLessThan(1e-8)
    expect(Math.abs(mean.WW - mean.W ** 2 - vW)).toBeLessThan(1e-8)
  })

  test('of random cuts that are not repaid are met: the lags are discounted (identity 34)', () => {
    const mean = { U: 0, W: 0 }
    for (const { probability, weights } of patterns(3, () => 1 / 4, false)) {
      const { U, W } = gradients(fixed(weights))
      mean.U += probability * U
      mean.W += probability * W
    }
    near(mean.U, 3.47817984)
    near(mean.W, -0.5516064)
  })
})

type Matrix = readonly (readonly number[])[]
const times = (A: Matrix, x: readonly number[]): number[] =>
  A.map(row => row.reduce((sum, a, j) => sum + a * x[j]!, 0))
const transposed = (A: Matrix): Matrix => A[0]!.map((_, j) => A.map(row => row[j]!))
const plus = (a: readonly number[], b: readonly number[]): number[] => a.map((x, i) => x + b[i]!)
const matrix = (rows: number, columns: number, seed: number): number[][] =>
  Array.from({ length: rows }, (_, i) => [...random([columns], seed * 64 + i).data])
const outerSum = (a: Matrix, b: Matrix): number[] =>
  a[0]!.flatMap((_, i) => b[0]!.map((_, j) => a.reduce((sum, row, t) => sum + row[i]! * b[t]![j]!, 0)))

describe('the linear net', () => {
  test('has the closed forms of its states and gradients (identities 28–31)', () => {
    const size = fc.integer({ min: 1, max: 4 })
    const cases = fc.tuple(size, size, size, fc.integer({ min: 1, max: 6 }), fc.nat(1e6))
    fc.assert(
      fc.property(cases, ([inputs, hidden, outputs, steps, seed]) => {
        const [U, W, V] = [
          matrix(hidden, inputs, seed),
          matrix(hidden, hidden, seed + 1),
          matrix(outputs, hidden, seed + 2),
        ]
        const xs = matrix(steps, inputs, seed + 3)
        const targets = matrix(steps, outputs, seed + 4)
        const h = [matrix(1, hidden, seed + 5)[0]!]
        for (const x of xs) h.push(plus(times(U, x), times(W, h[h.length - 1]!)))
        const o = h.slice(1).map(state => times(V, state))
        const e = o.map((row, t) => row.map((value, k) => value - targets[t]![k]!))
        const d: number[][] = []
        let next: number[] = h[0]!.map(() => 0)
        for (let t = steps - 1; t >= 0; t--) {
          next = plus(times(transposed(V), e[t]!), times(transposed(W), next))
          d.unshift(next)
        }
        const net = unroll(linearNet({ inputs, hidden, outputs }), { steps, loss: halfSquaredError })
        const made = slopes(net.graph, ['params', 'carry'], {
          params: { U, W, V },
          carry: { h: h[0]! },
          xs,
          targets,
        })
        const { params, carry } = made['gradient'] as {
          params: Record<'U' | 'W' | 'V', Tensor>
          carry: { h: Tensor }
        }
        close((made['ys'] as Tensor).data, o.flat())
        close((made['carry'] as { h: Tensor }).h.data, h[steps]!)
        close(params.V.data, outerSum(e, h.slice(1)))
        close(params.U.data, outerSum(d, xs))
        close(params.W.data, outerSum(d, h))
        close(carry.h.data, times(transposed(W), d[0]!))
      }),
      { numRuns: 40 },
    )
  })
})

function close(values: Float64Array, wanted: readonly number[]): void {
  const size = Math.max(1, ...wanted.map(Math.abs))
  expect(values.length).toBe(wanted.length)
  values.forEach((value, i) => {
    expect(Math.abs(value - wanted[i]!)).toBeLessThanOrEqual(1e-13 * size)
  })
}
