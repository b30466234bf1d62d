import { describe, expect, test } from 'vitest'
import { flavours, rounded, run, ulp } from './lanes-harness.js'

/** eˣ / (1 + eˣ) below 0, where 1 / (1 + e⁻ˣ) overflows. */
function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x))
  return (x < 0 ? e : 1) / (1 + e)
}

type Name = 'exp' | 'expm1' | 'log' | 'log1p' | 'tanh' | 'sigmoid'
const reference: Readonly<Record<Name, (x: number) => number>> = { ...pick(Math), sigmoid }

function pick({ exp, expm1, log, log1p, tanh }: Math): Omit<typeof reference, 'sigmoid'> {
  return { exp, expm1, log, log1p, tanh }
}

/** Units in the last place. For f64 the reference errs itself: by up to 1, its tanh and sigmoid by up to 2.2. */
const bounds: readonly (readonly [Name, { readonly f32: number; readonly f64: number }])[] = [
  ['exp', { f32: 1.05, f64: 2 }],
  ['expm1', { f32: 1.75, f64: 3.3 }],
  ['log', { f32: 0.85, f64: 1.8 }],
  ['log1p', { f32: 1.45, f64: 2.4 }],
  ['tanh', { f32: 1.55, f64: 3.5 }],
  ['sigmoid', { f32: 2.45, f64: 4.3 }],
]

/** Where results are neither constant nor linear: half the width of an interval around 0. */
const interesting: Readonly<Record<'f32' | 'f64', Readonly<Record<Name, number>>>> = {
  f32: { exp: 105, expm1: 90, log: 4, log1p: 4, tanh: 10, sigmoid: 105 },
  f64: { exp: 746, expm1: 711, log: 4, log1p: 4, tanh: 22, sigmoid: 746 },
}

const count = 100_000

/** Numbers in [0, 2³²) from a linear congruence: the same on every run. */
function* noise(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    yield (state ^ (state >>> 15)) >>> 0
  }
}

/** Every third number: any bits, any number of moderate magnitude, and evenly from the interesting interval. */
function inputs(type: 'f32' | 'f64', width: number): number[] {
  const bits = new DataView(new ArrayBuffer(8))
  const random = noise(7)
  const next = (): number => random.next().value
  const any = (): number => {
    bits.setUint32(0, next())
    bits.setUint32(4, next())
    return type === 'f32' ? bits.getFloat32(0) : bits.getFloat64(0)
  }
  const moderate = (): number =>
    (next() % 2 === 0 ? 1 : -1) * (1 + next() / 2 ** 32) * 2 ** ((next() % 24) - 16)
  const even = (): number => (next() / 2 ** 31 - 1) * width
  return Array.from({ length: 3 * count }, (_, i) => rounded(type, [any, moderate, even][i % 3]!()))
}

const special: readonly (readonly [Name, readonly (readonly [number, number])[]])[] = [
  [
    'exp',
    [
      [0, 1],
      [-0, 1],
      [Infinity, Infinity],
      [-Infinity, 0],
      [NaN, NaN],
      [1e4, Infinity],
      [-1e4, 0],
    ],
  ],
  [
    'expm1',
    [
      [0, 0],
      [-0, -0],
      [Infinity, Infinity],
      [-Infinity, -1],
      [NaN, NaN],
      [1e4, Infinity],
      [-100, -1],
    ],
  ],
  [
    'log',
    [
      [0, -Infinity],
      [-0, -Infinity],
      [1, 0],
      [Infinity, Infinity],
      [-Infinity, NaN],
      [-1, NaN],
      [NaN, NaN],
    ],
  ],
  [
    'log1p',
    [
      [0, 0],
      [-0, -0],
      [-1, -Infinity],
      [Infinity, Infinity],
      [-Infinity, NaN],
      [-2, NaN],
      [NaN, NaN],
    ],
  ],
  [
    'tanh',
    [
      [0, 0],
      [-0, -0],
      [Infinity, 1],
      [-Infinity, -1],
      [NaN, NaN],
      [1e4, 1],
      [-1e4, -1],
    ],
  ],
  [
    'sigmoid',
    [
      [0, 0.5],
      [-0, 0.5],
      [Infinity, 1],
      [-Infinity, 0],
      [NaN, NaN],
      [1e4, 1],
      [-1e4, 0],
    ],
  ],
]

/** NaN with bits beside the one that says so: they must not leak into an exponent. */
function oddNaN(type: 'f32' | 'f64'): Float32Array | Float64Array {
  if (type === 'f32') return new Float32Array(new Uint32Array(4).fill(0xffaa_aa55).buffer)
  return new Float64Array(new BigUint64Array(2).fill(0x7ffa_aaaa_aaaa_aa55n).buffer)
}

describe.each(flavours)('Functions of lanes of $type (fma: $fma)', flavour => {
  const { type } = flavour

  test.each(bounds)('%s errs by at most %o units in the last place', (name, bound) => {
    const xs = inputs(type, interesting[type][name])
    const ys = run(flavour, [xs], (e, x) => e[name](x!))
    const unlike: string[] = []
    let worst = 0
    xs.forEach((x, i) => {
      const [exact, y] = [reference[name](x), ys[i]!]
      if (!Number.isFinite(y) || !Number.isFinite(rounded(type, exact)) || exact === 0) {
        if (!Object.is(y, rounded(type, exact))) unlike.push(`${name} ${x} = ${y}, not ${exact}`)
      } else worst = Math.max(worst, Math.abs(y - exact) / ulp(type, exact))
    })
    expect(unlike).toEqual([])
    expect(worst).toBeLessThanOrEqual(bound[type])
    expect(worst).toBeGreaterThan(0.4)
  })

  test.each(special)('%s has the special values of JavaScript', (name, cases) => {
    const ys = run(flavour, [cases.map(([x]) => x)], (e, x) => e[name](x!))
    expect(ys).toEqual(cases.map(([, y]) => y))
  })

  test.each(bounds)('%s of any NaN is NaN', name => {
    const nan = oddNaN(type)
    expect(run(flavour, [nan], (e, x) => e[name](x!))).toEqual(Array.from(nan, () => NaN))
  })

  test.each(['expm1', 'log1p', 'tanh'] as const)('%s of a subnormal number is that number', name => {
    const least = type === 'f32' ? 2 ** -149 : 2 ** -1074
    const tiny = [least, -least, 3 * least, -5 * least, 1001 * least]
    expect(run(flavour, [tiny], (e, x) => e[name](x!))).toEqual(tiny)
  })

  test('tanh is odd and never beyond ±1', () => {
    const xs = inputs(type, 25).filter(x => !Number.isNaN(x))
    const forth = run(flavour, [xs], (e, x) => e.tanh(x!))
    const back = run(flavour, [xs], (e, x) => e.neg(e.tanh(e.neg(x!))))
    expect(back).toEqual(forth)
    expect(Math.max(...forth.map(Math.abs).filter((_, i) => i % 8 === 0))).toBeLessThanOrEqual(1)
  })
})
