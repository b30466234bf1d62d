import { describe, expect, test } from 'vitest'
import {
  add,
  concat,
  evaluate,
  expand,
  gradient,
  graph,
  inline,
  item,
  mul,
  type Ref,
  scan,
  stack,
  sum,
  tangent,
  tanh,
  tensor,
  valueAndGradient,
} from '../src/index.js'
import { message } from './message.js'

const net = graph({ params: { W: [2, 3], b: [2] }, x: ['T', 3], y: ['T'] }, ({ params, x, y }) => ({
  loss: sum(params.b),
  x,
  y,
  W: params.W,
}))
const fit = {
  params: {
    W: [
      [1, 2, 3],
      [4, 5, 6],
    ],
    b: [1, 2],
  },
  x: [[1, 2, 3]],
  y: [1],
}

describe('values that do not match the inputs', () => {
  const given = (values: object): string => message(() => evaluate(net, values as never))
  test('a value is missing', () => {
    expect(given({ ...fit, params: { W: fit.params.W } })).toMatchInlineSnapshot(`
      "missing-input | input 'params.b': has no value; given params.W, x, y
      hint: give a value for every input, nested like the inputs or flat by dotted name"
    `)
  })
  test('a value is not asked for', () => {
    expect(given({ ...fit, params: { ...fit.params, w: 1 } })).toMatchInlineSnapshot(`
      "extra-input | input 'params.w': is not an input; inputs are params.W, params.b, x, y
      hint: did you mean params.W?"
    `)
    expect(given({ ...fit, extra: 1 })).toMatchInlineSnapshot(
      `"extra-input | input 'extra': is not an input; inputs are params.W, params.b, x, y"`,
    )
  })
  test('a value has another shape or rank', () => {
    expect(given({ ...fit, params: { ...fit.params, b: [1, 2, 3] } })).toMatchInlineSnapshot(
      `
      "shape | input 'params.b': has the shape [3]; the graph declares [2]
      hint: where lengths differ from run to run, declare a named axis: ['T', 3]"
    `,
    )
    expect(given({ ...fit, params: { ...fit.params, b: 1 } })).toMatchInlineSnapshot(
      `
      "shape | input 'params.b': has the shape []; the graph declares [2]
      hint: give every axis of the declared shape, those of length 1 too"
    `,
    )
  })
  test('a named axis gets two lengths', () => {
    expect(given({ ...fit, y: [1, 2] })).toMatchInlineSnapshot(
      `
      "shape | input 'y': makes axis 'T' 2 long; an earlier input made it 1
      hint: a name stands for one length in a run: give axes that differ different names"
    `,
    )
  })
  test('a name stands twice, nested and flat', () => {
    expect(given({ ...fit, 'params.b': [1, 2] })).toMatchInlineSnapshot(
      `
      "duplicate-name | evaluate: the name 'params.b' stands twice; names are unique
      hint: a key with dots in it is a path: rename one of them"
    `,
    )
  })
  test('a value is no number', () => {
    expect(given({ ...fit, y: ['one'] })).toMatchInlineSnapshot(
      `"bad-tensor | input 'y': an entry of [1] is one; lists on one level have equal lengths and end in numbers"`,
    )
    expect(given({ ...fit, y: null })).toMatchInlineSnapshot(
      `"bad-tree | evaluate: 'y' is null; expected nested plain objects"`,
    )
    expect(given({ ...fit, y: [null] })).toMatchInlineSnapshot(
      `"bad-tensor | input 'y': an entry of [1] is null; lists on one level have equal lengths and end in numbers"`,
    )
    expect(given({ ...fit, y: () => 1 })).toMatchInlineSnapshot(
      `"bad-tree | evaluate: 'y' is a function; expected nested plain objects"`,
    )
    expect(given(null as unknown as object)).toMatchInlineSnapshot(
      `"bad-tree | evaluate: the value is null; expected nested plain objects"`,
    )
  })
  test('lists are ragged, or stand in themselves', () => {
    expect(
      given({
        ...fit,
        x: [
          [1, 2, 3],
          [1, 2],
        ],
      }),
    ).toMatchInlineSnapshot(
      `"bad-tensor | input 'x': an entry of [2, 3] is a list of 2; lists on one level have equal lengths and end in numbers"`,
    )
    const knot: unknown[] = []
    knot.push(knot)
    expect(given({ ...fit, x: knot })).toMatchInlineSnapshot(
      `"bad-tensor | input 'x': lists stand more than 64 deep in each other; a tensor has at most 64 axes"`,
    )
    const tree: Record<string, unknown> = {}
    tree['params'] = tree
    expect(given(tree)).toMatchInlineSnapshot(
      `"bad-tree | evaluate: objects stand more than 64 deep in each other"`,
    )
  })
})

describe('shapes', () => {
  test('a length is negative, broken or no length at all', () => {
    expect(message(() => graph({ x: [-1] }, ({ x }) => ({ x })))).toMatchInlineSnapshot(
      `"bad-shape | input 'x': has the length -1; a length is a whole number ≥ 0 or a name"`,
    )
    expect(message(() => graph({ x: [1.5] }, ({ x }) => ({ x })))).toMatchInlineSnapshot(
      `"bad-shape | input 'x': has the length 1.5; a length is a whole number ≥ 0 or a name"`,
    )
    expect(message(() => graph({ x: [''] }, ({ x }) => ({ x })))).toMatchInlineSnapshot(
      `"bad-shape | input 'x': has the length ''; a length is a whole number ≥ 0 or a name"`,
    )
    expect(message(() => graph({ x: [Number.NaN] }, ({ x }) => ({ x })))).toMatchInlineSnapshot(
      `"bad-shape | input 'x': has the length NaN; a length is a whole number ≥ 0 or a name"`,
    )
  })
  test('a size overflows, of an input and of what an op makes', () => {
    expect(message(() => graph({ x: [2 ** 40, 2 ** 40] }, ({ x }) => ({ x })))).toMatchInlineSnapshot(`
      "bad-shape | input 'x': [1099511627776, 1099511627776] has more elements than can be counted
      hint: a value has at most 2⁵³ − 1 elements; take a smaller length, or name the axis"
    `)
    expect(
      message(() => graph({ x: [] }, ({ x }) => ({ y: expand(x, { shape: [2 ** 40, 2 ** 40] }) }))),
    ).toMatchInlineSnapshot(`
      "bad-shape | expand: [1099511627776, 1099511627776] has more elements than can be counted
      hint: a value has at most 2⁵³ − 1 elements; take a smaller length, or name the axis"
    `)
  })
  test('a size that can be counted and not be held', () => {
    const g = graph({ x: [] }, ({ x }) => ({ y: expand(x, { shape: [2 ** 50] }) }))
    expect(message(() => evaluate(g, { x: 1 }))).toMatchInlineSnapshot(`
      "too-large | tensor: [1125899906842624] has 1125899906842624 elements, more than memory holds
      hint: take smaller lengths, or work on parts of the axis"
    `)
  })
  test('an axis has no length, because no input has it', () => {
    const g = graph({ x: [] }, ({ x }) => ({ y: expand(x, { shape: ['T'] }) }))
    expect(message(() => evaluate(g, { x: 1 }))).toMatchInlineSnapshot(
      `
      "unbound-axis | value 1: axis 'T' has no length; the inputs bind none
      hint: use the axis in the shape of an input"
    `,
    )
  })
  test('numbers do not fill a shape', () => {
    expect(message(() => tensor([1, 2, 3], [2, 2]))).toMatchInlineSnapshot(
      `"bad-tensor | tensor: 3 numbers do not fill [2, 2]"`,
    )
    expect(message(() => item(tensor([1, 2])))).toMatchInlineSnapshot(
      `"not-scalar | item: [2] has 2 elements; item reads the one of a scalar"`,
    )
  })
})

describe('graphs', () => {
  let stray: Ref
  graph({ z: [] }, ({ z }) => {
    stray = z
    return { z }
  })
  test('a value belongs to another graph', () => {
    expect(message(() => graph({ x: [] }, ({ x }) => ({ y: add(x, stray) })))).toMatchInlineSnapshot(`
      "foreign-node | add: reads a value of another graph; ops join values of one graph
      hint: return the value from its graph, or pass it in as an input"
    `)
    expect(message(() => graph({ x: [] }, () => ({ y: stray })))).toMatchInlineSnapshot(`
      "foreign-node | output 'y': reads a value of another graph; ops join values of one graph
      hint: return the value from its graph, or pass it in as an input"
    `)
  })
  test('there is no graph to add to', () => {
    expect(message(() => add(1, 2))).toMatchInlineSnapshot(`
      "no-graph | add: every input is a constant, so there is no graph to add to; at least one input is a value of the graph
      hint: compute constants in plain JavaScript"
    `)
    expect(message(() => scan(c => [c, {}], { carry: 1, length: 2 }))).toMatchInlineSnapshot(`
      "no-graph | scan: neither the carry nor xs is a value of a graph
      hint: start from a graph input"
    `)
    expect(message(() => inline(net as never, {}))).toMatchInlineSnapshot(
      `"no-graph | inline: has no input, so there is no graph to copy into"`,
    )
  })
  test('a term is no value', () => {
    const bad = (term: unknown): string =>
      message(() => graph({ x: [] }, ({ x }) => ({ y: add(x, term as number) })))
    expect(bad([1, 2])).toMatchInlineSnapshot(`
      "bad-term | add: an input is a list; inputs are values of the graph, numbers or tensors
      hint: wrap a list in tensor(…)"
    `)
    expect(bad('x')).toMatchInlineSnapshot(`
      "bad-term | add: an input is x; inputs are values of the graph, numbers or tensors
      hint: wrap a list in tensor(…)"
    `)
    expect(bad(undefined)).toMatchInlineSnapshot(`
      "bad-term | add: an input is undefined; inputs are values of the graph, numbers or tensors
      hint: wrap a list in tensor(…)"
    `)
  })
  test('an op gets too few inputs', () => {
    const short = add as unknown as (x: Ref) => Ref
    expect(message(() => graph({ x: [] }, ({ x }) => ({ y: short(x) })))).toMatchInlineSnapshot(
      `"arity | add: got 1 of its inputs; it takes 2: a, b"`,
    )
  })
  test('outputs are no values, or have one name', () => {
    expect(message(() => graph({ x: [] }, () => ({ y: 'x' as never })))).toMatchInlineSnapshot(
      `"bad-tree | graph: 'y' is a string; expected nested plain objects"`,
    )
    expect(message(() => graph({ x: [] }, ({ x }) => ({ 'a.b': x, a: { b: x } })))).toMatchInlineSnapshot(
      `
      "duplicate-name | graph: the name 'a.b' stands twice; names are unique
      hint: a key with dots in it is a path: rename one of them"
    `,
    )
  })
  test('inputs have one name', () => {
    expect(message(() => graph({ 'a.b': [], a: { b: [] } } as never, () => ({})))).toMatchInlineSnapshot(
      `
      "duplicate-name | graph: the name 'a.b' stands twice; names are unique
      hint: a key with dots in it is a path: rename one of them"
    `,
    )
  })
  test('an inlined graph lacks an input', () => {
    const missing = (): unknown =>
      graph(
        { x: [] },
        ({ x }) =>
          inline(graph({ a: [], b: [] }, ({ a, b }) => ({ y: add(a, b) })) as never, { a: x }) as never,
      )
    expect(message(missing)).toMatchInlineSnapshot(`"missing-input | inline: input 'b' has no ref; given a"`)
  })
  test('there is nothing to join', () => {
    expect(message(() => concat([]))).toMatchInlineSnapshot(
      `"empty-list | concat: has nothing to join; give one value at least"`,
    )
    expect(message(() => stack([]))).toMatchInlineSnapshot(
      `"empty-list | stack: has nothing to stack; give one value at least"`,
    )
  })
})

describe('derivatives', () => {
  test('of what is no output, by what is no input, of what is no scalar', () => {
    expect(message(() => gradient(net, { of: 'los', by: ['params'] }))).toMatchInlineSnapshot(`
      "unknown-output | 'los': is not an output; outputs are loss, x, y, W
      hint: did you mean loss?"
    `)
    expect(message(() => gradient(net, { of: 'loss', by: ['param' as 'params'] }))).toMatchInlineSnapshot(
      `"unknown-input | 'param': is not an input; inputs are params.W, params.b, x, y"`,
    )
    expect(message(() => valueAndGradient(net, { of: 'W', by: ['params'] }))).toMatchInlineSnapshot(`
      "not-scalar | 'W': has the shape [2, 3]; a gradient needs a scalar
      hint: sum or average it first"
    `)
    expect(message(() => tangent(net, { by: ['z' as 'x'] }))).toMatchInlineSnapshot(`
      "unknown-input | 'z': is not an input; inputs are params.W, params.b, x, y
      hint: did you mean x?"
    `)
  })
})

describe('loops', () => {
  const loop = (run: (h: Ref, x: Ref) => unknown): string =>
    message(() => graph({ h: [2], x: ['T', 2] }, ({ h, x }) => run(h, x as never) as never))
  test('the length is not known', () => {
    expect(loop(h => scan(c => [tanh(c), {}], { carry: h }))).toMatchInlineSnapshot(`
      "scan-length | scan: has no xs with a first axis, so its length is not known
      hint: give length"
    `)
  })
  test('a sequence has another length, or none', () => {
    expect(loop((h, x) => scan(c => [tanh(c), {}], { carry: h, xs: { x, h } }))).toMatchInlineSnapshot(
      `"scan-length | scan: xs 'h' [2] is 2 long, the scan T; every sequence has the scan's length as its first axis"`,
    )
    expect(
      loop((h, x) => scan(c => [tanh(c), {}], { carry: h, xs: { x, s: sum(x) } })),
    ).toMatchInlineSnapshot(
      `"scan-length | scan: xs 's' [] is a scalar, the scan T; every sequence has the scan's length as its first axis"`,
    )
  })
  test('a carry changes its shape, or is missing', () => {
    expect(loop((h, x) => scan(c => [sum(c) as never, {}], { carry: h, xs: x }))).toMatchInlineSnapshot(`
      "scan-carry | scan: the carry enters the body as [2] and leaves it as []; a carry keeps its shape
      hint: expand the initial carry to the full shape"
    `)
    expect(loop((h, x) => scan(() => [{} as never, {}], { carry: { h }, xs: x }))).toMatchInlineSnapshot(
      `"scan-carry | scan: carry 'h' is missing from what the body returns; a body returns [carry, y]"`,
    )
  })
  test('a value of the body leaves it by a side door', () => {
    let inner: Ref | undefined
    const leak = (h: Ref, x: Ref): unknown => {
      const body = (c: Ref): [Ref, object] => {
        inner = tanh(c)
        return [inner, {}]
      }
      scan(body as never, { carry: h, xs: x })
      return { y: mul(inner!, 2) }
    }
    expect(loop(leak)).toMatchInlineSnapshot(`
      "foreign-node | output 'y': reads a value of another graph; ops join values of one graph
      hint: return the value from its graph, or pass it in as an input"
    `)
  })
})
