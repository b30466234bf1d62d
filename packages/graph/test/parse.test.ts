import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { linearMap, op, type Unary } from '../src/declare.js'
import {
  add,
  check,
  type Graph,
  GraphError,
  gradient,
  graph,
  parse,
  print,
  type Shape,
  scan,
  tangent,
  tensor,
} from '../src/index.js'
import { arbitraryProgram } from '../src/laws/arbitrary.js'
import { message } from './message.js'
import { programs } from './programs.js'

const inside = (lines: string): string => `graph(x: [3], W: [2, 3]) {\n  ${lines}\n}`

describe('parse', () => {
  test('comments and line breaks are spaces', () => {
    const text = 'graph(x: [3]) { // head\n a: [3] =\n tanh(\n x) return // tail\n a }'
    expect(print(parse(text))).toBe('graph(x: [3]) {\n  a: [3] = tanh(x)\n  return a\n}')
  })
  test("a user's op is read when it is given", () => {
    const twice: Unary = linearMap({
      name: 'my.twice',
      shape: (x: Shape) => x,
      forward: x => ({ shape: x.shape, data: x.data.map(v => 2 * v) }),
      transpose: g => twice(g),
    })
    const g = graph({ x: [3] }, ({ x }) => ({ y: twice(x) })) as Graph
    expect(parse(print(g), { ops: [twice] })).toStrictEqual(g)
    expect(parse(print(g), { ops: [twice.spec] })).toStrictEqual(g)
    expect(message(() => parse(print(g)))).toMatchInlineSnapshot(`
      "parse | 2:12: 'my.twice' is no known op
      hint: give your own ops to parse: parse(text, { ops: [...] })"
    `)
  })
  test('settings of every kind read back: words, lists, records, tensors and graphs', () => {
    const body = graph({ q: [2] }, ({ q }) => ({ r: add(q, 1) })) as Graph
    const attrs = {
      flag: true,
      off: false,
      none: null,
      missing: undefined,
      text: "it's [1] \n\u2028\ud800 // no comment",
      numbers: [1, -0, Number.NaN, Number.NEGATIVE_INFINITY, 1e-300],
      words: ['T', 'two words', 'true', ''],
      record: { 'a b': { c: [[], [1]] }, __proto__x: 1 },
      table: tensor([
        [1, 2],
        [3, -0],
      ]),
      branches: [body, { deep: body }],
      body,
      'odd key': body,
    }
    const any = op<readonly ['x'], Record<string, unknown>>({
      name: 'any thing',
      inputs: ['x'],
      saves: [],
      shape: ([x]) => x!,
      forward: ([x]) => x!,
      jvp: {},
      vjp: {},
    })
    const g = graph({ x: [2] }, ({ x }) => ({ y: any(x, attrs) })) as Graph
    expect(print(g)).toMatchInlineSnapshot(`
      "graph(x: [2]) {
        a: [2] = 'any thing'(x, flag: true, off: false, none: null, missing: undefined, text: 'it\\'s [1] \\n\\u2028\\ud800 // no comment', numbers: [1, -0, NaN, -Infinity, 1e-300], words: [T, 'two words', 'true', ''], record: {'a b': {c: [[], [1]]}, __proto__x: 1}, table: tensor([2, 2], [1, 2, 3, -0]), branches: [graph(q: [2]) {   a: [2] = add(q, 1)   return r: a }, {deep: graph(q: [2]) {   a: [2] = add(q, 1)   return r: a }}])
          body(q: [2]) {
            a: [2] = add(q, 1)
            return r: a
          }
          'odd key'(q: [2]) {
            a: [2] = add(q, 1)
            return r: a
          }
        return y: a
      }"
    `)
    expect(parse(print(g), { ops: [any] })).toEqual(g)
    expect(print(parse(print(g), { ops: [any] }))).toBe(print(g))
  })
})

describe('parse names the line, the column and what was expected', () => {
  const cases: readonly (readonly [title: string, text: string])[] = [
    ['no graph', 'hello'],
    ['an empty text', ''],
    ['a text that ends too early', 'graph(x: [3]) {\n  a: [3] = tanh('],
    ['text after the end', `${inside('return x')} x`],
    ['an unknown op', inside('a: [3] = tahn(x)\n  return a')],
    ['a name that is not known', inside('a: [3] = tanh(w)\n  return a')],
    ['a forward reference', inside('a: [3] = tanh(b)\n  b: [3] = tanh(x)\n  return b')],
    ['a cyclic reference', inside('a: [3] = add(a, x)\n  return a')],
    ['a name that stands twice', inside('a: [3] = tanh(x)\n  a: [3] = tanh(x)\n  return a')],
    ['an input that stands twice', 'graph(x: [3], x: [3]) { return x }'],
    ['an output that stands twice', inside('return y: x, y: W')],
    ['a shape that the op does not make', inside('a: [2] = tanh(x)\n  return a')],
    ['inputs that do not fit', inside("a: [2] = contract(W, W, spec: 'ab,bc->ac')\n  return a")],
    ['too few inputs', inside('a: [3] = add(x)\n  return a')],
    ['settings an op does not take', inside('a: [] = sumTo(x)\n  return a')],
    ['a setting that stands twice', inside('a: [] = sumTo(x, shape: [], shape: [])\n  return a')],
    ['too many values', inside('a: [3], b: [3] = tanh(x)\n  return a')],
    ['a ragged constant', inside('a: [2, 2] = [[1, 2], [3]]\n  return a')],
    ['a constant of a named axis', inside('a: [T] = [1]\n  return a')],
    ['a constant that is too large to stand in the text', inside('a: [1000000] = [1]\n  return a')],
    ['a size that overflows', 'graph(x: [9007199254740991, 2]) { return x }'],
    [
      'an op that makes a size that overflows',
      inside('a: [1e9, 1e9] = expand(1, shape: [1e9, 1e9])\n  return a'),
    ],
    ['a length that is no whole number', 'graph(x: [1.5]) { return x }'],
    ['an input without a shape', 'graph(x) { return }'],
    ['a line for an input that has a shape', inside('x: [3] = input\n  return x')],
    ['a quote that does not close', "graph('x: [3]) { return }"],
    ['a sign that means nothing', inside('a: [3] = tanh(x) # odd')],
    [
      'a loop without a body',
      inside('a: [3] = scan(x, carry: 1, xs: 0, length: 3, reverse: false)\n  return a'),
    ],
    [
      'a loop whose carry changes its shape',
      inside(
        'a: [3] = scan(x, carry: 1, xs: 0, length: 3, reverse: false)\n    body(h: [3]) { return h: 1 }\n  return a',
      ),
    ],
    ['lists that stand too deep', inside(`a: [3] = tanh(x, deep: ${'['.repeat(100)}`)],
    [
      'loops that stand too deep',
      inside(`${'a: [3] = scan(x, carry: 1, xs: 0, length: 3) body(x: [3]) { '.repeat(80)}`),
    ],
    ['two values on a line of a constant', inside('a: [], b: [] = 3\n  return a')],
    ['an escape that means nothing', "graph('\\q': []) { return }"],
  ]
  test('in every case', () => {
    const found = cases.map(([title, text]) => `${title}\n    ${message(() => parse(text))}`)
    expect(found.join('\n')).toMatchInlineSnapshot(`
      "no graph
          parse | 1:1: found 'hello'; expected 'graph('
      an empty text
          parse | 1:1: found the end of the text; expected 'graph('
      a text that ends too early
          parse | 2:17: found the end of the text; expected a value, a number or a setting
      text after the end
          parse | 3:3: found 'x'; expected the end of the text
      an unknown op
          parse | 2:12: 'tahn' is no known op
      hint: did you mean tanh?
      a name that is not known
          parse | 2:17: 'w' is no value of this graph
      hint: did you mean W?
      a forward reference
          parse | 2:17: 'b' is read before it is made; a node reads values of earlier lines
      hint: move the line that makes it up
      a cyclic reference
          parse | 2:16: 'a' reads itself; a node reads values of earlier lines
      hint: graphs have no cycles: repeat with scan
      a name that stands twice
          parse | 3:3: the name 'a' stands twice; names are unique
      hint: rename one of them
      an input that stands twice
          parse | 1:15: the name 'x' stands twice; names are unique
      hint: rename one of them
      an output that stands twice
          parse | 2:16: output 'y' stands twice; names are unique
      hint: rename one of them
      a shape that the op does not make
          parse | 2:6: [2] is written, tanh makes [3]
      inputs that do not fit
          parse | 2:12: contract: axis 'b' is 3 in a [2, 3] and 2 in b [2, 3]; shared axes are equal
      too few inputs
          parse | 2:12: add takes 2 inputs (a, b), got 1
      settings an op does not take
          parse | 2:11: sumTo does not take these settings on inputs [3]: Cannot read properties of undefined (reading 'length')
      a setting that stands twice
          parse | 2:31: 'shape' stands twice; keys are unique
      hint: leave one of them out
      too many values
          parse | 2:3: tanh makes one value; this line names 2
      a ragged constant
          parse | 2:26: found ']'; expected ',' (a list of 2, for the shape [2, 2])
      a constant of a named axis
          parse | 2:6: axis 'T' has no length; a constant has a shape of numbers
      a constant that is too large to stand in the text
          parse | 2:6: [1000000] has 1000000 elements, more than the text can hold
      a size that overflows
          parse | 1:10: the shape [9007199254740991, 2] has more elements than can be counted
      hint: a value has at most 2⁵³ − 1 elements; take a smaller length, or name the axis
      an op that makes a size that overflows
          parse | 2:6: the shape [1000000000, 1000000000] has more elements than can be counted
      hint: a value has at most 2⁵³ − 1 elements; take a smaller length, or name the axis
      a length that is no whole number
          parse | 1:10: the shape has the length 1.5; a length is a whole number ≥ 0 or a name
      an input without a shape
          parse | 1:19: input 'x' has no shape; give it in the head, or in a line 'x: [...] = input'
      a line for an input that has a shape
          parse | 2:3: 'x' does not wait for its line; 'input' is for inputs that are listed without a shape
      a quote that does not close
          parse | 1:7: found "'x: [3]) { return }"; its closing quote is missing
      a sign that means nothing
          parse | 2:20: found "# odd"; this is no name, number or sign
      a loop without a body
          parse | 2:12: scan: has no body; the setting body is a graph
      a loop whose carry changes its shape
          parse | 2:12: scan: carry 'h' enters the body as [3] and leaves it as []; a carry keeps its shape
      lists that stand too deep
          parse | 2:91: stands more than 64 deep; the limit is 64
      loops that stand too deep
          parse | 2:3892: a loop stands in 65 others; at most 64 stand in each other
      two values on a line of a constant
          parse | 2:10: stands beside another value; an input or a constant is one value
      an escape that means nothing
          parse | 1:7: found "'\\\\q': []) { return }"; a backslash stands before one of ' \\ n r t, or as \\u and four digits"
    `)
  })
})

describe('parse on hostile text', () => {
  const valid = fc
    .sample(programs, { numRuns: 20, seed: 7 })
    .flatMap(({ graph: g }) => [print(g), print(gradient(g, { of: 'loss', by: ['w'] }))])
  const pieces = [
    ..."()[]{}:,='\\-.\n",
    'return',
    'graph(',
    'body(',
    'scan(',
    '1e999',
    'NaN',
    'T',
    '[3]',
    "'",
    '//',
    'input',
  ]
  const edits = fc.array(
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(12),
      put: fc.constantFrom('', ...pieces),
    }),
    { minLength: 1, maxLength: 4 },
  )
  const mutated = fc.tuple(fc.constantFrom(...valid), edits).map(([text, list]) =>
    list.reduce((now, { at, cut, put }) => {
      const from = Math.floor(at * now.length)
      return now.slice(0, from) + put + now.slice(from + cut)
    }, text),
  )
  const noise = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc
      .array(fc.constantFrom('a', 'x', ' ', '3', 'add', 'tanh', ...pieces), { maxLength: 40 })
      .map(list => list.join('')),
    fc
      .array(fc.constantFrom('a', ' ', '3', ...pieces), { maxLength: 30 })
      .map(list => `graph(x: [3]) { ${list.join(' ')}`),
  )
  const survives = (text: string): void => {
    try {
      const made = parse(text)
      expect(parse(print(check(made)))).toEqual(made)
    } catch (error) {
      if (!(error instanceof GraphError && error.code === 'parse')) throw error
    }
  }
  test('7,000 valid texts with a few changes either parse to a well-formed graph or are refused', () => {
    fc.assert(fc.property(mutated, survives), { numRuns: 7000 })
  }, 120_000)
  test('3,000 texts of noise either parse or are refused', () => {
    fc.assert(fc.property(noise, survives), { numRuns: 3000 })
  }, 60_000)
  test('long tokens, deep nesting and many lines are read without recursion', () => {
    const n = 200_000
    for (const text of [
      `graph('${'a'.repeat(n)}`,
      `graph('${'\\n'.repeat(n)}': []) { return }`,
      `graph(${' // \n'.repeat(n)}) { return }`,
      '('.repeat(n),
      `graph(x: [${'1, '.repeat(n)}1]) { return }`,
      `graph(x: []) { a: [] = add(x, k: ${'['.repeat(n)}`,
      `graph(x: []) { a: [] = add(x, k: ${'{a:'.repeat(n)}`,
      `graph(x: []) { a: [${'1,'.repeat(n)}] = ${'['.repeat(n)}`,
      'graph() { a: [] = f() g('.repeat(n / 100),
      `graph(x: []) { a: [] = scan(${'x,'.repeat(n)}) body(`,
      `${'9'.repeat(n)}`,
    ])
      survives(text)
  })
})

describe('a program of loops in loops', () => {
  test('reads back', () => {
    const g = graph({ h: [], x: ['T', 'S'] }, ({ h, x }) => {
      const [end] = scan((c, row) => scan((d, s) => [add(d, s), {}], { carry: c, xs: row }), {
        carry: h,
        xs: x,
      })
      return { end }
    })
    expect(parse(print(g))).toStrictEqual(g)
  })
})

describe('programs of every op of the package', () => {
  test('read back equal, with their derivatives', () => {
    fc.assert(
      fc.property(arbitraryProgram({ gates: 0.3 }), ({ graph: g }) => {
        expect(parse(print(check(g)))).toStrictEqual(g)
        const along = check(tangent(g, { by: [''] }))
        expect(parse(print(along))).toStrictEqual(along)
      }),
      { numRuns: 200 },
    )
  })
})
