import {
  add,
  evaluate,
  expand,
  GraphError,
  gradient,
  graph,
  mul,
  print,
  type Ref,
  sum,
  tangent,
} from '@bptt/graph'
import { elementwise, linearMap, type Op, op, sumTo, type Unary } from '@bptt/graph/op'
import { describe, expect, test } from 'vitest'

/** x³. */
const cube: Unary = elementwise({
  name: 'cube',
  inputs: ['x'],
  saves: ['x'],
  f: (x: number) => x * x * x,
  partials: { x: ({ x }) => mul(mul(x, x), 3) },
})

/** Running sums along the last axis. */
const runningSum: Op<readonly ['x'], { readonly reverse: boolean }> = linearMap<{
  readonly reverse: boolean
}>({
  name: 'runningSum',
  shape: x => x,
  forward: (x, { attrs }) => {
    const data = x.data.slice()
    const width = x.shape.at(-1) ?? 1
    for (let i = 0; i < data.length; i++) {
      const at = attrs.reverse ? data.length - 1 - i : i
      if (i % width !== 0) data[at]! += data[attrs.reverse ? at + 1 : at - 1]!
    }
    return { shape: x.shape, data }
  },
  transpose: (g, _shape, { reverse }) => runningSum(g, { reverse: !reverse }),
  cases: [{ shapes: [[4]], attrs: { reverse: false } }],
})

/** xᵀ M x for a vector x [n] and a matrix M [n, n]. */
const quadratic: Op<readonly ['x', 'M'], Record<never, never>> = op({
  name: 'quadratic',
  inputs: ['x', 'M'],
  saves: ['x', 'M'],
  shape: ([x, M]) => {
    if (x!.length === 1 && M!.length === 2 && M!.every(dim => dim === x![0])) return []
    throw new GraphError('shape', 'quadratic', 'x and M do not fit; x is [n] and M [n, n]')
  },
  forward: ([x, M]) => {
    const n = x!.data.length
    let total = 0
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) total += x!.data[i]! * M!.data[i * n + j]! * x!.data[j]!
    return { shape: [], data: Float64Array.of(total) }
  },
  jvp: { x: (dx, { x, M }) => sum(mul(dx, pull(x, M))) },
  vjp: { x: (g, { x, M }) => mul(g, pull(x, M)) },
  cases: [{ shapes: [[3], [3, 3]] }],
})

/** (M + Mᵀ) x. */
function pull(x: Ref, M: Ref): Ref {
  const rows = sum(mul(M, x), { axis: 1 })
  const columns = sumTo(mul(M, expand(columnOf(x), { shape: M.shape })), { shape: x.shape })
  return add(rows, columns)
}

const columnOf = (x: Ref): Ref =>
  sum(mul(expand(x, { shape: [3, 3] }), identity), { axis: 1, keepDims: true })
const identity = { shape: [3, 3], data: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) }

describe("a user's own op", () => {
  const made = graph({ x: [3] }, ({ x }) => ({ y: sum(runningSum(cube(x), { reverse: false })) }))

  test('is printed by its name and evaluated by its forward function', () => {
    expect(print(made)).toMatchInlineSnapshot(`
      "graph(x: [3]) {
        a: [3] = cube(x)
        b: [3] = runningSum(a, reverse: false)
        c: [1] = sumTo(b, shape: [1])
        d: [] = reshape(c, shape: [])
        return y: d
      }"
    `)
    expect(evaluate(made, { x: [1, 2, 3] }).y.data).toEqual(Float64Array.of(1 + 9 + 36))
  })

  test('is differentiated by its rules, twice and in both modes', () => {
    const first = gradient(made, { of: 'y', by: ['x'] })
    const { x } = evaluate(first, { x: [1, 2, 3] }) as unknown as { x: { data: Float64Array } }
    expect([...x.data]).toEqual([9, 24, 27])
    const pushed = evaluate(tangent(first, { by: ['x'] }), { x: [1, 2, 3], tangent: { x: [1, 0, 1] } })
    const { tangent: dot } = pushed as unknown as { tangent: { x: { data: Float64Array } } }
    expect([...dot.x.data]).toEqual([18, 0, 18])
  })

  test('declared with its own rules takes its place in a gradient', () => {
    const form = graph({ x: [3], M: [3, 3] }, ({ x, M }) => ({ y: quadratic(x, M) }))
    const M = [
      [1, 2, 0],
      [0, 1, 0],
      [0, 0, 3],
    ]
    expect(evaluate(form, { x: [1, 1, 2], M }).y.data[0]).toBe(1 + 2 + 1 + 12)
    const { x } = evaluate(gradient(form, { of: 'y', by: ['x'] }), { x: [1, 1, 2], M }) as unknown as {
      x: { data: Float64Array }
    }
    expect([...x.data]).toEqual([4, 4, 12])
  })

  test('of many inputs broadcasts them all', () => {
    const blend = elementwise({
      name: 'blend',
      inputs: ['a', 'b', 'c', 'd'],
      saves: ['b'],
      f: (a: number, b: number, c: number, d: number) => a * b + c - d,
      partials: { a: ({ b }) => b, c: () => 1, d: () => -1 },
    })
    const made = graph({ a: [2, 1], b: [3], c: [], d: [2, 3] }, ({ a, b, c, d }) => ({
      y: sum(mul(blend(a, b, c, d), 2)),
    }))
    const values = {
      a: [[1], [2]],
      b: [1, 2, 3],
      c: 10,
      d: [
        [0, 0, 1],
        [0, 0, 2],
      ],
    }
    expect(evaluate(made, values).y.data[0]).toBe(2 * (6 + 12 + 60 - 3))
    const slopes = evaluate(gradient(made, { of: 'y', by: ['a', 'c', 'd'] }), values) as unknown as {
      a: { data: Float64Array }
      c: { data: Float64Array }
    }
    expect([...slopes.a.data, ...slopes.c.data]).toEqual([12, 12, 12])
  })

  test('refuses shapes in its own words', () => {
    expect(() => graph({ x: [3], M: [2, 2] }, ({ x, M }) => ({ y: quadratic(x, M) }))).toThrow(
      'quadratic: x and M do not fit; x is [n] and M [n, n]',
    )
  })
})
