import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  check,
  type Graph,
  GraphError,
  graph,
  mul,
  type Node,
  scan,
  sum,
  tanh,
  tensor,
} from '../src/index.js'
import { message } from './message.js'

const sample = graph({ x: [3], w: [3] }, ({ x, w }) => {
  const a = mul(x, w)
  const b = tanh(a)
  const c = mul(b, tensor([1, 2, 3]))
  return { loss: sum(mul(c, a)), b }
}) as Graph

/** The sample with a node changed. */
function withNode(at: number, change: (node: Node) => object): Graph {
  return { ...sample, nodes: sample.nodes.map((node, i) => (i === at ? (change(node) as Node) : node)) }
}

const fault = (g: unknown): string => message(() => check(g as Graph))

describe('check', () => {
  test('a well-formed graph is returned as it is', () => {
    expect(check(sample)).toBe(sample)
  })
  test('a forward reference is marked among the lines around it', () => {
    expect(fault(withNode(3, node => ({ ...node, inputs: [6] })))).toMatchInlineSnapshot(`
      "ill-formed | tanh #3: reads value #6, which does not come before it; a node reads values of earlier nodes
           0 | x: [3] = input
           1 | w: [3] = input
           2 | a: [3] = mul(x, w)
      >    3 | #3: [3] = tanh(#6)
           4 | #4: [3] = constant
           5 | #5: [3] = mul(#3, #4)"
    `)
  })
  test('a reference to itself, to nothing, and to no number', () => {
    expect(fault(withNode(3, node => ({ ...node, inputs: [3] })))).toMatchInlineSnapshot(`
      "ill-formed | tanh #3: reads value #3, which does not come before it; a node reads values of earlier nodes
           0 | x: [3] = input
           1 | w: [3] = input
           2 | a: [3] = mul(x, w)
      >    3 | #3: [3] = tanh(#3)
           4 | #4: [3] = constant
           5 | #5: [3] = mul(#3, #4)"
    `)
    expect(fault(withNode(3, node => ({ ...node, inputs: [99] })))).toMatchInlineSnapshot(`
      "ill-formed | tanh #3: reads value #99, which does not exist; there are #0 to #8
           0 | x: [3] = input
           1 | w: [3] = input
           2 | a: [3] = mul(x, w)
      >    3 | #3: [3] = tanh(#99)
           4 | #4: [3] = constant
           5 | #5: [3] = mul(#3, #4)"
    `)
    expect(fault(withNode(3, node => ({ ...node, inputs: ['x'] })))).toMatchInlineSnapshot(`
      "ill-formed | tanh #3: reads value #x, which does not exist; there are #0 to #8
           0 | x: [3] = input
           1 | w: [3] = input
           2 | a: [3] = mul(x, w)
      >    3 | #3: [3] = tanh(#x)
           4 | #4: [3] = constant
           5 | #5: [3] = mul(#3, #4)"
    `)
  })
  test('a shape that is not what the op makes', () => {
    expect(
      fault({ ...sample, shapes: sample.shapes.map((s, i) => (i === 3 ? [4] : s)) }),
    ).toMatchInlineSnapshot(`
      "ill-formed | tanh #3: makes [4]; by its rule tanh makes [3]
           0 | x: [3] = input
           1 | w: [3] = input
           2 | a: [3] = mul(x, w)
      >    3 | #3: [4] = tanh(a)
           4 | #4: [3] = constant
           5 | #5: [3] = mul(#3, #4)"
    `)
  })
  test('inputs that break the rule of the op, and too many of them', () => {
    const odd = { ...sample, shapes: sample.shapes.map((s, i) => (i === 0 ? [4] : s)) }
    expect(fault(odd)).toMatchInlineSnapshot(`
      "ill-formed | mul #2: breaks its rule: mul: a [4] and b [3] do not broadcast; axes align from the last, with equal lengths or 1
           0 | x: [4] = input
           1 | w: [3] = input
      >    2 | #2: [3] = mul(x, w)
           3 | #3: [3] = tanh(#2)
           4 | #4: [3] = constant"
    `)
    expect(fault(withNode(3, node => ({ ...node, inputs: [0, 0] })))).toMatchInlineSnapshot(`
      "ill-formed | tanh #3: reads 2 values; tanh takes 1 (x)
           0 | x: [3] = input
           1 | w: [3] = input
           2 | a: [3] = mul(x, w)
      >    3 | #3: [3] = tanh(x, x)
           4 | #4: [3] = constant
           5 | #5: [3] = mul(#3, #4)"
    `)
  })
  test('values out of number', () => {
    expect(fault(withNode(2, node => ({ ...node, outputs: [7] })))).toMatchInlineSnapshot(`
      "ill-formed | mul #2: makes value #7 where #2 is next; values are numbered in the order they are made
           0 | x: [3] = input
           1 | w: [3] = input
      >    2 | #7: [1] = mul(x, w)
           3 | #3: [3] = tanh(#2)
           4 | #4: [3] = constant"
    `)
    expect(fault(withNode(2, node => ({ ...node, outputs: [] })))).toMatchInlineSnapshot(`
      "ill-formed | mul #2: makes no value; a node makes at least one
           0 | x: [3] = input
           1 | w: [3] = input
      >    2 |  = mul(x, w)
           3 | #3: [3] = tanh(#2)
           4 | #4: [3] = constant"
    `)
    expect(fault({ ...sample, shapes: [...sample.shapes, []] })).toMatchInlineSnapshot(
      `"ill-formed | graph: has 10 shapes for 9 values; every value has one"`,
    )
  })
  test('a constant that does not fill its shape', () => {
    expect(fault(withNode(4, node => ({ ...node, value: tensor([1, 2]) })))).toMatchInlineSnapshot(`
      "ill-formed | constant #4: is a tensor of shape [2] where [3] is listed
           0 | x: [3] = input
           1 | w: [3] = input
           2 | a: [3] = mul(x, w)
           3 | b: [3] = tanh(a)
      >    4 | #4: [3] = constant
           5 | #5: [3] = mul(b, #4)
           6 | #6: [3] = mul(#5, a)"
    `)
    const short = { shape: [3], data: new Float64Array(2) }
    expect(fault(withNode(4, node => ({ ...node, value: short })))).toMatchInlineSnapshot(`
      "ill-formed | constant #4: has 2 numbers, which do not fill [3]
           0 | x: [3] = input
           1 | w: [3] = input
           2 | a: [3] = mul(x, w)
           3 | b: [3] = tanh(a)
      >    4 | #4: [3] = constant
           5 | #5: [3] = mul(b, #4)
           6 | #6: [3] = mul(#5, a)"
    `)
  })
  test('ports with equal names, without a value, or beside their node', () => {
    const [x, w] = sample.inputs
    expect(
      fault({
        ...sample,
        outputs: [
          { name: 'y', value: 2 },
          { name: 'y', value: 3 },
        ],
      }),
    ).toMatchInlineSnapshot(`"ill-formed | graph: has two outputs 'y'; names are unique"`)
    expect(fault({ ...sample, outputs: [{ name: 'y', value: 70 }] })).toMatchInlineSnapshot(
      `"ill-formed | graph: output 'y' leads to value #70, which does not exist"`,
    )
    expect(fault({ ...sample, inputs: [x, { ...w, value: 0 }] })).toMatchInlineSnapshot(
      `"ill-formed | graph: input 'w' leads to value #0, which is no input of this name"`,
    )
    expect(fault({ ...sample, inputs: [x] })).toMatchInlineSnapshot(
      `"ill-formed | graph: input 'w', value #1, is not listed; every input node is among the inputs"`,
    )
  })
  test('what is no node, no op, no graph', () => {
    expect(fault(withNode(2, () => ({ kind: 'magic', outputs: [2] })))).toMatchInlineSnapshot(`
      "ill-formed | magic #2: is of the kind magic; a node is an input, a constant or an application
           0 | x: [3] = input
           1 | w: [3] = input
      >    2 | #2: [3] = magic
           3 | #3: [3] = tanh(#2)
           4 | #4: [3] = constant"
    `)
    expect(fault(withNode(2, node => ({ ...node, op: { name: 'fake' } })))).toMatchInlineSnapshot(`
      "ill-formed | fake #2: applies what is no op; an op is the spec of a declared one
           0 | x: [3] = input
           1 | w: [3] = input
      >    2 | #2: [3] = fake(x, w)
           3 | #3: [3] = tanh(#2)
           4 | #4: [3] = constant"
    `)
    expect(fault(withNode(2, () => null as unknown as object))).toMatchInlineSnapshot(`
      "ill-formed | node #2: cannot be read: Cannot read properties of null (reading 'outputs')
           0 | x: [3] = input
           1 | w: [3] = input
      >    2 | (unreadable)
           3 | #3: [3] = tanh(#2)
           4 | #4: [3] = constant"
    `)
    expect(fault({ nodes: [] })).toMatchInlineSnapshot(
      `"ill-formed | graph: has no list 'shapes'; a graph is a table of nodes"`,
    )
    expect(fault(null)).toMatchInlineSnapshot(
      `"ill-formed | graph: has no list 'nodes'; a graph is a table of nodes"`,
    )
  })
  test('a node in the body of a loop is named with its loop', () => {
    const g = graph({ h: [2] }, ({ h }) => ({ h: scan(s => [tanh(s), {}], { carry: h, length: 3 })[0] }))
    const loop = g.nodes[1] as Extract<Node, { kind: 'apply' }>
    const body = loop.attrs['body'] as Graph
    const bad = {
      ...body,
      nodes: body.nodes.map(node => (node.kind === 'apply' ? { ...node, inputs: [5] } : node)),
    }
    const attrs = { ...loop.attrs, body: bad }
    expect(fault({ ...g, nodes: [g.nodes[0], { ...loop, attrs }] })).toMatchInlineSnapshot(`
      "ill-formed | scan #1 › body › tanh #1: reads value #5, which does not exist; there are #0 to #1
           0 | carry.: [2] = input
      >    1 | #1: [2] = tanh(#5)"
    `)
  })
  test('a graph that stands in itself is refused', () => {
    const g = graph({ h: [2] }, ({ h }) => ({ h: scan(s => [tanh(s), {}], { carry: h, length: 3 })[0] }))
    const loop = g.nodes[1] as Extract<Node, { kind: 'apply' }>
    const knot = { ...g, nodes: [g.nodes[0]!, { ...loop, attrs: { ...loop.attrs } }] }
    ;(knot.nodes[1] as { attrs: Record<string, unknown> }).attrs['body'] = knot
    expect(fault(knot)).toContain('ill-formed')
  })
  test('a malformed table never crashes anything', () => {
    const junk = fc.anything({
      withBigInt: true,
      withTypedArray: true,
      withMap: true,
      withNullPrototype: true,
    })
    const tables = fc.oneof(
      junk,
      fc.record({
        nodes: fc.array(junk),
        shapes: fc.array(junk),
        inputs: fc.array(junk),
        outputs: fc.array(junk),
      }),
      fc
        .record({
          at: fc.nat(6),
          key: fc.constantFrom('op', 'inputs', 'outputs', 'attrs', 'value', 'kind', 'name'),
          to: junk,
        })
        .map(({ at, key, to }) => withNode(at, node => ({ ...node, [key]: to }))),
    )
    fc.assert(
      fc.property(tables, table => {
        try {
          check(table as Graph)
        } catch (error) {
          expect(error).toBeInstanceOf(GraphError)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
