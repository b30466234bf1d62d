import { describe, expect, test } from 'vitest'
import { add, type Graph, graph, mul, scan, sum, tanh, tensor, toDot, toMermaid } from '../src/index.js'

const sample = graph({ h: [2], x: ['T', 2] }, ({ h, x }) => {
  const [carry, y] = scan((h, x) => [tanh(add(h, x)), { h }], { carry: h, xs: x })
  return { last: mul(carry, tensor([1, 2])), sum: sum(y.h, { axis: 0 }) }
})

const hostile = graph({ 'a"b\\<c>&;#': [1], 'x\ny|]': ['my "T"'] }, refs => ({
  'out"]': add(refs['a"b\\<c>&;#'], 1),
  y: refs['x\ny|]'],
}))

const long = graph({ x: [] }, ({ x }) => {
  let y = add(x, 1)
  for (let i = 0; i < 1000; i++) y = tanh(y)
  return { y }
}) as Graph

describe('toDot', () => {
  test('a loop is a cluster, arrows carry shapes', () => {
    expect(toDot(sample)).toMatchInlineSnapshot(`
      "digraph {
        rankdir=TB
        n0 [shape=ellipse, label="h\\n[2]"]
        n1 [shape=ellipse, label="x\\n[T, 2]"]
        subgraph cluster_n2 {
          label="a, b = scan"
          n2 [shape=box, label="a, b = scan\\ncarry: 1\\nxs: 1\\nlength: 'T'\\nreverse: false"]
          n2b0n0 [shape=ellipse, label="carry.\\n[2]"]
          n2b0n1 [shape=ellipse, label="x.\\n[2]"]
          n2b0n2 [shape=box, label="a = add"]
          n2b0n3 [shape=box, label="b = tanh"]
          n2b0out0 [shape=ellipse, peripheries=2, label="carry."]
          n2b0out1 [shape=ellipse, peripheries=2, label="y.h"]
          n2b0n0 -> n2b0n2 [label="[2]"]
          n2b0n1 -> n2b0n2 [label="[2]"]
          n2b0n2 -> n2b0n3 [label="[2]"]
          n2b0n3 -> n2b0out0 [label="[2]"]
          n2b0n0 -> n2b0out1 [label="[2]"]
        }
        n3 [shape=plaintext, label="[1, 2]"]
        n4 [shape=box, label="d = mul"]
        n5 [shape=box, label="e = sumTo\\nshape: [1, 2]"]
        n6 [shape=box, label="f = reshape\\nshape: [2]"]
        out0 [shape=ellipse, peripheries=2, label="last"]
        out1 [shape=ellipse, peripheries=2, label="sum"]
        n0 -> n2 [label="[2]"]
        n1 -> n2 [label="[T, 2]"]
        n2 -> n4 [label="[2]"]
        n3 -> n4 [label="[2]"]
        n2 -> n5 [label="[T, 2]"]
        n5 -> n6 [label="[1, 2]"]
        n4 -> out0 [label="[2]"]
        n6 -> out1 [label="[2]"]
      }"
    `)
  })
  test('names are escaped', () => {
    expect(toDot(hostile)).toMatchInlineSnapshot(`
      "digraph {
        rankdir=TB
        n0 [shape=ellipse, label="a\\"b\\\\<c>&;#\\n[1]"]
        n1 [shape=ellipse, label="x y|]\\n['my \\"T\\"']"]
        n2 [shape=plaintext, label="1"]
        n3 [shape=box, label="a = add"]
        out0 [shape=ellipse, peripheries=2, label="out\\"]"]
        out1 [shape=ellipse, peripheries=2, label="y"]
        n0 -> n3 [label="[1]"]
        n2 -> n3 [label="[]"]
        n3 -> out0 [label="[1]"]
        n1 -> out1 [label="['my \\"T\\"']"]
      }"
    `)
  })
  test('large graphs are cut off with a note', () => {
    const lines = toDot(long, { limit: 5 }).split('\n')
    expect(lines.length).toBeLessThan(20)
    expect(lines.join('\n')).toContain('… 998 more nodes')
  })
})

describe('toMermaid', () => {
  test('a loop is a subgraph, arrows carry shapes', () => {
    expect(toMermaid(sample)).toMatchInlineSnapshot(`
      "flowchart TB
        n0(["h<br/>[2]"])
        n1(["x<br/>[T, 2]"])
        subgraph n2s ["a, b = scan"]
          n2["a, b = scan<br/>carry: 1<br/>xs: 1<br/>length: 'T'<br/>reverse: false"]
          n2b0n0(["carry.<br/>[2]"])
          n2b0n1(["x.<br/>[2]"])
          n2b0n2["a = add"]
          n2b0n3["b = tanh"]
          n2b0out0((("carry.")))
          n2b0out1((("y.h")))
          n2b0n0 -->|"[2]"| n2b0n2
          n2b0n1 -->|"[2]"| n2b0n2
          n2b0n2 -->|"[2]"| n2b0n3
          n2b0n3 -->|"[2]"| n2b0out0
          n2b0n0 -->|"[2]"| n2b0out1
        end
        n3["[1, 2]"]
        n4["d = mul"]
        n5["e = sumTo<br/>shape: [1, 2]"]
        n6["f = reshape<br/>shape: [2]"]
        out0((("last")))
        out1((("sum")))
        n0 -->|"[2]"| n2
        n1 -->|"[T, 2]"| n2
        n2 -->|"[2]"| n4
        n3 -->|"[2]"| n4
        n2 -->|"[T, 2]"| n5
        n5 -->|"[1, 2]"| n6
        n4 -->|"[2]"| out0
        n6 -->|"[2]"| out1"
    `)
  })
  test('names are escaped', () => {
    expect(toMermaid(hostile)).toMatchInlineSnapshot(`
      "flowchart TB
        n0(["a#34;b#92;#60;c#62;#38;#59;#35;<br/>[1]"])
        n1(["x y#124;]<br/>['my #34;T#34;']"])
        n2["1"]
        n3["a = add"]
        out0((("out#34;]")))
        out1((("y")))
        n0 -->|"[1]"| n3
        n2 -->|"[]"| n3
        n3 -->|"[1]"| out0
        n1 -->|"['my #34;T#34;']"| out1"
    `)
  })
  test('large graphs are cut off with a note', () => {
    expect(toMermaid(long, { limit: 5 })).toContain('… 998 more nodes')
    expect(toMermaid(long)).toContain('… 503 more nodes')
  })
})
