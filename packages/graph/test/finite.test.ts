import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  add,
  checkFinite,
  div,
  evaluate,
  type Graph,
  graph,
  log,
  min,
  mul,
  scan,
  sqrt,
  sum,
  type Tensor,
} from '../src/index.js'
import { programs } from './programs.js'

describe('checkFinite', () => {
  const g = graph({ x: [3], y: [3] }, ({ x, y }) => {
    const a = log(x)
    return { loss: sum(mul(a, div(1, y))) }
  })
  test('finite values give nothing', () => {
    expect(checkFinite(g, { x: [1, 2, 3], y: [1, 1, 1] })).toBeUndefined()
  })
  test('the first node is named, with the number and its place', () => {
    expect(checkFinite(g, { x: [1, 0, -1], y: [1, 1, 0] })).toMatchInlineSnapshot(`
      {
        "at": [
          1,
        ],
        "line": "a: [3] = log(x)",
        "op": "log",
        "steps": [],
        "text": "a: [3] = log(x) gives -Infinity at [1]",
        "value": -Infinity,
      }
    `)
  })
  test('a node that reads what is not finite is not the one', () => {
    expect(checkFinite(g, { x: [1, 1, 1], y: [1, 1, 0] })?.text).toMatchInlineSnapshot(
      `"b: [3] = div(1, y) gives Infinity at [2]"`,
    )
  })
  test('an input is named before all nodes', () => {
    expect(checkFinite(g, { x: [0, 0, 0], y: [1, Number.NaN, 1] })?.text).toMatchInlineSnapshot(
      `"input y: [3] gives NaN at [1]"`,
    )
  })
  test('infinity as a constant is meant, what is computed from it is not', () => {
    const masked = graph({ x: [] }, ({ x }) => ({ y: min(x, Number.POSITIVE_INFINITY) }))
    expect(checkFinite(masked, { x: 1 })).toBeUndefined()
    const spoiled = graph({ x: [] }, ({ x }) => ({ y: mul(add(x, Number.POSITIVE_INFINITY), 0) }))
    expect(checkFinite(spoiled, { x: 1 })?.text).toMatchInlineSnapshot(
      `"a: [] = add(x, Infinity) gives Infinity"`,
    )
  })
  test('inside loops the step is named, of reversed ones too', () => {
    const rooted = (reverse: boolean): Graph =>
      graph({ h: [], x: ['T'] }, ({ h, x }) => ({
        end: scan((c, s) => [sqrt(add(c, s)), {}], { carry: h, xs: x, reverse })[0],
      })) as Graph
    expect(checkFinite(rooted(false), { h: 1, x: [1, 1, -9, 1] })?.text).toMatchInlineSnapshot(
      `"t = 3: b: [] = sqrt(a) gives NaN"`,
    )
    expect(checkFinite(rooted(true), { h: 1, x: [1, -9, 1, 1] })?.steps).toEqual([2])
  })
  test('in a loop in a loop both steps are named', () => {
    const nested = graph({ h: [], x: ['T', 'S'] }, ({ h, x }) => {
      const [end] = scan((c, row) => scan((d, s) => [add(d, log(s)), {}], { carry: c, xs: row }), {
        carry: h,
        xs: x,
      })
      return { end }
    })
    expect(
      checkFinite(nested, {
        h: 0,
        x: [
          [1, 1],
          [1, 1],
          [1, 0],
        ],
      })?.text,
    ).toMatchInlineSnapshot(`"t = 3 › 2: a: [] = log(x.) gives -Infinity"`)
  })
  test('on random graphs with an infinite input, exactly that input is named, and evaluation follows IEEE 754', () => {
    fc.assert(
      fc.property(programs, ({ graph: random, values }) => {
        expect(checkFinite(random, values)).toBeUndefined()
        const w = { shape: [2, 2], data: Float64Array.of(1, Number.NEGATIVE_INFINITY, 0, 1) }
        expect(checkFinite(random, { ...values, w })).toMatchObject({ op: 'input', at: [0, 1] })
        expect(() => evaluate(random, { ...values, w })).not.toThrow()
      }),
      { numRuns: 100 },
    )
  })
  test('values that are not finite go through functions as IEEE 754 says', () => {
    const f = graph({ x: [4] }, ({ x }) => ({ inverse: div(1, x), log: log(x), none: mul(x, 0) }))
    const out = evaluate(f, { x: [0, -0, Number.POSITIVE_INFINITY, Number.NaN] }) as Record<string, Tensor>
    const { POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: neg, NaN: nan } = Number
    expect(Array.from(out['inverse']!.data)).toEqual([inf, neg, 0, nan])
    expect(Array.from(out['log']!.data)).toEqual([neg, neg, inf, nan])
    expect(Array.from(out['none']!.data)).toEqual([0, -0, nan, nan])
  })
})
