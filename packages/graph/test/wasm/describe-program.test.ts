import fc from 'fast-check'
import { describe as about, expect, test } from 'vitest'
import { hoist } from '../../src/hoist.js'
import {
  add,
  checkFinite,
  compile,
  concat,
  describe,
  exp,
  type Graph,
  gradient,
  graph,
  inline,
  linear,
  mul,
  type Ref,
  scan,
  slice,
  square,
  sub,
  sum,
  tanh,
} from '../../src/index.js'
import { lower } from '../../src/lower.js'
import { prune } from '../../src/prune.js'
import { share } from '../../src/rewrite/share.js'
import { dynamicAxes } from '../../src/wasm/axes.js'
import { arbitraryLayout } from './compile-layouts.js'
import { valuesOf } from './compile-support.js'

const net = gradient(
  graph({ U: [4, 3], W: [4, 4], h: ['B', 4], xs: ['T', 'B', 3] }, ({ U, W, h, xs }) => {
    const [last] = scan(
      (carry: Ref, x: Ref) => [tanh(add(linear(x, U as Ref), linear(carry, W as Ref))) as Ref, {}],
      { carry: h as Ref, xs: xs as Ref },
    )
    return { loss: sum(square(last)) }
  }) as Graph,
  { of: 'loss', by: ['U', 'W'] },
) as Graph

/** The same net with the rows of its matrix in two inputs, which a step changes. */
const gates = graph(
  { gates: { i: [3, 3], f: [1, 3] }, W: [4, 4], h: ['B', 4], xs: ['T', 'B', 3] },
  ({ gates: { i, f }, ...given }) => {
    const { U } = inline(net, { ...given, U: concat([i, f]) } as never) as unknown as { U: Ref }
    const slope = (start: number, size: number): Ref => slice(U, { axis: 0, start, size })
    return { gates: { i: sub(i, slope(0, 3)), f: sub(f, slope(3, 1)) } }
  },
) as Graph

about('what a program says of itself', () => {
  test('is a line per kernel, with flops and bytes', () => {
    const program = compile(net)
    program.bind({ T: 7, B: 2 })
    const { text, module } = program.describe()
    expect(text.replace(/ +/g, ' ').replace(/module .*/, 'module')).toMatchInlineSnapshot(`
      "flops 2312
      memory 16.3 KiB
      module
      kernel calls flops touches
      contract dot T·2×3×4 1 336 440 B
      copy carry 1 0 64 B
      contract dot 2×4×4 7 448 896 B
      add·tanh 7 112 672 B
      mul·mul 1 16 96 B
      copy carry 1 0 64 B
      pack 1 0 192 B
      square·sub·mul 7 168 672 B
      contract tile 2×4×4 7 448 1.3 KiB
      contract gradient 4×T·2×3 1 336 440 B
      contract gradient 4×T·2×4 1 448 512 B"
    `)
    expect(module).toBe(program.size().module)
  })

  test('predicts the bytes of its memory for lengths it has never had', () => {
    fc.assert(
      fc.property(
        arbitraryLayout(),
        fc.array(fc.nat(40), { minLength: 1, maxLength: 4 }),
        (made, lengths) => {
          const program = compile(made.graph)
          program.run(valuesOf(made.graph, made.inputs(3)))
          for (const T of lengths) {
            if (!dynamicAxes(prune(hoist(share(lower(made.graph))))).includes('T')) return
            const { memory } = program.describe({ T })
            program.run(valuesOf(made.graph, made.inputs(T)))
            expect(program.size().memory).toBe(memory)
          }
        },
      ),
      { numRuns: 30, seed: 3 },
    )
    for (const [made, keep] of [
      [net, {}],
      [gates, { gates: 'gates' }],
    ] as const)
      for (const threads of [1, 3]) {
        const program = compile(made, { threads, keep, dtype: 'float64' })
        program.bind({ T: 2, B: 5 })
        expect(program.plan()).not.toContain('copy concat') // joined inputs share their memory
        const { memory } = program.describe({ T: 90 })
        program.bind({ T: 90 })
        expect(program.size().memory).toBe(memory)
      }
  })

  test('counts for its products what the graph counts, in one thread and over all', () => {
    const seen = prune(hoist(share(lower(net))))
    for (const [T, B] of [
      [1, 1],
      [9, 4],
    ] as const) {
      const wanted = describe(seen, { T, B }).ops.find(({ name }) => name === 'contract')!.flops!
      for (const threads of [1, 2]) {
        const program = compile(net, { threads })
        program.bind({ T, B })
        const all = program.describe().kernels.filter(({ name }) => name.startsWith('contract'))
        expect(all.reduce((total, { flops }) => total + flops, 0)).toBe(wanted)
      }
    }
  })

  test('knows only lengths that are given at run time', () => {
    const program = compile(net)
    program.bind({ T: 7, B: 2 })
    expect(() => program.describe({ B: 3 })).toThrow(
      "program: axis 'B' is none that a loop runs along; those are T\nhint: bind the other axes first: their lengths are compiled in",
    )
    expect(() => program.describe({ T: -1 })).toThrow("axis 'T': has the length -1")
  })
})

/** A state that grows until it overflows: in float32 a step before float64 would. */
const growing = graph({ a: [], h: [2], xs: ['T', 2] }, ({ a, h, xs }) => {
  const [end, ys] = scan((old: Ref, x: Ref) => [exp(mul(old, a as Ref)) as Ref, add(old, x) as Ref], {
    carry: h as Ref,
    xs: xs as Ref,
  })
  return { h: end as Ref, loss: sum(ys as Ref) }
}) as Graph

about('checkFinite of a program', () => {
  const xs = [
    [0, 0],
    [0, 0],
    [0, 0],
  ]

  test('finds what overflows in float32, its node and its step, from what lies in it', () => {
    const program = compile(growing, { keep: { h: 'h' } })
    program.run({ a: 4.9, h: [0, -9], xs } as never, { commit: false })
    expect(checkFinite(growing, { a: 4.9, h: [0, -9], xs } as never)).toBeUndefined()
    const found = program.checkFinite()
    expect(found).toMatchObject({ op: 'exp', value: Number.POSITIVE_INFINITY, steps: [3], at: [0] })
    expect(found!.text).toMatch(/^t = 3: .* = exp\(.*\) gives Infinity at \[0\]$/)
  })

  test('takes values in place of some, and says nothing where all is well', () => {
    const program = compile(growing, { keep: { h: 'h' }, dtype: 'float64' })
    program.run({ a: 0.1, h: [0, 0], xs } as never)
    expect(program.checkFinite()).toBeUndefined()
    expect(program.checkFinite({ a: Number.NaN })!.text).toBe('input a: [] gives NaN')
    expect(() => compile(growing).checkFinite({ a: 1 })).toThrow("input 'h': holds no value")
  })

  test('reads the state of threads too', () => {
    const program = compile(graph({ x: ['B', 2] }, ({ x }) => ({ x: exp(mul(x, 60)) })) as Graph, {
      threads: 2,
      keep: { x: 'x' },
    })
    program.run(
      {
        x: [
          [0, 0],
          [0, 0],
          [1, 2],
        ],
      } as never,
      { commit: false },
    )
    expect(program.checkFinite()).toMatchObject({ op: 'exp', at: [2, 1] })
  })
})
