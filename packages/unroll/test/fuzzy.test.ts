import { evaluate, halfSquaredError, type Tensor, type Values } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { neuroFuzzy, unroll, zeroCarry } from '../src/index.js'
import { random, randomTree, slopes } from './support.js'

const us = [0.5, -0.3, 0.8, 0.1, -0.6]
const goals = [0.2, -0.1, 0.4, 0.3, -0.2]
const two = {
  m: [
    [0.5, 0.2],
    [-0.4, -0.1],
  ],
  sr: [
    [0, 0.5],
    [0.3, -0.2],
  ],
  lr: [0.4, -0.6],
  a: [
    [0.1, 0.6, -0.3],
    [-0.2, 0.4, 0.5],
  ],
}
type Params = { readonly [K in keyof typeof two]: Tensor }

interface Made {
  readonly loss: Tensor
  readonly ys: Tensor
  readonly gradient: { readonly params: Params }
}

/** Loss, outputs and gradient of a system over u and y*. */
function made(params: object, rules: number, form: 'flat' | 'folded' = 'folded'): Made {
  const model = neuroFuzzy({ rules })
  const line = unroll(model, { steps: us.length, loss: halfSquaredError, form })
  const column = (values: readonly number[]): number[][] => values.map(value => [value])
  const values = { params, carry: zeroCarry(model), xs: column(us), targets: column(goals) }
  return slopes(line.graph, ['params'], values) as unknown as Made
}

function expectClose(found: Tensor, wanted: readonly unknown[], tolerance = 1e-11): void {
  const flat = wanted.flat() as number[]
  expect(found.data.length).toBe(flat.length)
  flat.forEach((value, i) => {
    expect(Math.abs(found.data[i]! - value), `${i}`).toBeLessThanOrEqual(tolerance)
  })
}

describe('the golden neuro-fuzzy system (identity 50)', () => {
  test.each(['flat', 'folded'] as const)('%s has its loss, outputs and every gradient to 1e-11', form => {
    const { loss, ys, gradient } = made(two, 2, form)
    expectClose(loss, [0.05344672342516])
    expectClose(ys, [0.298007745714, -0.170090754534, 0.420018066704, 0.039919877325, -0.35598981234])
    const { m, sr, lr, a } = gradient.params
    expectClose(m, [
      [0.006197467441, -0.002100061591],
      [-0.010945466944, -0.000765587186],
    ])
    expectClose(sr, [
      [-0.003522356272, 0.000233500767],
      [-0.006291419748, 0.000074379465],
    ])
    expectClose(lr, [0.004520542945, -0.004180470107])
    expectClose(a, [
      [-0.202627341276, 0.080699239438, -0.092381403932],
      [-0.192771070282, 0.0696335588, -0.05817066632],
    ])
  })

  test('without rule memory has its loss', () => {
    expectClose(made({ ...two, lr: [1e3, 1e3] }, 2).loss, [0.056588892794])
  })

  test('with one rule is the linear ARX model, whose rule has no gradient', () => {
    const one = Object.fromEntries(Object.entries(two).map(([key, value]) => [key, value.slice(0, 1)]))
    const { loss, ys, gradient } = made(one, 1)
    expectClose(ys, [0.4, -0.2, 0.64, -0.032, -0.2504])
    expectClose(loss, [0.11018208])
    expectClose(gradient.params.a, [0.02742056, 0.45683684, -0.34841088])
    for (const key of ['m', 'sr', 'lr'] as const)
      for (const value of gradient.params[key].data) expect(Math.abs(value)).toBeLessThan(1e-12)
  })

  test('is equivariant under the order of its rules', () => {
    const swapped = Object.fromEntries(Object.entries(two).map(([key, value]) => [key, [...value].reverse()]))
    const [there, back] = [made(two, 2), made(swapped, 2)]
    expectClose(back.loss, [there.loss.data[0]], 1e-15)
    for (const key of ['m', 'sr', 'lr', 'a'] as const) {
      const { shape, data } = there.gradient.params[key]
      const width = shape[1] ?? 1
      expectClose(back.gradient.params[key], [...data.slice(width), ...data.slice(0, width)], 1e-15)
    }
  })
})

describe('neuroFuzzy', () => {
  test('keeps its output within its rules’ consequents, for inputs of any width', () => {
    const model = neuroFuzzy({ rules: 4, inputs: 3 })
    expect([model.input, model.output]).toEqual([[3], [1]])
    const params = randomTree(model.params, 3) as unknown as Params
    const xs = random([1, 3], 5)
    const carry = { phi: [0.1, 0.2, 0.3, 0.4], y: [0.3] }
    const out = evaluate(unroll(model, { steps: 1 }).graph, {
      params,
      carry,
      xs,
    } as unknown as Values) as unknown as {
      ys: Tensor
    }
    const rows = Array.from({ length: 4 }, (_, r) => {
      const a = params.a.data.slice(5 * r, 5 * r + 5)
      return a[0]! + a[1]! * xs.data[0]! + a[2]! * xs.data[1]! + a[3]! * xs.data[2]! + a[4]! * 0.3
    })
    expect(out.ys.data[0]).toBeGreaterThanOrEqual(Math.min(...rows))
    expect(out.ys.data[0]).toBeLessThanOrEqual(Math.max(...rows))
  })

  test('identifies a linear plant: gradient descent lowers the loss', () => {
    let params = neuroFuzzy({ rules: 2 }).init(1).params as unknown as Params
    const first = made(params, 2).loss.data[0]!
    for (let k = 0; k < 200; k++) {
      const { gradient } = made(params, 2)
      params = Object.fromEntries(
        Object.entries(params).map(([key, { shape, data }]) => {
          const slope = gradient.params[key as keyof Params].data
          return [key, { shape, data: data.map((value, i) => value - 0.3 * slope[i]!) }]
        }),
      ) as unknown as Params
    }
    expect(made(params, 2).loss.data[0]).toBeLessThan(0.2 * first)
  })
})
