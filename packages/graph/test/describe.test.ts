import { expect, describe as group, test } from 'vitest'
import { add, describe, type Graph, graph, linear, mul, scan, square, sub, sum, tanh } from '../src/index.js'
import { message } from './message.js'

const net = graph(
  { params: { W: [4, 3], b: [4], U: [4, 4] }, h: [4], x: ['T', 3], y: [4] },
  ({ params, h, x, y }) => {
    const [last] = scan(
      (h, x) => [tanh(add(add(linear(x, params.W, params.b), linear(h, params.U)), 0)), {}],
      {
        carry: h,
        xs: x,
      },
    )
    return { loss: sum(square(sub(last, y))) }
  },
) as Graph

group('describe', () => {
  test('parameters, flops and bytes follow from the shapes and the lengths of the axes', () => {
    const found = describe(net, { T: 10 })
    expect(found.parameters).toEqual([
      { name: 'params.W', shape: [4, 3], size: 12 },
      { name: 'params.b', shape: [4], size: 4 },
      { name: 'params.U', shape: [4, 4], size: 16 },
    ])
    expect(found.parameterCount).toBe(32)
    expect(found.unbound).toEqual([])
    // Per step: two products, three additions, tanh; then the loss on 4 numbers.
    expect(found.flops).toBe(10 * (2 * 12 + 2 * 16 + 3 * 4 + 8 * 4) + 4 + 4 + 4)
    // tanh's value and the carry it came from at each of 10 steps, and the error.
    expect(found.savedBytes).toBe(8 * (10 * (4 + 4) + 4))
    expect(found.ops.find(({ name }) => name === 'tanh')).toEqual({
      name: 'tanh',
      count: 1,
      flops: 320,
      savedBytes: 320,
    })
    expect(found.text).toMatchInlineSnapshot(`
      "parameters  32
        params.W [4, 3]  12
        params.b [4]  4
        params.U [4, 4]  16
      nodes       11 (23 with loop bodies)
      flops       1012
      values      1.2 KiB
      saved       672 B
      op        nodes  flops  saved
      contract      2    560    0 B
      tanh          1    320  320 B
      add           3    120    0 B
      sub           1      4   32 B
      square        1      4    0 B
      sumTo         1      4    0 B
      scan          1      0  320 B
      reshape       1      0    0 B"
    `)
  })
  test('an axis without a length is asked for', () => {
    const found = describe(net)
    expect(found.flops).toBeUndefined()
    expect(found.savedBytes).toBeUndefined()
    expect(found.parameterCount).toBe(32)
    expect(found.unbound).toEqual(['T'])
    expect(found.text).toMatchInlineSnapshot(`
      "parameters  32
        params.W [4, 3]  12
        params.b [4]  4
        params.U [4, 4]  16
      nodes       11 (23 with loop bodies)
      flops       ?
      values      ?
      saved       ?
      op        nodes  flops  saved
      add           3      ?      ?
      contract      2      ?      ?
      scan          1      ?      ?
      tanh          1      ?      ?
      sub           1      ?      ?
      square        1      ?      ?
      sumTo         1      ?      ?
      reshape       1      ?      ?
      axis 'T' has no length: describe(graph, { T: 100 })"
    `)
  })
  test('without parameters, what a gradient by all inputs keeps is counted', () => {
    const g = graph({ x: [3], w: [3] }, ({ x, w }) => {
      const a = tanh(mul(x, w))
      return { loss: sum(mul(a, a)), twice: mul(a, 2) }
    }) as Graph
    // x and w are inputs; of what is made, the derivatives of tanh and of the product read a alone.
    expect(describe(g).savedBytes).toBe(24)
    expect(describe(g).valueBytes).toBe(8 * (6 + 3 + 3 + 3 + 1 + 1 + 1 + 3))
  })
  test('a graph without applications costs nothing', () => {
    const g = graph({ x: [2] }, ({ x }) => ({ x })) as Graph
    expect(describe(g)).toMatchObject({ flops: 0, savedBytes: 0, valueBytes: 16, nodes: 1, ops: [] })
  })
  test('a length that is no whole number is refused', () => {
    expect(message(() => describe(net, { T: 1.5 }))).toMatchInlineSnapshot(
      `"bad-shape | axis 'T': has the length 1.5; a length is a whole number ≥ 0 or a name"`,
    )
  })
})
