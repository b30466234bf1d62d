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
  square,
  substitute,
  sum,
  type Tensor,
  tanh,
} from '../src/index.js'
import { message } from './message.js'
import { countNodes, flat, programs } from './programs.js'

describe('substitute', () => {
  const loss = graph({ y: [2], target: [2] }, ({ y, target }) => ({
    loss: sum(square(add(y, mul(target, -1)))),
  }))
  const model = graph({ params: { w: [2] }, x: [2] }, ({ params, x }) => ({
    y: tanh(mul(params.w, x)),
    w: params.w,
  }))

  test('an input becomes the output of a graph, whose inputs join', () => {
    expect(print(substitute(loss, { y: model }))).toMatchInlineSnapshot(`
      "graph(target: [2], params.w: [2], x: [2]) {
        a: [2] = mul(params.w, x)
        b: [2] = tanh(a)
        c: [2] = mul(target, -1)
        d: [2] = add(b, c)
        e: [2] = square(d)
        f: [1] = sumTo(e, shape: [1])
        g: [] = reshape(f, shape: [])
        return loss: g
      }"
    `)
  })
  test('an input becomes a constant', () => {
    expect(print(substitute(loss, { target: [1, 2] }))).toMatchInlineSnapshot(`
      "graph(y: [2]) {
        a: [2] = [1, 2]
        b: [2] = mul(a, -1)
        c: [2] = add(y, b)
        d: [2] = square(c)
        e: [1] = sumTo(d, shape: [1])
        f: [] = reshape(e, shape: [])
        return loss: f
      }"
    `)
  })
  test('all inputs are replaced at once, so a replacement may read an input of the same name', () => {
    const f = graph({ x: [2], y: [2] }, ({ x, y }) => ({ out: mul(x, y) }))
    const swap = substitute(f, {
      x: graph({ y: [2] }, ({ y }) => ({ out: square(y) })),
      y: graph({ x: [2] }, ({ x }) => ({ out: tanh(x) })),
    })
    expect(print(swap)).toMatchInlineSnapshot(`
      "graph(y: [2], x: [2]) {
        a: [2] = square(y)
        b: [2] = tanh(x)
        c: [2] = mul(a, b)
        return out: c
      }"
    `)
  })
  test('an unknown input, an ambiguous output and shapes that differ are refused', () => {
    expect(message(() => substitute(loss, { z: 1 }))).toMatchInlineSnapshot(
      `"unknown-input | 'z': is not an input; inputs are y, target"`,
    )
    expect(message(() => substitute(loss, { target: model }))).toMatchInlineSnapshot(
      `"ambiguous-output | input 'target': is replaced by a graph with the outputs y, w; one of them has the input's name, or there is only one"`,
    )
    expect(message(() => substitute(loss, { y: [1, 2, 3] }))).toMatchInlineSnapshot(
      `"shape | input 'y': is replaced by [3] where [2] is declared; the shapes are the same"`,
    )
    const other = graph({ target: [3] }, ({ target }) => ({ y: sum(target) }))
    expect(message(() => substitute(loss, { y: other }))).toMatchInlineSnapshot(
      `"shape | input 'target': is replaced by [3] where [2] is declared; the shapes are the same"`,
    )
  })
  test('replacing an input by numbers and giving those numbers is the same, derivatives included', () => {
    fc.assert(
      fc.property(programs, ({ graph: g, values }) => {
        const fixed = check(substitute(g, { v: values['v'] as Tensor }))
        const { v, ...rest } = values
        expect(countNodes(fixed)).toBeLessThanOrEqual(countNodes(g))
        expect(outputs(fixed, rest)).toEqual(outputs(g, values))
        const by = { of: 'loss', by: ['w', 'x'] }
        expect(outputs(gradient(fixed, by), rest)).toEqual(outputs(gradient(g, by), values))
      }),
      { numRuns: 200 },
    )
  })
  test('replacing an input by a graph and giving its value is the same', () => {
    const scaled = graph({ u: [2], w: [2, 2] }, ({ u, w }) => ({
      v: tanh(add(u, sum(w, { axis: 0 }))),
    })) as Graph
    fc.assert(
      fc.property(programs, ({ graph: g, values }) => {
        const joined = check(substitute(g, { v: scaled }))
        const { v: u, ...rest } = values
        const { v } = evaluate(scaled, { u: u!, w: rest['w']! }) as { v: Tensor }
        expect(countNodes(joined)).toBeLessThanOrEqual(countNodes(g) + countNodes(scaled))
        expect(outputs(joined, { ...rest, u: u! })).toEqual(outputs(g, { ...rest, v }))
      }),
      { numRuns: 200 },
    )
  })
})

const outputs = (g: Graph, values: object): readonly (readonly number[])[] =>
  Object.values(evaluate(g, values as never) as object).map(flat)
