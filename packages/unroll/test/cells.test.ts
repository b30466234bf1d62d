import { readdirSync, readFileSync } from 'node:fs'
import {
  add,
  compile,
  evaluate,
  GraphError,
  grow,
  isShape,
  leaves,
  linear,
  squaredError,
  type Tensor,
  tanh,
  tensor,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { checkGradients } from '@bptt/graph/laws'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { spectralRadius } from '../src/cells/spectrum.js'
import {
  advectionDiffusion,
  beside,
  burgers,
  type Cell,
  cell,
  elman,
  gru,
  learnCarry,
  lru,
  lstm,
  minGru,
  neuroFuzzy,
  reservoir,
  reservoirWeights,
  residual,
  stableFluids,
  stack,
  unroll,
  withDropout,
  withEmbedding,
  withReadout,
  zeroCarry,
} from '../src/index.js'
import { difference, random, randomTree, slopes } from './support.js'

function failure(make: () => unknown): [string, string] {
  try {
    make()
  } catch (error) {
    if (error instanceof GraphError) return [error.code, error.message]
    throw error
  }
  throw new Error('nothing was thrown')
}

/** A user's own cell, with two values in its carry. */
const own = cell({
  name: 'own',
  params: ({ inputs, hidden }) => ({ in: { U: [hidden, inputs] }, W: [hidden, hidden] }),
  carry: ({ hidden }) => ({ h: [hidden], last: [hidden] }),
  step({ in: { U }, W }, { h, last }, x) {
    const next = tanh(add(linear(x, U), linear(add(h, last), W)))
    return [{ h: next, last: h }, next]
  },
})

const all: Readonly<Record<string, Cell>> = {
  'elman with relu': elman({ inputs: 3, hidden: 4, activation: 'relu' }),
  'lstm with peepholes': lstm({ inputs: 3, hidden: 2, peephole: true }),
  'lstm with layer norm': lstm({ inputs: 3, hidden: 2, layerNorm: true }),
  'lstm with both': lstm({ inputs: 3, hidden: 2, layerNorm: true, peephole: true, forgetBias: 1 }),
  minGru: minGru({ inputs: 3, hidden: 4 }),
  lru: lru({ inputs: 3, hidden: 4, outputs: 2, rmin: 0.4, rmax: 0.9 }),
  reservoir: withReadout(reservoir({ inputs: 3, hidden: 6, leak: 0.7, density: 0.6, seed: 4 }), {
    outputs: 2,
  }),
  neuroFuzzy: neuroFuzzy({ rules: 3, inputs: 2 }),
  advectionDiffusion: advectionDiffusion({ cells: 5, courant: 0.2, diffusion: 0.1 }),
  burgers: burgers({ cells: 5, dx: 0.4, dt: 0.1, viscosity: 0.1 }),
  stableFluids: stableFluids({ rows: 3, columns: 4, dt: 0.3, viscosity: 0.1, diffusing: 2, projecting: 3 }),
  own: own({ inputs: 3, hidden: 2 }),
  residual: residual(own({ inputs: 3, hidden: 3 })),
  beside: beside([own({ inputs: 3, hidden: 2 }), gru({ inputs: 3, hidden: 1 })]),
  'learned carry': learnCarry(own({ inputs: 3, hidden: 2 })),
  dropout: stack([
    withDropout(own({ inputs: 3, hidden: 4 }), { rate: 0.5, seed: 1 }),
    lstm({ inputs: 4, hidden: 2 }),
  ]),
  'everything at once': withReadout(
    withEmbedding(
      learnCarry(
        stack([
          withDropout(residual(own({ inputs: 3, hidden: 3 })), { rate: 0.3 }),
          beside([own({ inputs: 3, hidden: 1 }), minGru({ inputs: 3, hidden: 2 })]),
        ]),
      ),
      { symbols: 5 },
    ),
    { outputs: 2 },
  ),
}
const names = Object.keys(all)
const by = (model: Cell): string[] => [
  ...(leaves(model.params, isShape, 'test').length > 0 ? ['params'] : []),
  'carry',
  ...(model.input.length > 0 ? ['xs'] : []),
]

/** Random values of a timeline; whole numbers where the model counts or looks up. */
function valuesOf(model: Cell, steps: number, batch: number, seed: number): Values {
  const rows = [steps, batch]
  const carry = grow(
    leaves(model.carry, isShape, 'test').map(([name, shape], i) => {
      const whole = name.endsWith('started') || name.endsWith('step')
      const drawn = random([batch, ...(shape as number[])], seed * 7 + i, 0.8)
      return [name, whole ? { ...drawn, data: drawn.data.map(v => (v > 0 ? 1 : 0)) } : drawn] as const
    }),
  )
  const xs = random([...rows, ...(model.input as number[])], seed + 1)
  const symbols = { ...xs, data: xs.data.map(v => Math.floor((v + 1) * 2.5)) }
  return {
    params: randomTree(model.params, seed),
    carry,
    xs: model.input.length === 0 ? symbols : xs,
    targets: random([...rows, ...(model.output as number[])], seed + 2),
  } as unknown as Values
}

const line = (model: Cell, form: 'flat' | 'folded', steps = 4): ReturnType<typeof unroll> =>
  unroll(model, { steps, batch: 2, form, loss: squaredError })

describe('every cell and combination', () => {
  test.each(names)('%s has the same values and gradients flat, folded and compiled', name => {
    const model = all[name]!
    const values = valuesOf(model, 4, 2, 5)
    const folded = slopes(line(model, 'folded').graph, by(model), values)
    expect(difference(slopes(line(model, 'flat').graph, by(model), values), folded)).toBeLessThan(1e-12)
    const whole = valueAndGradient(line(model, 'folded').graph, { of: 'loss', by: by(model) })
    expect(difference(compile(whole, { dtype: 'float64' }).run(values), folded)).toBeLessThan(1e-12)
  })

  test.each(names)('%s has the gradient of its loss', name => {
    const model = all[name]!
    const carry = leaves(model.carry, isShape, 'test').map(([key]) => `carry.${key}`)
    const report = checkGradients(line(model, 'folded', 3).graph, {
      of: ['loss'],
      by: by(model)
        .flatMap(part => (part === 'carry' ? carry : [part]))
        .filter(key => !/(started|step)$/.test(key)),
      values: valuesOf(model, 3, 2, 8),
    })
    expect(report.worst).toMatchObject({ verdict: 'agrees' })
    expect(report.ok).toBe(true)
    expect(report.checked).toBeGreaterThan(5)
  })

  test.each(names)('%s starts from finite parameters that the seed alone decides', name => {
    const model = all[name]!
    expect(model.init(3)).toEqual(model.init(3))
    for (const [key, { data }] of leaves(model.init(3).params, isTensorLike, 'test'))
      expect(data.every(Number.isFinite), key).toBe(true)
  })
})

const isTensorLike = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'data' in value

const run = (model: Cell, values: object, steps: number): Record<string, Tensor> =>
  evaluate(unroll(model, { steps }).graph, values as never) as unknown as Record<string, Tensor>

describe('cells and combinators', () => {
  test('are written in public ops only: what they import of the engine is its main door', () => {
    const folders = ['cells', 'compose'].map(name => new URL(`../src/${name}/`, import.meta.url))
    const sources = folders.flatMap(folder =>
      readdirSync(folder).map(file => readFileSync(new URL(file, folder), 'utf8')),
    )
    const doors = sources.flatMap(source =>
      [...source.matchAll(/from '(@bptt[^']*)'/g)].map(([, door]) => door),
    )
    expect(sources.length).toBeGreaterThan(15)
    expect(new Set(doors)).toEqual(new Set(['@bptt/graph']))
  })
})

describe('elman', () => {
  test('with relu never goes below 0, and is refused with another activation', () => {
    const model = elman({ inputs: 2, hidden: 5, activation: 'relu' })
    const { ys } = run(
      model,
      { params: randomTree(model.params, 1), carry: zeroCarry(model), xs: random([6, 2], 2) },
      6,
    )
    expect(ys!.data.every(value => value >= 0)).toBe(true)
    expect(ys!.data.some(value => value === 0) && ys!.data.some(value => value > 0)).toBe(true)
    expect(failure(() => elman({ inputs: 2, hidden: 5, activation: 'gelu' as 'relu' }))).toEqual([
      'bad-setting',
      "elman: activation is 'gelu'; it is one of tanh, relu",
    ])
  })
})

describe('lstm', () => {
  const values = (model: Cell, params: object): object => ({
    params,
    carry: randomTree(model.carry, 4),
    xs: random([5, 3], 3),
  })

  test('with peepholes of 0 is the plain one, and with others it is not', () => {
    const [plain, seeing] = [lstm({ inputs: 3, hidden: 2 }), lstm({ inputs: 3, hidden: 2, peephole: true })]
    const params = randomTree(plain.params, 1) as object
    const none = { peephole_i: [0, 0], peephole_f: [0, 0], peephole_o: [0, 0] }
    const expected = run(plain, values(plain, params), 5)
    expect(run(seeing, values(seeing, { ...params, ...none }), 5)).toEqual(expected)
    for (const key of Object.keys(none)) {
      const other = run(seeing, values(seeing, { ...params, ...none, [key]: [0.5, -0.5] }), 5)
      expect(difference(other, expected), key).toBeGreaterThan(1e-3)
    }
  })

  test('with peepholes reads the old memory in i and f and the new one in o', () => {
    const model = lstm({ inputs: 1, hidden: 1, peephole: true })
    const zero = { weight_ih: [[0], [0], [0], [0]], weight_hh: [[0], [0], [0], [0]], bias_hh: [0, 0, 0, 0] }
    const params = {
      ...zero,
      bias_ih: [0.1, 0.2, 0.3, 0.4],
      peephole_i: [0.5],
      peephole_f: [-0.6],
      peephole_o: [0.7],
    }
    const c = 0.8
    const s = (v: number): number => 1 / (1 + Math.exp(-v))
    const memory = s(0.2 - 0.6 * c) * c + s(0.1 + 0.5 * c) * Math.tanh(0.3)
    const { ys } = run(model, { params, carry: { h: [0], c: [c] }, xs: [[0]] }, 1)
    expect(ys!.data[0]).toBeCloseTo(s(0.4 + 0.7 * memory) * Math.tanh(memory), 14)
  })

  test('with layer norm does not change when the products are scaled and shifted', () => {
    const model = lstm({ inputs: 3, hidden: 4, layerNorm: true })
    const params = model.init(2).params as unknown as Record<string, Tensor>
    expect([...params['norm_ih']!.data]).toEqual(new Array(16).fill(1))
    const scaled = { shape: [16, 3], data: params['weight_ih']!.data.map(v => 50 * v) }
    const [one, other] = [params, { ...params, weight_ih: scaled }].map(p => run(model, values(model, p), 5))
    expect(difference(one, other)).toBeLessThan(1e-3) // up to the epsilon of the norm
    const constant = { ...params, bias_ih: { shape: [16], data: params['bias_ih']!.data.map(v => v + 1) } }
    expect(difference(run(model, values(model, constant), 5), one)).toBeGreaterThan(0.1)
  })

  test('starts with the forget bias it is told, once', () => {
    const { bias_ih, bias_hh } = lstm({ inputs: 2, hidden: 3, forgetBias: 1.5 }).init(1)
      .params as unknown as Record<string, Tensor>
    expect([...bias_ih!.data.slice(3, 6)]).toEqual([1.5, 1.5, 1.5])
    expect([...bias_hh!.data.slice(3, 6)]).toEqual([0, 0, 0])
    for (const at of [0, 1, 2, 6, 7, 8, 9, 10, 11]) expect(bias_ih!.data[at]).not.toBe(1.5)
  })
})

describe('minGru', () => {
  test('is h’ = (1 − z) h + z g, with g positive', () => {
    fc.assert(
      fc.property(fc.tuple(fc.nat(1e6), fc.double({ min: 0.01, max: 4, noNaN: true })), ([seed, scale]) => {
        const model = minGru({ inputs: 2, hidden: 3 })
        const carry = { h: random([3], seed) }
        const params = randomTree(model.params, seed) as unknown as Record<string, Tensor>
        const x = random([1, 2], seed + 1, scale)
        const { ys } = run(model, { params, carry, xs: x }, 1)
        const of = (name: string, i: number): number =>
          params[`bias_${name}`]!.data[i]! +
          params[`weight_${name}`]!.data[2 * i]! * x.data[0]! +
          params[`weight_${name}`]!.data[2 * i + 1]! * x.data[1]!
        const s = (v: number): number => 1 / (1 + Math.exp(-v))
        for (let i = 0; i < 3; i++) {
          const [z, v] = [s(of('z', i)), of('h', i)]
          const g = v >= 0 ? v + 0.5 : s(v)
          expect(g).toBeGreaterThan(0)
          expect(ys!.data[i]).toBeCloseTo((1 - z) * carry.h.data[i]! + z * g, 12)
        }
      }),
      { numRuns: 30 },
    )
  })
})

describe('lru', () => {
  test('starts with eigenvalues even over its ring and angles below its phase', () => {
    const [rmin, rmax, phase] = [0.5, 0.99, 0.3]
    const params = lru({ inputs: 2, hidden: 4000, outputs: 1, rmin, rmax, phase }).init(3)
      .params as unknown as {
      nu: Tensor
      theta: Tensor
    }
    const squares = [...params.nu.data].map(nu => Math.exp(-Math.exp(nu)) ** 2)
    for (const square of squares) {
      expect(square).toBeGreaterThanOrEqual(rmin ** 2 - 1e-12)
      expect(square).toBeLessThanOrEqual(rmax ** 2 + 1e-12)
    }
    // uniform: mean and variance within four standard errors
    const [middle, width] = [(rmin ** 2 + rmax ** 2) / 2, rmax ** 2 - rmin ** 2]
    const mean = squares.reduce((a, b) => a + b, 0) / 4000
    expect(Math.abs(mean - middle)).toBeLessThan((4 * width) / Math.sqrt(12 * 4000))
    const variance = squares.reduce((a, b) => a + (b - middle) ** 2, 0) / 4000
    expect(Math.abs(variance - width ** 2 / 12)).toBeLessThan((4 * width ** 2) / Math.sqrt(180 * 4000))
    const angles = [...params.theta.data].map(Math.exp)
    expect(Math.max(...angles)).toBeLessThan(phase)
    expect(Math.max(...angles)).toBeGreaterThan(0.99 * phase)
  })

  test('is the complex recurrence h’ = λ h + γ B x, y = Re(C h’) + D x', () => {
    const model = lru({ inputs: 1, hidden: 1, outputs: 1 })
    const one = { B_re: [[0.3]], B_im: [[-0.4]], C_re: [[0.5]], C_im: [[0.6]], D: [[0.7]] }
    const params = { ...one, nu: [-1], theta: [0.2] }
    const { ys } = run(model, { params, carry: { re: [0.1], im: [0.9] }, xs: [[1], [0], [-2]] }, 3)
    const [size, angle] = [Math.exp(-Math.exp(-1)), Math.exp(0.2)]
    const gain = Math.sqrt(1 - size ** 2)
    let [re, im] = [0.1, 0.9]
    for (const [t, x] of [1, 0, -2].entries()) {
      const [c, s] = [size * Math.cos(angle), size * Math.sin(angle)]
      ;[re, im] = [c * re - s * im + gain * 0.3 * x, s * re + c * im - gain * 0.4 * x]
      expect(ys!.data[t]).toBeCloseTo(0.5 * re - 0.6 * im + 0.7 * x, 13)
    }
  })

  test('is refused with a ring or an angle that is none', () => {
    const make =
      (more: object): (() => Cell) =>
      () =>
        lru({ inputs: 1, hidden: 1, outputs: 1, ...more })
    expect(failure(make({ rmin: 0.9, rmax: 0.5 }))).toEqual([
      'bad-setting',
      'lru: rmin is 0.9; 0 ≤ rmin < rmax, which is 0.5',
    ])
    expect(failure(make({ rmax: 1.5 }))).toEqual(['bad-setting', 'lru: rmax is 1.5; rmax is in (rmin, 1]'])
    expect(failure(make({ phase: 0 }))).toEqual(['bad-setting', 'lru: phase is 0; an angle is in (0, 2π]'])
    expect(failure(make({ outputs: 0 }))[0]).toBe('bad-size')
  })
})

describe('spectralRadius', () => {
  test.each([
    [
      'of a rotation',
      [
        [0.6, -0.8],
        [0.8, 0.6],
      ],
      1,
    ],
    [
      'of opposite eigenvalues',
      [
        [0, 2],
        [2, 0],
      ],
      2,
    ],
    [
      'of a defective matrix',
      [
        [0.5, 100],
        [0, 0.5],
      ],
      0.5,
    ],
    [
      'of a nilpotent matrix',
      [
        [0, 1, 2],
        [0, 0, 3],
        [0, 0, 0],
      ],
      0,
    ],
    [
      'of a companion matrix of x³ − 2',
      [
        [0, 0, 2],
        [1, 0, 0],
        [0, 1, 0],
      ],
      Math.cbrt(2),
    ],
    [
      'of numbers that overflow when squared',
      [
        [1e200, 0],
        [0, -3e200],
      ],
      3e200,
    ],
  ])('%s is right', (_, matrix, radius) => {
    expect(Math.abs(spectralRadius(tensor(matrix)) - radius)).toBeLessThanOrEqual(
      1e-6 * Math.max(radius, 1e-9),
    )
  })
})

describe('reservoir', () => {
  test('has weights of the radius, density and scale it is told', () => {
    const options = { inputs: 2, hidden: 60, radius: 0.8, density: 0.2, scale: 0.1, seed: 9 }
    const { recurrent, input } = reservoirWeights(options)
    expect(Math.abs(spectralRadius(recurrent) - 0.8)).toBeLessThan(1e-6)
    const share = recurrent.data.filter(value => value !== 0).length / 3600
    expect(Math.abs(share - 0.2)).toBeLessThan(4 * Math.sqrt((0.2 * 0.8) / 3600))
    expect(Math.max(...input.data.map(Math.abs))).toBeLessThanOrEqual(0.1)
    expect(reservoirWeights(options)).toEqual({ recurrent, input })
    expect(
      difference({ recurrent }, { recurrent: reservoirWeights({ ...options, seed: 10 }).recurrent }),
    ).toBeGreaterThan(0)
  })

  test('forgets its first carry below radius 1 and not above', () => {
    const apart = (radius: number, scale: number): number => {
      const model = reservoir({ inputs: 1, hidden: 40, radius, scale, leak: 0.9, seed: 2 })
      const xs = random([300, 1], 5)
      const { data } = random([40], 1)
      const ends = [data, data.map(value => -value)].map(
        h => run(model, { carry: { h }, xs }, 300)['carry'] as unknown as { h: Tensor },
      )
      return Math.max(...ends[0]!.h.data.map((value, i) => Math.abs(value - ends[1]!.h.data[i]!)))
    }
    expect(apart(0.8, 0.1)).toBeLessThan(1e-9)
    expect(apart(1.8, 0)).toBeGreaterThan(1e-2)
  })

  test('learns nothing itself, and its readout does', () => {
    const model = withReadout(reservoir({ inputs: 1, hidden: 5 }), { outputs: 1 })
    expect(leaves(model.params, isShape, 'test').map(([name]) => name)).toEqual([
      'readout.weight',
      'readout.bias',
    ])
  })

  test('is refused with settings that are none', () => {
    const make =
      (more: object): (() => Cell) =>
      () =>
        reservoir({ inputs: 1, hidden: 3, ...more })
    expect(failure(make({ radius: 0 }))).toEqual([
      'bad-setting',
      'reservoir: radius is 0; a spectral radius is > 0',
    ])
    expect(failure(make({ leak: 1.1 }))).toEqual([
      'bad-setting',
      'reservoir: leak is 1.1; a leak is in (0, 1]',
    ])
    expect(failure(make({ scale: -1 }))).toEqual(['bad-setting', 'reservoir: scale is -1; a scale is ≥ 0'])
    expect(failure(make({ density: 0 }))).toEqual([
      'bad-setting',
      'reservoir: density is 0; a density is in (0, 1]',
    ])
    expect(failure(make({ hidden: 0 }))).toEqual([
      'bad-size',
      'reservoir: hidden is 0; a size is a whole number ≥ 1',
    ])
    expect(failure(make({ density: 1e-9 }))).toEqual([
      'no-spectrum',
      'reservoir: the weights drawn by seed 0 have no eigenvalue but 0; they cannot be scaled to a radius\nhint: take another seed, more units, or a larger density',
    ])
  })
})
