import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  add,
  check,
  evaluate,
  type Graph,
  gradient,
  graph,
  mul,
  print,
  scan,
  share,
  square,
  sum,
  tanh,
  tensor,
} from '../src/index.js'
import { countNodes, flat, programs } from './programs.js'

describe('share', () => {
  test('equal applications and equal constants become one', () => {
    const g = graph({ x: [2] }, ({ x }) => ({
      a: add(tanh(mul(x, tensor([1, 2]))), tanh(mul(x, tensor([1, 2])))),
      b: add(tanh(mul(x, tensor([1, -0]))), tanh(mul(x, tensor([1, 0])))),
    }))
    expect(print(share(g))).toMatchInlineSnapshot(`
      "graph(x: [2]) {
        a: [2] = [1, 2]
        b: [2] = mul(x, a)
        c: [2] = tanh(b)
        d: [2] = add(c, c)
        e: [2] = [1, -0]
        f: [2] = mul(x, e)
        g: [2] = tanh(f)
        h: [2] = [1, 0]
        i: [2] = mul(x, h)
        j: [2] = tanh(i)
        k: [2] = add(g, j)
        return a: d, b: k
      }"
    `)
  })
  test('settings decide whether applications are equal', () => {
    const g = graph({ x: [2, 2] }, ({ x }) => ({
      a: sum(x, { axis: 0 }),
      b: sum(x, { axis: 1 }),
      c: sum(x, { axis: 0 }),
    }))
    expect(print(share(g))).toMatchInlineSnapshot(`
      "graph(x: [2, 2]) {
        a: [1, 2] = sumTo(x, shape: [1, 2])
        b: [2] = reshape(a, shape: [2])
        c: [2, 1] = sumTo(x, shape: [2, 1])
        d: [2] = reshape(c, shape: [2])
        return a: b, b: d, c: b
      }"
    `)
  })
  test('equal loops become one, and bodies are shared inside', () => {
    const g = graph({ h: [2], x: ['T', 2] }, ({ h, x }) => {
      const run = () => scan((c, s) => [tanh(add(mul(c, s), mul(c, s))), square(c)], { carry: h, xs: x })
      const [[one], [, other]] = [run(), run()]
      return { one, other }
    })
    expect(print(share(g))).toMatchInlineSnapshot(`
      "graph(h: [2], x: [T, 2]) {
        a: [2], b: [T, 2] = scan(h, x, carry: 1, xs: 1, length: 'T', reverse: false)
          body(carry.: [2], x.: [2]) {
            a: [2] = mul(carry., x.)
            b: [2] = add(a, a)
            c: [2] = tanh(b)
            d: [2] = square(carry.)
            return carry.: c, y.: d
          }
        return one: a, other: b
      }"
    `)
  })
  test('values stay the same bit by bit, derivatives up to rounding, with never more nodes', () => {
    fc.assert(
      fc.property(programs, ({ graph: g, values }) => {
        const slopeOf = (of: Graph): Graph => gradient(of, { of: 'loss', by: ['w', 'v', 'x'] })
        const small = check(share(g))
        expect(countNodes(small)).toBeLessThanOrEqual(countNodes(g))
        expect(outputs(small, values)).toEqual(outputs(g, values))
        expect(share(small)).toStrictEqual(small)
        const [wanted, got] = [outputs(slopeOf(g), values).flat(), outputs(slopeOf(small), values).flat()]
        const shared = outputs(share(slopeOf(g)), values)
        expect(shared).toEqual(outputs(slopeOf(g), values))
        wanted.forEach((value, i) => {
          expect(Math.abs(got[i]! - value)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(value)))
        })
      }),
      { numRuns: 300 },
    )
  })
})

const outputs = (g: Graph, values: object): readonly (readonly number[])[] =>
  Object.values(evaluate(g, values as never) as object).map(flat)
