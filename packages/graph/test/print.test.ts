import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  check,
  type Graph,
  gradient,
  graph,
  inline,
  mul,
  parse,
  print,
  type Ref,
  scan,
  sub,
  sum,
  tangent,
  tanh,
  tensor,
} from '../src/index.js'
import { programs } from './programs.js'

describe('print', () => {
  test('a graph prints one line a node, with scalars where they are used', () => {
    const g = graph({ x: [3], w: [3] }, ({ x, w }) => ({ loss: sum(mul(sub(1, mul(w, x)), 0.5)) }))
    expect(print(g)).toMatchInlineSnapshot(`
      "graph(x: [3], w: [3]) {
        a: [3] = mul(w, x)
        b: [3] = sub(1, a)
        c: [3] = mul(b, 0.5)
        d: [1] = sumTo(c, shape: [1])
        e: [] = reshape(d, shape: [])
        return loss: e
      }"
    `)
  })
  test('a loop prints its body below it', () => {
    const g = graph({ h: [2], x: ['T', 2] }, ({ h, x }) => {
      const [carry, y] = scan((h, x) => [tanh(sub(h, x)), { h }], { carry: h, xs: x })
      return { carry, y: y.h }
    })
    expect(print(g)).toMatchInlineSnapshot(`
      "graph(h: [2], x: [T, 2]) {
        a: [2], b: [T, 2] = scan(h, x, carry: 1, xs: 1, length: 'T', reverse: false)
          body(carry.: [2], x.: [2]) {
            a: [2] = sub(carry., x.)
            b: [2] = tanh(a)
            return carry.: b, y.h: carry.
          }
        return carry: a, y: b
      }"
    `)
  })
  test('names that are no plain words are quoted, and so are words that mean something else', () => {
    const g = graph({ 'a b': [1], "it's\n": ['my axis'], NaN: [], return: [], '': [] }, refs => ({
      'the sum': sum(refs['a b']),
      "it's\n": refs["it's\n"],
      nan: mul(refs.NaN, mul(refs.return, refs[''])),
    }))
    expect(print(g)).toMatchInlineSnapshot(`
      "graph('a b': [1], 'it\\'s\\n': ['my axis'], 'NaN': [], 'return': [], '': []) {
        a: [] = reshape('a b', shape: [])
        b: [] = mul('return', '')
        c: [] = mul('NaN', b)
        return 'the sum': a, 'it\\'s\\n', nan: c
      }"
    `)
    expect(parse(print(g))).toEqual(g)
  })
  test('constants print with the digits that read back to the same bits', () => {
    const g = graph({ x: [] }, ({ x }) => ({
      a: mul(x, 0.1 + 0.2),
      b: mul(x, -0),
      c: mul(x, Number.NaN),
      d: mul(x, Number.NEGATIVE_INFINITY),
      e: mul(x, 5e-324),
      f: mul(
        x,
        tensor([
          [1e300, -0],
          [Number.NaN, Number.POSITIVE_INFINITY],
        ]),
      ),
      g: mul(x, tensor(new Float64Array(0), [0, 3])),
    }))
    expect(print(g)).toMatchInlineSnapshot(`
      "graph(x: []) {
        a: [] = mul(x, 0.30000000000000004)
        b: [] = mul(x, -0)
        c: [] = mul(x, NaN)
        d: [] = mul(x, -Infinity)
        e: [] = mul(x, 5e-324)
        f: [2, 2] = [[1e+300, -0], [NaN, Infinity]]
        g: [2, 2] = mul(x, f)
        h: [0, 3] = []
        i: [0, 3] = mul(x, h)
        return a, b, c, d, e, f: g, g: i
      }"
    `)
    expect(parse(print(g))).toStrictEqual(g)
  })
  test('a scalar that does not stand before its first reader gets a line', () => {
    const [x, two, y] = [
      { name: 'x', value: 0 },
      { name: 'two', value: 1 },
      { name: 'y', value: 2 },
    ]
    const made = graph({ x: [] }, ({ x }) => ({ y: mul(x, 2) }))
    const apply = made.nodes[2]!
    const moved: Graph = {
      nodes: [
        { kind: 'constant', value: tensor(2), outputs: [0] },
        { kind: 'input', name: 'x', outputs: [1] },
        { ...(apply as Extract<typeof apply, { kind: 'apply' }>), inputs: [1, 0], outputs: [2] },
      ],
      shapes: [[], [], []],
      inputs: [{ ...x, value: 1 }],
      outputs: [{ ...two, value: 0 }, y],
    }
    expect(print(check(moved))).toMatchInlineSnapshot(`
      "graph(x) {
        a: [] = 2
        x: [] = input
        b: [] = mul(x, a)
        return two: a, y: b
      }"
    `)
    expect(parse(print(moved))).toStrictEqual(moved)
  })
})

describe('print and parse', () => {
  test('every random graph reads back equal, and so do its derivatives', () => {
    fc.assert(
      fc.property(programs, ({ graph: g }) => {
        const slope = gradient(g, { of: 'loss', by: ['w', 'v'] })
        for (const each of [g, slope, tangent(slope, { by: ['w'] }), gradientOfGradient(slope)]) {
          expect(parse(print(each))).toStrictEqual(each)
          check(each)
        }
      }),
      { numRuns: 150 },
    )
  })
})

function gradientOfGradient(slope: Graph): Graph {
  const doubled = graph({ w: [2, 2], v: [2], x: ['T', 2] }, refs => {
    const out = inlineAll(slope, refs)
    return { s: sum(out['w']!) }
  })
  return gradient(doubled as Graph, { of: 's', by: ['w', 'v', 'x'] })
}

const inlineAll = (g: Graph, refs: Readonly<Record<string, Ref>>): Record<string, Ref> =>
  inline(g, refs) as Record<string, Ref>
