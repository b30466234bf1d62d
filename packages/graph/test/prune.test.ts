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
  prune,
  scan,
  square,
  sum,
  tanh,
} from '../src/index.js'
import { countNodes, flat, programs } from './programs.js'

describe('prune', () => {
  test('nodes that no output depends on are dropped, inputs stay', () => {
    const g = graph({ x: [2], y: [2] }, ({ x, y }) => {
      square(mul(y, 3))
      return { out: tanh(x) }
    })
    expect(print(prune(g))).toMatchInlineSnapshot(`
      "graph(x: [2], y: [2]) {
        a: [2] = tanh(x)
        return out: a
      }"
    `)
  })
  test('a loop loses unread outputs, useless carries, and the sequences and constants only they read', () => {
    const g = graph({ h: [2], x: ['T', 2], z: ['T', 2], w: [2], v: [2] }, ({ h, x, z, w, v }) => {
      const [carry, y] = scan(
        (c, s) => [
          { h: tanh(add(mul(c.h, w), s.x)), count: add(c.count, mul(s.z, v)) },
          { h: c.h, z: square(s.z) },
        ],
        { carry: { h, count: v }, xs: { x, z } },
      )
      return { last: carry.h, sum: sum(y.h) }
    })
    expect(print(prune(g))).toMatchInlineSnapshot(`
      "graph(h: [2], x: [T, 2], z: [T, 2], w: [2], v: [2]) {
        a: [2], b: [T, 2] = scan(h, x, w, carry: 1, xs: 1, length: 'T', reverse: false)
          body(carry.h: [2], x.x: [2], const.0: [2]) {
            a: [2] = mul(carry.h, const.0)
            b: [2] = add(a, x.x)
            c: [2] = tanh(b)
            return carry.h: c, y.h: carry.h
          }
        c: [1, 1] = sumTo(b, shape: [1, 1])
        d: [] = reshape(c, shape: [])
        return last: a, sum: d
      }"
    `)
  })
  test('a carry that only another kept carry reads stays', () => {
    const g = graph({ a: [], b: [], c: [] }, ({ a, b, c }) => {
      const [end] = scan(s => [{ a: add(s.a, s.b), b: mul(s.b, 0.5), c: mul(s.c, s.a) }, {}], {
        carry: { a, b, c },
        length: 4,
      })
      return { end: end.a }
    })
    const before = evaluate(g, { a: 1, b: 2, c: 3 })
    expect(evaluate(prune(g), { a: 1, b: 2, c: 3 })).toEqual(before)
    expect(print(prune(g))).toMatchInlineSnapshot(`
      "graph(a: [], b: [], c: []) {
        d: [], e: [] = scan(a, b, carry: 2, xs: 0, length: 4, reverse: false)
          body(carry.a: [], carry.b: []) {
            a: [] = add(carry.a, carry.b)
            b: [] = mul(carry.b, 0.5)
            return carry.a: a, carry.b: b
          }
        return end: d
      }"
    `)
  })
  test('loops within loops are pruned', () => {
    const g = graph({ x: [3, 2] }, ({ x }) => {
      const [, y] = scan(
        (h, row) => {
          const [inner, parts] = scan(
            s => [
              { p: mul(s.p, 0.5), q: square(s.q) },
              { p: s.p, q: s.q },
            ],
            {
              carry: { p: row, q: h },
              length: 2,
            },
          )
          return [add(inner.q, h), { y: sum(parts.p), never: inner.p }]
        },
        { carry: sum(x, { axis: 0 }), xs: x },
      )
      return { y: y.y }
    })
    const small = prune(g)
    expect(print(small)).not.toContain('q')
    expect(
      evaluate(small, {
        x: [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      }),
    ).toEqual(
      evaluate(g, {
        x: [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      }),
    )
  })
  test('values and derivatives stay the same, with never more nodes, on every random graph', () => {
    fc.assert(
      fc.property(programs, ({ graph: g, values }) => {
        const slopeOf = (of: Graph): Graph => gradient(of, { of: 'loss', by: ['w', 'v', 'x'] })
        const small = check(prune(g))
        expect(countNodes(small)).toBeLessThanOrEqual(countNodes(g))
        expect(bits(small, values)).toEqual(bits(g, values))
        expect(numbers(slopeOf(small), values)).toEqual(numbers(slopeOf(g), values))
        expect(prune(small)).toStrictEqual(small)
      }),
      { numRuns: 300 },
    )
  })
})

const bits = (g: Graph, values: object): readonly (readonly number[])[] =>
  Object.values(evaluate(g, values as never) as object).map(flat)

/** As `bits`, with -0 as 0: a cotangent of zero that is added or not decides the sign. */
const numbers = (g: Graph, values: object): unknown =>
  bits(g, values).map(list => list.map(value => value + 0))
