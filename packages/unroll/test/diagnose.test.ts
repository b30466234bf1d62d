import { halfSquaredError, squaredError, type Tensor } from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { identity, product, qr, type Square, singularValues, spectralRadius } from '../src/diagnose/dense.js'
import {
  artbp,
  coin,
  elman,
  estimatorReport,
  every,
  full,
  lagNorms,
  linearNet,
  lyapunov,
  random as randomCuts,
  type Schedule,
  stateJacobians,
  stateSpectrum,
} from '../src/index.js'
import { cellOf, goldenCases, lossOf, valuesOf } from './golden.js'
import { kinds, random, randomTree, sequence } from './support.js'

const square = (n: number, data: readonly number[]): Square => ({ n, data: Float64Array.from(data) })
const squares = fc
  .integer({ min: 1, max: 6 })
  .chain(n => fc.nat(1e6).map(seed => square(n, [...random([n, n], seed).data])))
const near = (a: Square, b: Square): number => Math.max(...a.data.map((x, i) => Math.abs(x - b.data[i]!)))
const transposed = ({ n, data }: Square): Square =>
  square(
    n,
    Array.from({ length: n * n }, (_, k) => data[(k % n) * n + Math.floor(k / n)]!),
  )

describe('dense matrices', () => {
  test('have the spectral radius of their eigenvalues', () => {
    const s = Math.SQRT1_2
    expect(spectralRadius(square(2, [0.9, 5, 0, -0.3]))).toBeCloseTo(0.9, 9)
    expect(spectralRadius(square(2, [2 * s, -2 * s, 2 * s, 2 * s]))).toBeCloseTo(2, 11)
    expect(spectralRadius(square(2, [0, 1, 0, 0]))).toBe(0)
    expect(spectralRadius(identity(3))).toBeCloseTo(1, 12)
    expect(spectralRadius(square(3, [1, 2, 3, 4, 5, 6, 7, 8, 10]))).toBeCloseTo(16.707493316442, 9)
  })

  test('have singular values whose squares sum to those of the entries, the largest no less than the spectral radius', () => {
    fc.assert(
      fc.property(squares, a => {
        const values = singularValues(a)
        expect(values.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(
          a.data.reduce((sum, x) => sum + x * x, 0),
          10,
        )
        expect(values[0]! - spectralRadius(a)).toBeGreaterThan(-1e-9)
        const gram = spectralRadius(product(transposed(a), a))
        expect(Math.sqrt(gram)).toBeCloseTo(values[0]!, 9)
      }),
    )
    expect(singularValues(square(2, [3, 0, 4, 5]))).toEqual([
      expect.closeTo(Math.sqrt(45), 12),
      expect.closeTo(Math.sqrt(5), 12),
    ])
  })

  test('are Q R with orthonormal columns', () => {
    fc.assert(
      fc.property(squares, a => {
        const { q, diagonal } = qr(a)
        expect(near(product(transposed(q), q), identity(a.n))).toBeLessThan(1e-12)
        const r = product(transposed(q), a)
        diagonal.forEach((value, i) => expect(r.data[i * a.n + i]).toBeCloseTo(value, 12))
        expect(near(product(q, r), a)).toBeLessThan(1e-12)
      }),
    )
  })
})

describe('the Jacobian along a trajectory', () => {
  const net = linearNet({ inputs: 1, hidden: 2, outputs: 1 })
  const W = [0.6, 2, 0, 0.4]
  const params = {
    U: { shape: [2, 1], data: Float64Array.of(1, 1) },
    W: { shape: [2, 2], data: Float64Array.from(W) },
    V: { shape: [1, 2], data: Float64Array.of(1, 1) },
  }
  const trajectory = {
    params,
    carry: { h: { shape: [2], data: Float64Array.of(0.1, 0.2) } },
    xs: random([40, 1], 1),
  }

  test('of a linear net is W at every step', () => {
    expect(stateJacobians(net, trajectory).map(({ data }) => [...data])).toEqual(
      Array.from({ length: 40 }, () => W),
    )
  })

  test('shows a radius below 1 and a singular value above 1 of a net that is far from normal', () => {
    const [first] = stateSpectrum(net, trajectory)
    expect(first!.spectralRadius).toBeCloseTo(0.6, 10)
    expect(first!.largestSingular).toBeGreaterThan(2)
    expect(stateSpectrum(net, trajectory).at(-1)!.product).toBeLessThan(1e-6)
  })

  test('has the Lyapunov exponents log 0.6 and log 0.4 of a triangular W', () => {
    const [a, b] = lyapunov(net, trajectory, { skip: 20 })
    expect(a).toBeCloseTo(Math.log(0.6), 6)
    expect(b).toBeCloseTo(Math.log(0.4), 6)
  })

  test('sums exponents to the mean log |det J|, for every cell', () => {
    for (const kind of ['elman', 'gru', 'lstm', 'stacked']) {
      const model = kinds[kind]!(2, 2)
      const given = {
        params: randomTree(model.params, 1),
        carry: randomTree(model.carry, 2),
        xs: random([5, 2], 3),
      }
      const logs = stateJacobians(model, given).map(J =>
        qr(J).diagonal.reduce((sum, r) => sum + Math.log(r), 0),
      )
      const total = lyapunov(model, given).reduce((sum, x) => sum + x, 0)
      expect(total).toBeCloseTo(logs.reduce((sum, x) => sum + x, 0) / 5, 8)
    }
  })

  test('needs a step, and one that is not skipped', () => {
    expect(() =>
      stateJacobians(net, { ...trajectory, xs: random([0, 1], 1) }),
    ).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: trajectory: steps is 0; a timeline has a whole number of steps ≥ 1
      hint: the number of steps is the length of the first axis of xs]
    `,
    )
    expect(() => lyapunov(net, trajectory, { skip: 40 })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: lyapunov: skip is 40; of 40 steps, a whole number in [0, 40) is skipped
      hint: a longer trajectory lets more steps be skipped]
    `,
    )
  })
})

const nestedValues = (
  flat: Readonly<Record<string, Tensor>>,
): { params: never; carry: never; xs: Tensor; targets: Tensor } => {
  const root: Record<string, Record<string, unknown>> = {}
  for (const [name, value] of Object.entries(flat)) {
    const path = name.split('.')
    let branch = root as Record<string, unknown>
    for (const key of path.slice(0, -1)) {
      branch[key] ??= {}
      branch = branch[key] as Record<string, unknown>
    }
    branch[path.at(-1)!] = value
  }
  return root as never
}

describe('lag norms', () => {
  const cases = goldenCases('09-lags.json').filter(
    ({ config, lags }) => config.layers.length === 1 && lags !== undefined,
  )

  test('come with reference values', () => {
    expect(cases.length).toBeGreaterThanOrEqual(3)
  })

  test.each(cases.map(of => [of.name, of] as const))('are those of PyTorch, at every lag: %s', (_, of) => {
    const found = lagNorms(cellOf(of), nestedValues(valuesOf(of)), lossOf(of))
    const norms = found.parts['h']!
    of.lags!.norms.forEach((row, t) => {
      expect(norms[t]).toHaveLength(row.length)
      row.forEach((norm, k) =>
        expect(Math.abs(norms[t]![k]! - norm)).toBeLessThanOrEqual(1e-9 * norm + 1e-15),
      )
    })
  })

  test('fall by λ a lag for the scalar memory h’ = λ h + x', () => {
    const net = linearNet({ inputs: 1, hidden: 1, outputs: 1 })
    const one = (value: number): Tensor => ({ shape: [1, 1], data: Float64Array.of(value) })
    const { mean } = lagNorms(
      net,
      {
        params: { U: one(1), W: one(0.8), V: one(1) },
        carry: { h: one(0) },
        xs: { shape: [9, 1, 1], data: new Float64Array(9).fill(1) },
        targets: {
          shape: [9, 1, 1],
          data: Float64Array.from({ length: 9 }, (_, t) => (1 - 0.8 ** (t + 1)) / 0.2 - 1),
        },
      },
      squaredError,
    )
    mean.slice(1).forEach((norm, k) => expect(norm / mean[k]!).toBeCloseTo(0.8, 10))
  })

  test('need a step', () => {
    const model = elman({ inputs: 1, hidden: 1 })
    const given = {
      params: randomTree(model.params, 1),
      carry: randomTree(model.carry, 2, [1]),
      xs: random([0, 1, 1], 1),
      targets: random([0, 1, 1], 1),
    }
    expect(() => lagNorms(model, given, squaredError)).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: lagNorms: steps is 0; a timeline has a whole number of steps ≥ 1
      hint: the number of steps is the length of the first axis of xs]
    `,
    )
  })
})

test('diagnostics are plain data, as JSON keeps it', () => {
  const net = elman({ inputs: 2, hidden: 2 })
  const batch = sequence(net, [4, 2])
  const one = { params: batch.params, carry: { h: random([2], 1) }, xs: random([4, 2], 2) }
  for (const made of [
    lagNorms(net, batch, squaredError),
    stateSpectrum(net, one),
    lyapunov(net, one),
    estimatorReport(net, batch, [full(), artbp({ mean: 2 }), { h: 2 }], { loss: squaredError }),
  ])
    expect(JSON.parse(JSON.stringify(made))).toEqual(made)
})

describe('an estimator report', () => {
  const model = elman({ inputs: 2, hidden: 2 })
  const data = (steps: number): { params: never; carry: never; xs: Tensor; targets: Tensor } =>
    sequence(model, [steps, 1]) as never
  const [fullBptt, blocks, unbiased, constant, naive, sliding] = estimatorReport(
    model,
    data(6),
    [full(), every(2), artbp({ mean: 3, tail: 4 }), artbp({ mean: 3 }), randomCuts({ c: 1 / 3 }), { h: 4 }],
    { loss: squaredError },
  )

  test('enumerates: full BPTT and ARTBP have no bias, the others have', () => {
    expect(fullBptt).toMatchObject({ method: 'enumerated', patterns: 1, bias: 0, variance: 0 })
    for (const row of [unbiased, constant]) {
      expect(row!.bias).toBeLessThan(1e-12)
      expect(row!.cosine).toBeCloseTo(1, 12)
      expect(row!.variance).toBeGreaterThan(1e-6)
      expect(row!.patterns).toBe(32)
    }
    for (const row of [blocks, naive, sliding]) expect(row!.bias).toBeGreaterThan(1e-4)
    expect(blocks!.variance).toBe(0)
  })

  // the linear net of the reference: U = ½, W = 0.8, V = 1.2, four steps
  const golden = {
    params: { U: [[0.5]], W: [[0.8]], V: [[1.2]] },
    carry: { h: [[0]] },
    xs: { shape: [4, 1, 1], data: Float64Array.of(1, -2, 0.5, 1.5) },
    targets: { shape: [4, 1, 1], data: Float64Array.of(0.3, -0.1, 0.7, -0.4) },
  } as never
  const [exactU, exactW, exactV] = [3.25753728, -0.6428256, 1.3573072]
  const norm = Math.hypot(exactU, exactW, exactV)

  test.each<[string, Schedule, readonly [U: number, W: number], number]>([
    ['blocks of 2', every(2), [3.127776, -0.5887584], 0],
    ['blocks of 3', every(3), [3.734112, -0.4356192], 0],
    ['ARTBP, c = 1/4', artbp({ mean: 4 }), [exactU, exactW], 0.41210589 + 0.03436791],
    ['ARTBP, α = 4', artbp({ mean: 3, tail: 4 }), [exactU, exactW], 1.29321021 + 0.11915743],
    ['ARTBP, α = 6', artbp({ mean: 3, tail: 6 }), [exactU, exactW], 1.01698858 + 0.09096398],
  ])('has bias, cosine and variance of the reference for %s', (_, schedule, [U, W], variance) => {
    const net = linearNet({ inputs: 1, hidden: 1, outputs: 1 })
    const [row] = estimatorReport(net, golden, [schedule], { loss: halfSquaredError })
    expect(row!.norm).toBeCloseTo(norm, 12)
    expect(row!.bias).toBeCloseTo(Math.hypot(U - exactU, W - exactW) / norm, 12)
    const dot = U * exactU + W * exactW + exactV ** 2
    expect(row!.cosine).toBeCloseTo(dot / norm / Math.hypot(U, W, exactV), 12)
    expect(row!.variance).toBeCloseTo(variance, 7)
    expect([row!.method, row!.biasError, row!.varianceError]).toEqual(['enumerated', 0, 0])
    expect(row!.cosineInterval).toEqual([row!.cosine, row!.cosine])
  })

  test('has intervals that hold bias, variance and cosine of one coin, which are known, as often as they should', () => {
    const [steps, at, c] = [17, 12, 0.3]
    const one = (kept: number, seed: number): Schedule => ({
      text: 'one coin',
      weight: ({ t, stream }) => (t !== at ? 1 : coin(seed, stream, t) < c ? 0 : kept),
      chance: ({ t }) => (t === at ? { cut: c, kept } : { cut: 0, kept: 1 }),
    })
    const cut: Schedule = { text: 'cut', weight: ({ t }) => (t === at ? 0 : 1) }
    const seeds = Array.from({ length: 20 }, (_, i) => i + 1)
    const report = (schedules: readonly Schedule[]): ReturnType<typeof estimatorReport> =>
      estimatorReport(model, data(steps), schedules, { loss: squaredError, samples: 200 })
    const [never] = report([cut])
    // g is linear in the weight of the edge: off from ∇L by its part, as `never` is, times (weight − 1)
    const part = (never!.bias * never!.norm) ** 2
    const tilt = 1 - never!.along.mean
    /** The cosine of ∇L − m times that part, and ∇L. */
    const cosineOf = (m: number): number =>
      (1 - m * tilt) / Math.sqrt(1 - 2 * m * tilt + (m * never!.bias) ** 2)
    expect(cosineOf(1)).toBeCloseTo(never!.cosine, 12)
    for (const [kept, lost, variance] of [
      [1 / (1 - c), 0, (part * c) / (1 - c)],
      [1, c, part * c * (1 - c)],
    ] as const) {
      const bias = lost * never!.bias
      const rows = report(seeds.map(seed => one(kept, seed)))
      expect(rows.every(({ method, patterns }) => method === 'sampled' && patterns === 200)).toBe(true)
      const held = (off: (row: (typeof rows)[number]) => number): number =>
        rows.filter(row => off(row) < 1.96).length
      expect(held(row => Math.abs(row.bias - bias) / row.biasError)).toBeGreaterThanOrEqual(18)
      // 93 % for 200 draws of this coin
      expect(held(row => Math.abs(row.variance - variance) / row.varianceError)).toBeGreaterThanOrEqual(16)
      for (const { varianceError } of rows) expect(varianceError).toBeLessThan(0.15 * variance)
      const cosine = cosineOf(lost)
      expect(
        rows.filter(({ cosineInterval: [low, high] }) => low <= cosine && cosine <= high).length,
      ).toBeGreaterThanOrEqual(18)
      // and no wider than the noise: the angle on either side of an interval that has two
      const [low, high] = rows[0]!.cosineInterval
      if (high < 1)
        expect((Math.acos(low) - Math.acos(high)) / 2).toBeCloseTo(
          Math.asin((1.96 * Math.sqrt(variance / 200)) / never!.norm),
          5,
        )
    }
  })

  test('says what each costs: blocks keep fewer bytes, windows compute more', () => {
    expect(blocks!.bytes).toBeCloseTo(fullBptt!.bytes / 3, 9)
    expect(unbiased!.bytes).toBeLessThan(fullBptt!.bytes)
    expect(sliding!.flops).toBeGreaterThan(2 * fullBptt!.flops)
    expect(sliding!.name).toBe('BPTT(4; 1)')
  })

  test('lists patterns up to 2^14, those of 15 steps, and samples beyond', () => {
    const net = linearNet({ inputs: 1, hidden: 1, outputs: 1 })
    const methods = [15, 16].map(steps => {
      const [row] = estimatorReport(net, sequence(net, [steps, 1]) as never, [artbp({ mean: 3 })], {
        loss: squaredError,
        samples: 2,
      })
      return [row!.method, row!.patterns]
    })
    expect(methods).toEqual([
      ['enumerated', 2 ** 14],
      ['sampled', 2],
    ])
  })

  test('samples where patterns are too many, and tells ARTBP, within twice its interval of 1, from cuts that are not repaid', () => {
    const rows = estimatorReport(
      model,
      data(18),
      [artbp({ mean: 6, tail: 6, seed: 1 }), randomCuts({ c: 0.5, seed: 1 })],
      { loss: squaredError, samples: 400 },
    )
    const [good, bad] = rows
    expect(good).toMatchObject({ method: 'sampled', patterns: 400 })
    const off = (row: typeof good): number =>
      Math.abs(row!.along.mean - 1) / ((row!.along.high - row!.along.low) / 2)
    expect(off(good)).toBeLessThan(2)
    expect(off(bad)).toBeGreaterThan(4)
    expect(good!.bias).toBeLessThan(4 * good!.biasError)
    expect(bad!.bias).toBeGreaterThan(4 * bad!.biasError)
    expect(good!.cosineInterval[1]).toBe(1)
    for (const { cosine, cosineInterval } of rows) {
      expect(cosineInterval[0]).toBeLessThan(cosine)
      expect(cosineInterval[1]).toBeGreaterThan(cosine)
    }
  })

  test('has nothing to compare with where the gradient is zero', () => {
    const zero = {
      ...data(3),
      params: {
        weight_ih: random([2, 2], 1, 0),
        weight_hh: random([2, 2], 1, 0),
        bias_ih: random([2], 1, 0),
        bias_hh: random([2], 1, 0),
      },
      targets: random([3, 1, 2], 1, 0),
    }
    expect(() =>
      estimatorReport(model, zero as never, [full()], { loss: squaredError }),
    ).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: estimatorReport: full BPTT is zero by every parameter; estimators are compared with it
      hint: take other params: at these, no parameter changes the loss]
    `,
    )
  })

  test('has nothing to compare with where the gradient is not finite', () => {
    const { xs, ...rest } = data(3)
    const burst = { ...rest, xs, targets: random([3, 1, 2], 1, 1e200) }
    expect(() => estimatorReport(model, burst as never, [full()], { loss: squaredError })).toThrow(
      'estimatorReport: full BPTT is not finite; estimators are compared with it\nhint: take smaller params or inputs',
    )
  })
})
