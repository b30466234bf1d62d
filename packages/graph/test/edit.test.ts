import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { elementwise } from '../src/declare.js'
import {
  add,
  applyPatches,
  check,
  type DocumentApply,
  edit,
  evaluate,
  type Graph,
  type GraphDocument,
  graph,
  mul,
  print,
  scan,
  sum,
  tanh,
  tensor,
} from '../src/index.js'
import { message } from './message.js'
import { programs } from './programs.js'

const sample = graph({ x: [3], w: [3] }, ({ x, w }) => ({
  loss: sum(tanh(mul(x, mul(w, tensor([1, 2, 3]))))),
})) as Graph

const apply = (draft: GraphDocument, op: string): DocumentApply =>
  draft.nodes.find(node => node.kind === 'apply' && node.op === op) as DocumentApply

function restores(g: Graph, change: (draft: GraphDocument) => void): Graph {
  const before = structuredCopy(g)
  const { graph: after, patches, inverse } = edit(g, change)
  expect(structuredCopy(g)).toEqual(before)
  expect(applyPatches(g, patches)).toStrictEqual(after)
  expect(applyPatches(after, inverse)).toStrictEqual(g)
  return after
}

const structuredCopy = (g: Graph): string => print(g)

describe('edit', () => {
  test('an op is exchanged', () => {
    const {
      graph: after,
      patches,
      inverse,
    } = edit(sample, draft => {
      apply(draft, 'tanh').op = 'sigmoid'
    })
    expect(print(after)).toContain('sigmoid')
    expect(patches).toEqual([{ op: 'replace', path: ['nodes', 5, 'op'], value: 'sigmoid' }])
    expect(applyPatches(after, inverse)).toStrictEqual(sample)
  })
  test('an input is rewired, a setting is changed, an output is renamed, a constant is replaced', () => {
    const after = restores(sample, draft => {
      apply(draft, 'mul').inputs[0] = 0
      draft.outputs[0]!.name = 'cost'
      const constant = draft.nodes.find(node => node.kind === 'constant')
      if (constant?.kind === 'constant') constant.value = tensor([4, 5, 6])
    })
    expect(print(after)).toMatchInlineSnapshot(`
      "graph(x: [3], w: [3]) {
        a: [3] = [4, 5, 6]
        b: [3] = mul(x, a)
        c: [3] = mul(x, b)
        d: [3] = tanh(c)
        e: [1] = sumTo(d, shape: [1])
        f: [] = reshape(e, shape: [])
        return cost: f
      }"
    `)
  })
  test('a node is inserted with a number that is not in use', () => {
    const after = restores(sample, draft => {
      const at = draft.nodes.indexOf(apply(draft, 'tanh'))
      const tanhNode = draft.nodes[at] as DocumentApply
      draft.nodes.splice(at, 0, {
        kind: 'apply',
        op: 'square',
        inputs: [...tanhNode.inputs],
        attrs: {},
        outputs: [100],
      })
      tanhNode.inputs = [100]
    })
    expect(print(after)).toMatchInlineSnapshot(`
      "graph(x: [3], w: [3]) {
        a: [3] = [1, 2, 3]
        b: [3] = mul(w, a)
        c: [3] = mul(x, b)
        d: [3] = square(c)
        e: [3] = tanh(d)
        f: [1] = sumTo(e, shape: [1])
        g: [] = reshape(f, shape: [])
        return loss: g
      }"
    `)
  })
  test('shapes follow when an input gets another one', () => {
    const g = graph({ x: [3] }, ({ x }) => ({ y: tanh(mul(x, 2)) })) as Graph
    const after = restores(g, draft => {
      const input = draft.nodes[0]!
      if (input.kind === 'input') input.shape = ['T', 3]
    })
    expect(print(after)).toMatchInlineSnapshot(`
      "graph(x: [T, 3]) {
        a: [T, 3] = mul(x, 2)
        b: [T, 3] = tanh(a)
        return y: b
      }"
    `)
  })
  test('the body of a loop is a document too', () => {
    const g = graph({ h: [2] }, ({ h }) => ({
      h: scan(s => [tanh(add(s, 1)), {}], { carry: h, length: 3 })[0],
    })) as Graph
    const after = restores(g, draft => {
      const body = apply(draft, 'scan').attrs['body'] as GraphDocument
      apply(body, 'tanh').op = 'sin'
    })
    expect(print(after)).toMatchInlineSnapshot(`
      "graph(h: [2]) {
        a: [2] = scan(h, carry: 1, xs: 0, length: 3, reverse: false)
          body(carry.: [2]) {
            a: [2] = add(carry., 1)
            b: [2] = sin(a)
            return carry.: b
          }
        return h: a
      }"
    `)
  })
  test("a user's op is named when it is given, and two ops of one name are told apart", () => {
    const twice = elementwise({
      name: 'twice',
      inputs: ['x'],
      saves: [],
      f: (x: number) => 2 * x,
      partials: { x: () => 2 },
    })
    const tanh2 = elementwise({
      name: 'tanh',
      inputs: ['x'],
      saves: [],
      f: (x: number) => x,
      partials: { x: () => 1 },
    })
    const { graph: after } = edit(
      sample,
      draft => {
        apply(draft, 'tanh').op = 'twice'
      },
      { ops: [twice] },
    )
    expect(print(after)).toContain('twice(')
    const g = graph({ x: [] }, ({ x }) => ({ y: tanh2(tanh(x)) })) as Graph
    const swapped = edit(g, draft => {
      expect(draft.nodes.map(node => node.kind === 'apply' && node.op)).toEqual([false, 'tanh', 'tanh#2'])
      apply(draft, 'tanh').op = 'tanh#2'
    }).graph
    expect(evaluate(swapped, { x: 3 })).toEqual({ y: tensor(3) })
  })
  test('a change in place of a tensor is refused, and the graph stays as it was', () => {
    const change = (draft: GraphDocument): void => {
      for (const node of draft.nodes) if (node.kind === 'constant') node.value.data[0] = 7
    }
    const text = print(sample)
    expect(message(() => edit(sample, change))).toMatchInlineSnapshot(`
      "edited-in-place | constant #2: its numbers were changed in place; a tensor is replaced whole
      hint: assign a new one: node.value = tensor([...])"
    `)
    expect(print(sample)).toBe(text)
  })
  test('edits that leave no graph are refused', () => {
    const refused = (change: (draft: GraphDocument) => void): string => message(() => edit(sample, change))
    expect(
      refused(draft => {
        apply(draft, 'tanh').op = 'tahn'
      }),
    ).toMatchInlineSnapshot(`
      "unknown-op | tahn #5: 'tahn' is no known op
      hint: did you mean tanh?"
    `)
    expect(
      refused(draft => {
        apply(draft, 'tanh').inputs = [77]
      }),
    ).toMatchInlineSnapshot(`"missing-value | tanh #5: reads value #77, which no node makes"`)
    expect(
      refused(draft => {
        apply(draft, 'tanh').inputs = [6]
      }),
    ).toMatchInlineSnapshot(`
      "late-value | tanh #5: reads value #6, which does not come before it; a node reads values of earlier nodes
      hint: move the node down"
    `)
    expect(
      refused(draft => {
        apply(draft, 'tanh').outputs = [0]
      }),
    ).toMatchInlineSnapshot(
      `"duplicate-value | edit: two nodes make value #0; a new value takes a number that is not in use"`,
    )
    expect(
      refused(draft => {
        apply(draft, 'sumTo').attrs = { shape: [2] }
      }),
    ).toMatchInlineSnapshot(
      `"shape | sumTo #6: [2] does not broadcast to [3]; axes align from the last, with equal lengths or 1"`,
    )
    expect(
      refused(draft => {
        apply(draft, 'sumTo').attrs = {}
      }),
    ).toMatchInlineSnapshot(
      `"ill-formed | sumTo #6: does not take its inputs and settings: TypeError: Cannot read properties of undefined (reading 'length')"`,
    )
    expect(
      refused(draft => {
        draft.nodes.splice(3, 1)
      }),
    ).toMatchInlineSnapshot(`"missing-value | mul #3: reads value #3, which no node makes"`)
    expect(
      refused(draft => {
        draft.outputs[0]!.value = 99
      }),
    ).toMatchInlineSnapshot(`"missing-value | 'loss': reads value #99, which no node makes"`)
    expect(
      refused(draft => {
        delete (apply(draft, 'tanh') as Partial<DocumentApply>).inputs
      }),
    ).toMatchInlineSnapshot(
      `"ill-formed | edit: a node has no list 'inputs'; a node names the values it makes, and an application those it reads"`,
    )
    expect(
      refused(draft => {
        draft.nodes.push({} as DocumentApply)
      }),
    ).toMatchInlineSnapshot(
      `"ill-formed | edit: a node has no list 'outputs'; a node names the values it makes, and an application those it reads"`,
    )
  })
  test('patches that do not fit are refused', () => {
    const { patches } = edit(sample, draft => {
      apply(draft, 'tanh').op = 'sin'
    })
    const other = graph({ x: [] }, ({ x }) => ({ x })) as Graph
    expect(message(() => applyPatches(other, patches))).toMatchInlineSnapshot(`
      "patch | applyPatches: the patches do not fit the graph: [Immer] Cannot apply patch, path doesn't resolve: nodes/5/op
      hint: apply patches to the graph that was edited, and inverse patches to the result"
    `)
  })
  test('on every random graph, inverse patches restore the original exactly', () => {
    const places = fc.array(fc.tuple(fc.nat(3), fc.nat(1000)), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(programs, places, ({ graph: g }, list) => {
        check(
          restores(g, draft => {
            for (const [kind, n] of list) surgery(draft, kind, n)
          }),
        )
      }),
      { numRuns: 200 },
    )
  })
})

/** Small changes that leave a graph well formed. */
function surgery(draft: GraphDocument, kind: number, n: number): void {
  const spots = draft.nodes.flatMap((node, i) =>
    node.kind === 'apply' && (node.op === 'tanh' || node.op === 'square') ? [i] : [],
  )
  const at = spots[n % spots.length]!
  const node = draft.nodes[at] as DocumentApply
  const unused = 1 + Math.max(...draft.nodes.flatMap(each => each.outputs))
  if (kind === 0) node.op = 'sin'
  else if (kind === 1) draft.nodes.push({ kind: 'constant', value: tensor([n, -0]), outputs: [unused] })
  else if (kind === 2) draft.outputs.push({ name: `new ${draft.outputs.length}`, value: node.outputs[0]! })
  else {
    draft.nodes.splice(at, 0, {
      kind: 'apply',
      op: 'neg',
      inputs: [node.inputs[0]!],
      attrs: {},
      outputs: [unused],
    })
    node.inputs[0] = unused
  }
  if (spots.length === 1 && kind === 0) node.op = 'square'
}
