import {
  evaluate,
  type Graph,
  GraphError,
  graph,
  inline,
  mean,
  mul,
  type Ref,
  square,
  squaredError,
  sum,
  type Tensor,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { checkGradients } from '@bptt/graph/laws'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { advect, diffuse, divergence, type Flow, project } from '../src/cells/fluids.js'
import { shifted } from '../src/cells/periodic.js'
import { advectionDiffusion, burgers, stableFluids, unroll, zeroCarry } from '../src/index.js'
import { random } from './support.js'

type Made = Record<string, Tensor> & { readonly gradient: Record<string, Tensor> & { carry: { u: Tensor } } }

const run = (line: Graph, values: unknown): Made => evaluate(line, values as Values) as unknown as Made

function failure(make: () => unknown): [string, string] {
  try {
    make()
  } catch (error) {
    if (error instanceof GraphError) return [error.code, error.message]
    throw error
  }
  throw new Error('nothing was thrown')
}

function expectClose(found: Float64Array, wanted: readonly number[], tolerance: number): void {
  expect(found.length).toBe(wanted.length)
  wanted.forEach((value, i) => {
    expect(Math.abs(found[i]! - value), `${i}`).toBeLessThanOrEqual(tolerance)
  })
}

const dot = (a: Float64Array, b: Float64Array): number =>
  a.reduce((total, value, i) => total + value * b[i]!, 0)

describe('shifted', () => {
  test('moves around the end of any axis, both ways, any number of times', () => {
    fc.assert(
      fc.property(fc.integer({ min: -9, max: 9 }), fc.constantFrom(0, 1, -1), (by, axis) => {
        const made = graph({ x: [3, 4] }, ({ x }) => ({ y: shifted(x, by, axis) }))
        const x = random([3, 4], 1)
        const { y } = run(made, { x })
        for (let i = 0; i < 3; i++)
          for (let j = 0; j < 4; j++) {
            const [di, dj] = axis === 0 ? [by, 0] : [0, by]
            const from = ((i + di + 9) % 3) * 4 + ((j + dj + 12) % 4)
            expect(y!.data[4 * i + j]).toBe(x.data[from])
          }
      }),
    )
  })
})

describe('advection and diffusion', () => {
  /** J = (dx/2) |u⁵|² and its gradient by u⁰. */
  const made = (u0: readonly number[]): Made => {
    const cell = advectionDiffusion({ cells: 8, courant: 1 / 8, diffusion: 1 / 10 })
    const { graph: line } = unroll(cell, { steps: 5 })
    const goal = graph({ carry: { u: [8] }, xs: [5, 8] }, ({ carry, xs }) => {
      const { ys, carry: last } = inlined(line, { carry, xs })
      return { ys, u: last.u, J: mul(sum(square(last.u)), 1 / 8) }
    })
    const values = { carry: { u: u0 }, xs: { shape: [5, 8], data: new Float64Array(40) } }
    return run(valueAndGradient(goal, { of: 'J', by: ['carry'] }), values)
  }
  const start = [1, 0, 0, 0, 0, 0, 0, 0]

  test('has the golden state, objective and adjoint, in exact fractions', () => {
    const { u, J, gradient } = made(start)
    expectClose(
      u!.data,
      [
        0.270839375, 0.43657119140625, 0.25464375, 0.07257962890625, 0.010253125, 0.00047708984375,
        0.00314375, -0.04850791015625,
      ],
      1e-15,
    )
    expectClose(J!.data, [220546904136921 / 5242880000000000], 1e-16)
    const half = [0.08413196721531715, 0.05883823838305664, 0.020745659037542726, 0.0032838480169433593]
    const whole = [...half, 0.00013254190959739685, half[3]!, half[2]!, half[1]!]
    expectClose(gradient.carry.u.data, whole, 1e-16)
  })

  test('keeps its mass, and the adjoint its homogeneity (identity 11)', () => {
    const { u, J, gradient } = made(start)
    expect(Math.abs(u!.data.reduce((a, b) => a + b, 0) - 1)).toBeLessThan(1e-15)
    expect(Math.abs(gradient.carry.u.data.reduce((a, b) => a + b, 0) - 0.25)).toBeLessThan(1e-15)
    const other = [...random([8], 3).data]
    const { J: more, gradient: slope } = made(other)
    expect(dot(Float64Array.from(other), slope.carry.u.data)).toBeCloseTo(2 * more!.data[0]!, 14)
    expect(dot(Float64Array.from(start), gradient.carry.u.data)).toBeCloseTo(2 * J!.data[0]!, 16)
  })

  test('adds its source', () => {
    const cell = advectionDiffusion({ cells: 3, courant: 0, diffusion: 0 })
    const { ys } = run(unroll(cell, { steps: 2 }).graph, {
      carry: { u: [1, 2, 3] },
      xs: [
        [1, 0, 0],
        [0, 0, -5],
      ],
    })
    expect([...ys!.data]).toEqual([2, 2, 3, 2, 2, -2])
  })

  test('is refused with numbers that are none', () => {
    expect(failure(() => advectionDiffusion({ cells: 3, courant: 0.1, diffusion: 0.6 }))).toEqual([
      'bad-setting',
      'advectionDiffusion: diffusion is 0.6; diffusion is in [0, ½]',
    ])
    expect(failure(() => advectionDiffusion({ cells: 3, courant: Number.NaN, diffusion: 0 }))[0]).toBe(
      'bad-setting',
    )
    expect(failure(() => advectionDiffusion({ cells: 0, courant: 0, diffusion: 0 }))[0]).toBe('bad-size')
  })
})

const inlined = (line: Graph, refs: object): { readonly ys: Ref; readonly carry: { readonly u: Ref } } =>
  inline(line, refs as never) as never

describe('burgers', () => {
  const [N, steps] = [64, 40]
  const dx = 2 / N
  const dt = dx / 4
  const cell = burgers({ cells: N, dx, dt, viscosity: 0.01 })
  const centres = Array.from({ length: N }, (_, i) => -1 + (i + 0.5) * dx)
  const target = centres.map(x => 0.3 * Math.cos(Math.PI * x))
  const values = {
    carry: { u: centres.map(x => -Math.sin(Math.PI * x)) },
    xs: { shape: [steps, N], data: new Float64Array(steps * N) },
    target,
  }
  const goals = (form: 'flat' | 'folded'): Graph => {
    const { graph: line } = unroll(cell, { steps, form })
    return graph({ carry: { u: [N] }, xs: [steps, N], target: [N] }, ({ carry, xs, target: wanted }) => {
      const { carry: last } = inlined(line, { carry, xs })
      const loss = sum(squaredError(last.u, wanted))
      return { J: mul(loss, dx / 2), mass: sum(last.u) }
    })
  }

  test.each(['flat', 'folded'] as const)(
    '%s has the golden objective, adjoint and control gradient (identity 50)',
    form => {
      const { J, gradient } = run(valueAndGradient(goals(form), { of: 'J', by: ['carry', 'xs'] }), values)
      expect(Math.abs(J!.data[0]! - 0.5071211073978853)).toBeLessThan(1e-15)
      const slope = gradient.carry.u.data
      expect(Math.abs(Math.sqrt(dot(slope, slope)) - 0.17026874471538)).toBeLessThan(1e-13)
      expectClose(
        Float64Array.of(slope[0]!, slope[31]!, slope[63]!),
        [0.010283259824354, -0.008464403399585, 0.007316394088717],
        1e-14,
      )
      expectClose(gradient['xs']!.data.slice(0, 2), [8.02735278e-5, 1.00437097e-4], 1e-12)
    },
  )

  test('keeps its mass: the gradient of the sum is 1 in every cell', () => {
    const { gradient } = run(valueAndGradient(goals('folded'), { of: 'mass', by: ['carry'] }), values)
    expectClose(gradient.carry.u.data, new Array<number>(N).fill(1), 1e-14)
  })

  test('follows the exact solution of Cole and Hopf, with errors of second order', () => {
    const [nu, b, k] = [0.05, 2, Math.PI]
    const exact = (x: number, t: number): number => {
      const fade = Math.exp(-nu * k * k * t)
      return (2 * nu * k * fade * Math.sin(k * x)) / (b + fade * Math.cos(k * x))
    }
    const error = (cells: number): number => {
      const width = 2 / cells
      const [step, count] = [width * width, (cells * cells) / 8] // up to t = ½
      const at = Array.from({ length: cells }, (_, i) => -1 + (i + 0.5) * width)
      const model = burgers({ cells, dx: width, dt: step, viscosity: nu })
      const xs = { shape: [count, cells], data: new Float64Array(count * cells) }
      const made = run(unroll(model, { steps: count }).graph, { carry: { u: at.map(x => exact(x, 0)) }, xs })
      const { u } = made['carry'] as unknown as { u: Tensor }
      return Math.max(...at.map((x, i) => Math.abs(u.data[i]! - exact(x, count * step))))
    }
    expect(error(32)).toBeLessThan(2e-3)
    expect(error(16) / error(32)).toBeGreaterThan(3.5)
  })

  test('is refused with numbers that are none', () => {
    const make =
      (more: object): (() => unknown) =>
      () =>
        burgers({ cells: 4, dx: 1, dt: 1, viscosity: 0.1, ...more })
    expect(failure(make({ dx: 0 }))).toEqual(['bad-setting', 'burgers: dx is 0; a width is > 0'])
    expect(failure(make({ dt: -1 }))).toEqual(['bad-setting', 'burgers: dt is -1; a time step is > 0'])
    expect(failure(make({ viscosity: 0.7 }))).toEqual([
      'bad-setting',
      'burgers: viscosity is 0.7; viscosity · dt / dx² is in [0, ½]',
    ])
  })
})

describe('stable fluids', () => {
  const [rows, columns] = [8, 8]
  const field = [rows, columns]
  const flow = { down: field, right: field }
  const projection = (sweeps: number): Graph =>
    graph(flow, ({ down, right }) => {
      const [d, r] = project([down, right], sweeps)
      return { down: d, right: r, divergence: divergence([d, r]) }
    })
  const drawn = (seed: number): { down: Tensor; right: Tensor } => ({
    down: random(field, seed),
    right: random(field, seed + 1),
  })

  test('project leaves no divergence, and projecting again changes nothing', () => {
    const made = projection(400)
    const once = run(made, drawn(1))
    const twice = run(made, { down: once['down'], right: once['right'] })
    for (const value of once['divergence']!.data) expect(Math.abs(value)).toBeLessThan(1e-13)
    for (const key of ['down', 'right']) expectClose(twice[key]!.data, [...once[key]!.data], 1e-13)
  })

  test('project and diffuse are their own transposes, whatever the number of sweeps', () => {
    for (const sweeps of [0, 1, 5]) {
      const made = projection(sweeps)
      const [v, w] = [drawn(3), drawn(5)]
      const [Pv, Pw] = [run(made, v), run(made, w)]
      const pair = (a: Made | typeof v, b: Made | typeof v): number =>
        dot(a['down']!.data, b['down']!.data) + dot(a['right']!.data, b['right']!.data)
      expect(Math.abs(pair(Pv, w) - pair(v, Pw))).toBeLessThan(1e-13)
      const spread = graph({ x: field, w: field }, ({ x, w }) => {
        const y = diffuse(x, 0.3, sweeps)
        return { y, pairing: sum(mul(y, w)) }
      })
      const made2 = run(valueAndGradient(spread, { of: 'pairing', by: ['x'] }), { x: v.down, w: w.down })
      const again = run(spread, { x: w.down, w: w.down })
      expectClose(made2.gradient['x']!.data, [...again['y']!.data], 1e-14)
    }
  })

  test('diffuse solves (1 + 4a) w − a Σ neighbours = x, and keeps the mean', () => {
    const a = 0.4
    const made = graph({ x: field }, ({ x }) => ({ w: diffuse(x, a, 200), mean: mean(diffuse(x, a, 200)) }))
    const { down: x } = drawn(7)
    const { w, mean: level } = run(made, { x })
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) {
        const at = (di: number, dj: number): number =>
          w!.data[((i + di + rows) % rows) * columns + ((j + dj + columns) % columns)]!
        const left = (1 + 4 * a) * at(0, 0) - a * (at(1, 0) + at(-1, 0) + at(0, 1) + at(0, -1))
        expect(Math.abs(left - x.data[i * columns + j]!)).toBeLessThan(1e-13)
      }
    expect(level!.data[0]).toBeCloseTo(x.data.reduce((sum, value) => sum + value, 0) / 64, 14)
  })

  const advection = graph({ field, ...flow }, ({ field: x, down, right }) => {
    const y = advect(x, [down, right] as Flow)
    return { y }
  })

  test('advect keeps constants and bounds, and moves by whole cells exactly', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.double({ min: 0.1, max: 30, noNaN: true }), (seed, scale) => {
        const from = { down: random(field, seed, scale), right: random(field, seed + 1, scale) }
        const constant = run(advection, {
          field: { shape: field, data: new Float64Array(64).fill(0.7) },
          ...from,
        })
        expectClose(constant['y']!.data, new Array<number>(64).fill(0.7), 1e-14)
        const x = random(field, seed + 2)
        const { y } = run(advection, { field: x, ...from })
        expect(Math.max(...y!.data)).toBeLessThanOrEqual(Math.max(...x.data) + 1e-14)
        expect(Math.min(...y!.data)).toBeGreaterThanOrEqual(Math.min(...x.data) - 1e-14)
      }),
      { numRuns: 30 },
    )
    const x = random(field, 4)
    const whole = (value: number): Tensor => ({ shape: field, data: new Float64Array(64).fill(value) })
    const { y } = run(advection, { field: x, down: whole(3), right: whole(-10) })
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++)
        expect(y!.data[i * columns + j]).toBe(x.data[((i + 5) % rows) * columns + ((j + 10) % columns)])
  })

  test('advect treats the examples of a batch alone', () => {
    const shape = [3, rows, columns]
    const many = graph({ field: shape, down: shape, right: shape }, ({ field: x, down, right }) => ({
      y: advect(x, [down, right] as Flow),
    }))
    const values = { field: random(shape, 1), down: random(shape, 2, 3), right: random(shape, 3, 3) }
    const { y } = run(many, values)
    for (let b = 0; b < 3; b++) {
      const part = ({ data }: Tensor): Tensor => ({ shape: field, data: data.slice(64 * b, 64 * b + 64) })
      const one = run(advection, {
        field: part(values.field),
        down: part(values.down),
        right: part(values.right),
      })
      expect(y!.data.slice(64 * b, 64 * b + 64)).toEqual(one['y']!.data)
    }
  })

  test('has the gradient of the smoke by the forces and the first state, off the kinks', () => {
    const cell = stableFluids({ rows: 4, columns: 5, dt: 0.4, viscosity: 0.2, diffusing: 3, projecting: 4 })
    const steps = 3
    const report = checkGradients(unroll(cell, { steps, loss: squaredError }).graph, {
      of: ['loss'],
      by: ['xs', 'carry'],
      values: {
        carry: { down: random([4, 5], 1), right: random([4, 5], 2), smoke: random([4, 5], 3) },
        xs: random([steps, 2, 4, 5], 4),
        targets: random([steps, 4, 5], 5),
      } as unknown as Values,
      directions: 5,
    })
    expect(report.worst).toMatchObject({ verdict: 'agrees' })
    expect(report.kinks).toEqual([])
    expect(report.checked).toBeGreaterThanOrEqual(10)
  })

  test('keeps still smoke where nothing pushes', () => {
    const cell = stableFluids({ rows: 4, columns: 4, dt: 1, viscosity: 0.1 })
    const smoke = random([4, 4], 2)
    const carry = { ...(zeroCarry(cell) as object), smoke }
    const { ys } = run(unroll(cell, { steps: 2 }).graph, { carry, xs: random([2, 2, 4, 4], 1, 0) })
    expectClose(ys!.data, [...smoke.data, ...smoke.data], 1e-15)
  })

  test('is refused with numbers that are none, and with a named batch', () => {
    const base = { rows: 4, columns: 4, dt: 1 }
    const make =
      (more: object): (() => unknown) =>
      () =>
        stableFluids({ ...base, ...more })
    expect(failure(make({ dt: 0 }))).toEqual(['bad-setting', 'stableFluids: dt is 0; a time step is > 0'])
    expect(failure(make({ viscosity: -1 }))).toEqual([
      'bad-setting',
      'stableFluids: viscosity is -1; a viscosity is ≥ 0',
    ])
    expect(failure(make({ diffusing: 1.5 }))).toEqual([
      'bad-setting',
      'stableFluids: diffusing is 1.5; sweeps are a whole number ≥ 0',
    ])
    expect(failure(make({ rows: 0 }))[0]).toBe('bad-size')
    expect(failure(() => unroll(stableFluids(base), { steps: 2, batch: 'B' }))).toEqual([
      'named-axis',
      "stableFluids: the batch is 'B' in [B, 4, 4]; each example looks up cells of its own, so their number is fixed\nhint: unroll with a number as batch",
    ])
  })
})
