import { describe, expect, test } from 'vitest'
import { ConstantTable, type VectorLanes } from '../../src/wasm/lanes.js'
import { hasFma } from '../../src/wasm/probe.js'
import { type Code, type Flavour, flavours, rounded, run, runIn } from './lanes-harness.js'

const positive = (type: Flavour['type']): readonly number[] => [
  0,
  type === 'f32' ? 2 ** -149 : 2 ** -1074,
  type === 'f32' ? 2 ** -127 : 2 ** -1023,
  1e-7,
  0.5,
  1,
  1.5,
  2.75,
  1e9,
  type === 'f32' ? (2 - 2 ** -23) * 2 ** 127 : Number.MAX_VALUE,
  Infinity,
]

/** Every special value, rounded to the type, with both signs and NaN. */
function grid(type: Flavour['type']): readonly number[] {
  return [...positive(type).flatMap(value => [value, -value]), NaN].map(value => rounded(type, value))
}

/** Every pair of special values, as two columns. */
function pairs(type: Flavour['type']): readonly [readonly number[], readonly number[]] {
  const values = grid(type)
  return [values.flatMap(a => values.map(() => a)), values.flatMap(() => values)]
}

const unary: readonly [name: string, Code, (a: number) => number][] = [
  ['neg', (e, a) => e.neg(a!), a => -a],
  ['abs', (e, a) => e.abs(a!), Math.abs],
  ['sqrt', (e, a) => e.sqrt(a!), Math.sqrt],
  ['floor', (e, a) => e.floor(a!), Math.floor],
]

const binary: readonly [name: string, Code, (a: number, b: number) => number][] = [
  ['add', (e, a, b) => e.add(a!, b!), (a, b) => a + b],
  ['sub', (e, a, b) => e.sub(a!, b!), (a, b) => a - b],
  ['mul', (e, a, b) => e.mul(a!, b!), (a, b) => a * b],
  ['div', (e, a, b) => e.div(a!, b!), (a, b) => a / b],
  ['min', (e, a, b) => e.min(a!, b!), Math.min],
  ['max', (e, a, b) => e.max(a!, b!), Math.max],
  ['less', (e, a, b) => e.select(e.less(a!, b!), e.constant(3), b!), (a, b) => (a < b ? 3 : b)],
  ['lessEqual', (e, a, b) => e.select(e.lessEqual(a!, b!), a!, e.constant(-0)), (a, b) => (a <= b ? a : -0)],
  ['equal', (e, a, b) => e.select(e.equal(a!, b!), a!, b!), (a, b) => (a === b ? a : b)],
]

/** Every function of one lane, by the method's name. */
const everyUnary = ['neg', 'abs', 'sqrt', 'floor', 'exp', 'expm1', 'log', 'log1p', 'tanh', 'sigmoid'] as const

/** The method on a lane, after which the lane must still hold what it held. */
const kept =
  (emit: (e: VectorLanes, a: number) => unknown): Code =>
  (e, a) => {
    emit(e, a!)
    return a!
  }

test('The lanes are tested with FMA exactly where the engine has it', () => {
  expect(flavours.some(({ fma }) => fma)).toBe(hasFma())
})

describe.each(flavours)('Lanes of $type (fma: $fma)', flavour => {
  const { type } = flavour

  test.each(unary)('%s as JavaScript on every special value', (_, code, meaning) => {
    const values = grid(type)
    expect(run(flavour, [values], code)).toEqual(values.map(a => rounded(type, meaning(a))))
  })

  test.each(binary)('%s as JavaScript on every pair of special values', (_, code, meaning) => {
    const [a, b] = pairs(type)
    expect(run(flavour, [a, b], code)).toEqual(a.map((x, i) => rounded(type, meaning(x, b[i]!))))
  })

  test('mulAdd as JavaScript where nothing needs rounding', () => {
    const small = [1, 2, -3, 0.5, 8, -0, 0, Infinity, -Infinity, NaN]
    const triples = small.flatMap(a => small.flatMap(b => small.map(c => [a, b, c] as const)))
    const columns = [0, 1, 2].map(k => triples.map(triple => triple[k]!))
    expect(run(flavour, columns, (e, a, b, c) => e.mulAdd(a!, b!, c!))).toEqual(
      triples.map(([a, b, c]) => a * b + c),
    )
  })

  test('mulAdd rounds once with FMA, twice without', () => {
    const x = type === 'f32' ? 1 + 2 ** -12 : 1 + 2 ** -27
    const square = rounded(type, x * x)
    const lost = type === 'f32' ? 2 ** -24 : 2 ** -54
    const [result] = run(flavour, [[x], [x], [-square]], (e, a, b, c) => e.mulAdd(a!, b!, c!))
    expect(result).toBe(flavour.fma ? lost : 0)
  })

  test.each(everyUnary)('%s leaves its argument as it was', name => {
    const values = grid(type)
    expect(
      run(
        flavour,
        [values],
        kept((e, a) => e[name](a)),
      ),
    ).toEqual(values)
  })

  test.each([0, -0, 1, Math.PI, Infinity, -Infinity, NaN])('The constant %d reads as that number', value => {
    const code: Code = e => e.select(e.equal(e.constant(0), e.constant(1)), e.constant(2), e.constant(value))
    expect(run(flavour, [[1]], code)).toEqual([rounded(type, value)])
  })

  test('A constant has one lane in a function', () => {
    run(flavour, [[1]], (e, a) => {
      expect(e.constant(0.25)).toBe(e.constant(0.25))
      expect(e.constant(0)).not.toBe(e.constant(-0))
      return a!
    })
  })

  test('Constants hold in loops hoisted, not hoisted, hoisted twice and hoisted inside a loop', () => {
    const half = [...grid(type), 0.125]
    const values = [...half, ...half]
    const code: Code = (e, a) => e.tanh(e.add(e.constant(0.25), a!))
    const once = run(flavour, [values], code)
    expect(new Set(once).size).toBeGreaterThan(6)
    expect(runIn(flavour, [values], ({ emit }) => emit(code))).toEqual(once)
    const twice = runIn(flavour, [values], ({ lanes, emit }) => {
      lanes.hoist(() => emit(code, 2))
      lanes.hoist(() => emit((e, a) => e.add(code(e, a!), e.constant(-0)), 2))
    })
    expect(twice).toEqual(once)
    const inside = runIn(flavour, [values], ({ lanes, emit, func }) => {
      func.repeat(func.local('i32'), 2, () => lanes.hoist(() => emit(code, 2)))
    })
    expect(inside).toEqual(once)
  })
})

describe('ConstantTable', () => {
  test('gives a number one address per type and holds it there', () => {
    const table = new ConstantTable(128)
    expect(table.addressOf(1.5, 'f32')).toBe(128)
    expect(table.addressOf(1.5, 'f64')).toBe(136)
    expect(table.addressOf(-0, 'f64')).toBe(144)
    expect(table.addressOf(0, 'f64')).toBe(152)
    expect(table.addressOf(1.5, 'f32')).toBe(128)
    const view = new DataView(table.bytes().buffer)
    expect(view.byteLength).toBe(32)
    expect(view.getFloat32(0, true)).toBe(1.5)
    expect([8, 16, 24].map(at => view.getFloat64(at, true))).toEqual([1.5, -0, 0])
  })
})
