import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  add,
  disconnected,
  evaluate,
  gradient,
  graph,
  hessianVectorProduct,
  inline,
  matmul,
  mul,
  reshape,
  scan,
  sum,
  tanh,
  tensor,
  vjp,
} from '../src/index.js'

const numbers = (length: number): fc.Arbitrary<number[]> =>
  fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: length, maxLength: length })

describe('vjp', () => {
  const two = graph({ x: [3], w: [3], unused: [2] }, ({ x, w }) => ({
    p: mul(x, w),
    q: { r: sum(mul(x, x)) },
  }))

  test('is the gradient of the outputs weighted by the cotangents', () => {
    const pull = vjp(two, { of: ['p', 'q'], by: ['x', 'w'] })
    const weighted = graph({ x: [3], w: [3], u: [3], v: [] }, ({ x, w, u, v }) => ({
      loss: add(sum(mul(u, mul(x, w))), mul(v, sum(mul(x, x)))),
    }))
    const slope = gradient(weighted, { of: 'loss', by: ['x', 'w'] })
    fc.assert(
      fc.property(
        numbers(3),
        numbers(3),
        numbers(3),
        fc.double({ min: -2, max: 2, noNaN: true }),
        (x, w, u, v) => {
          const got = evaluate(pull, { x, w, unused: [0, 0], cotangent: { p: u, q: { r: v } } })
          const want = evaluate(slope, { x, w, u, v })
          got.x.data.forEach((value, i) => expect(value).toBeCloseTo(want.x.data[i]!, 12))
          got.w.data.forEach((value, i) => expect(value).toBeCloseTo(want.w.data[i]!, 12))
        },
      ),
    )
  })

  test('gives an exact zero for an input no output depends on, and lists it', () => {
    const pull = vjp(two, { of: ['p'], by: ['unused'] })
    const made = evaluate(pull, { x: [1, 2, 3], w: [1, 1, 1], unused: [5, 6], cotangent: { p: [1, 1, 1] } })
    expect([...made.unused.data]).toEqual([0, 0])
    expect(disconnected(two, { of: 'q.r', by: ['x', 'w', 'unused'] })).toEqual(['w', 'unused'])
    expect(disconnected(two, { of: 'p', by: ['x', 'w'] })).toEqual([])
  })

  test('names an output that is not there', () => {
    expect(() => vjp(two, { of: ['z'], by: ['x'] })).toThrowErrorMatchingInlineSnapshot(
      `[GraphError: 'z': is not an output; outputs are p, q.r]`,
    )
  })
})

describe('hessianVectorProduct', () => {
  test('of ½ xᵀ A x is the symmetric part of A times the direction', () => {
    const A = tensor([
      [2, 1, 0],
      [3, -1, 4],
      [0, 5, 1],
    ])
    const form = graph({ x: [3] }, ({ x }) => {
      const row = reshape(x, { shape: [1, 3] })
      const product = matmul(row, row.builder.constant(A))
      return { loss: mul(sum(mul(reshape(product, { shape: [3] }), x)), 0.5) }
    })
    const product = hessianVectorProduct(form, { of: 'loss', by: ['x'] })
    const made = evaluate(product, { x: [1, 2, 3], tangent: { x: [1, 0, -1] } })
    expect([...made.x.data]).toEqual([2, 2 - 4.5, -1])
  })

  test('is symmetric through a loop: ⟨u, H v⟩ = ⟨v, H u⟩ (identity 7)', () => {
    const loop = graph({ w: [2], xs: ['T', 2] }, ({ w, xs }) => {
      const [h] = scan((h, x) => [tanh(add(mul(w, h), x)), {}], { carry: w, xs })
      return { loss: sum(mul(h, h)) }
    })
    const product = hessianVectorProduct(loop, { of: 'loss', by: ['w', 'xs'] })
    const xs = [
      [0.3, -0.5],
      [0.2, 0.9],
      [-0.4, 0.1],
    ]
    fc.assert(
      fc.property(numbers(2), numbers(8), numbers(8), (w, u, v) => {
        const rows = (d: readonly number[]): number[][] => [0, 1, 2].map(t => d.slice(2 + 2 * t, 4 + 2 * t))
        const along = (d: readonly number[]): number[] => {
          const made = evaluate(product, { w, xs, tangent: { w: d.slice(0, 2), xs: rows(d) } })
          return [...made.w.data, ...made.xs.data]
        }
        const dot = (a: readonly number[], b: readonly number[]): number =>
          a.reduce((s, x, i) => s + x * b[i]!, 0)
        expect(dot(u, along(v))).toBeCloseTo(dot(v, along(u)), 9)
      }),
    )
  })
})

test('inline refuses a ref of another shape than its input', () => {
  const inner = graph({ x: [3] }, ({ x }) => ({ y: sum(x) }))
  expect(() =>
    graph({ z: [2] }, ({ z }) => ({ y: inline(inner, { x: z }).y })),
  ).toThrowErrorMatchingInlineSnapshot(`[GraphError: inline: input 'x' gets [2]; the graph declares [3]]`)
})
