import {
  add,
  compile,
  concat,
  type Graph,
  GraphError,
  gather,
  gradient,
  graph,
  mul,
  permute,
  type Ref,
  scan,
  sum,
  type Tensor,
  tanh,
} from '@bptt/graph'
import { elementwise, type Op, op, type Unary } from '@bptt/graph/op'
import { describe, expect, test } from 'vitest'
import { apart, bits, compiled, draw, reference, valuesOf } from './compile-support.js'

/** x³, without machine code. */
const cube: Unary = elementwise({
  name: 'cube',
  inputs: ['x'],
  saves: ['x'],
  f: (x: number) => x * x * x,
  partials: { x: ({ x }) => mul(mul(x, x), 3) },
})

/** The order of x's elements along its first axis reversed, times 2; it refuses numbers above its limit. */
const twiceReversed: Op<readonly ['x'], { readonly limit: number }> = op<
  readonly ['x'],
  { readonly limit: number }
>({
  name: 'twiceReversed',
  inputs: ['x'],
  saves: [],
  shape: ([x]) => x!,
  forward: ([x], { attrs }) => {
    const [rows = 0, ...rest] = x!.shape
    const width = rest.reduce((a, b) => a * b, 1)
    const data = x!.data.map((_, i) => 2 * x!.data[(rows - 1 - Math.floor(i / width)) * width + (i % width)]!)
    if (data.some(value => value > attrs.limit))
      throw new GraphError('too-large', 'twiceReversed', 'a number is too large')
    return { shape: x!.shape, data }
  },
  jvp: { x: (tangent, { attrs }) => twiceReversed(tangent, attrs) },
  vjp: { x: (g, { attrs }) => twiceReversed(g, attrs) },
})
const limit = { limit: 1e6 }

const drawn = ({ inputs, shapes }: Graph, T: number): readonly Tensor[] =>
  inputs.map(({ value }, i) =>
    draw(
      shapes[value]!.map(dim => (typeof dim === 'string' ? T : dim)),
      i,
    ),
  )

/** An op without code on values that lie in every way: whole, turned, repeated, in parts, at each step of a loop. */
const everywhere = graph({ x: [3, 4], h: [4, 2], xs: ['T', 4, 2], w: [4] }, ({ x, h, xs, w }) => {
  const turned = twiceReversed(permute(x, { axes: [1, 0] }), limit)
  const joined = concat([cube(x) as Ref, twiceReversed(x, limit), x], { axis: 1 })
  const [end, ys] = scan(
    ((c: Ref, row: Ref) => {
      const next = tanh(
        add(twiceReversed(add(c, cube(row)) as Ref, limit), cube(permute(row, { axes: [0, 1] }))),
      )
      return [next, concat([twiceReversed(next, limit), cube(next)], { axis: 1 })]
    }) as never,
    { carry: h as Ref, xs: xs as Ref } as never,
  ) as unknown as readonly [Ref, Ref]
  const loss = add(add(sum(joined), sum(tanh(ys))), add(sum(mul(turned, turned)), sum(cube(w)))) as Ref<[]>
  return { loss, turned, joined, end, ys, whole: twiceReversed(xs as Ref, limit) }
}) as Graph

describe('an op without machine code', () => {
  test('runs by its forward function inside loops and outside, over any length', () => {
    const slope = gradient(everywhere, { of: 'loss', by: [''] })
    for (const T of [0, 1, 2, 9])
      for (const made of [everywhere, slope]) {
        const given = drawn(made, T)
        expect(apart(compiled(made, given), reference(made, given))).toBeLessThanOrEqual(1e-12)
        expect(
          apart(compiled(made, given, { dtype: 'float32' }), reference(made, given)),
        ).toBeLessThanOrEqual(1e-5)
      }
  })

  test('is called on copies: what it does to its inputs harms nobody', () => {
    const rude = op({
      name: 'rude',
      inputs: ['x'],
      saves: [],
      shape: ([x]) => x!,
      forward: ([x]) => {
        const data = x!.data.slice()
        x!.data.fill(7)
        return { shape: x!.shape, data }
      },
      jvp: {},
      vjp: {},
    })
    const made = graph({ x: [3] }, ({ x }) => ({ y: rude(x), x: add(x, 0) })) as Graph
    const x = draw([3], 1)
    expect(bits(compiled(made, [x]))).toEqual(bits([x, x]))
  })

  test('that throws lets its error through; the state stays, and the next run is right', () => {
    const made = graph({ s: [2], xs: ['T', 2] }, ({ s, xs }) => {
      const [end] = scan((c: Ref, x: Ref) => [add(c, twiceReversed(x, { limit: 10 })) as Ref, c], {
        carry: s as Ref,
        xs: xs as Ref,
      })
      return { s: end }
    }) as Graph
    const program = compile(made, { dtype: 'float64', keep: { s: 's' } })
    program.run({ s: draw([2], 1), xs: draw([3, 2], 2) } as never)
    const before = program.read('s')
    const bad = { shape: [3, 2], data: Float64Array.of(1, 1, 1, 6, 1, 1) }
    expect(() => program.run({ xs: bad } as never)).toThrow(expect.objectContaining({ code: 'too-large' }))
    program.commit()
    expect(bits([program.read('s')])).toEqual(bits([before]))
    const xs = draw([4, 2], 3)
    program.run({ xs } as never)
    expect(apart([program.read('s')], reference(made, [before, xs]))).toBeLessThanOrEqual(1e-12)
  })

  test('that throws after a bad id leaves no trace of it in the next run', () => {
    const made = graph({ table: [3, 2], ids: [2] }, ({ table, ids }) => ({
      y: twiceReversed(gather(table, ids), { limit: -1 }),
      z: gather(table, ids),
    })) as Graph
    const program = compile(made)
    const [table, low] = [draw([3, 2], 1), { shape: [3, 2], data: new Float64Array(6).fill(-5) }]
    expect(() => program.run(valuesOf(made, [table, { shape: [2], data: Float64Array.of(0, 9) }]))).toThrow(
      GraphError,
    )
    const good = [low, { shape: [2], data: Float64Array.of(0, 2) }]
    expect(program.run(valuesOf(made, good))).toBeDefined()
  })

  test('of scalars and of nothing at all works', () => {
    const made = graph({ x: [], none: [0, 3] }, ({ x, none }) => ({ y: cube(x), z: cube(none) })) as Graph
    const given = [
      { shape: [], data: Float64Array.of(2) },
      { shape: [0, 3], data: new Float64Array(0) },
    ]
    expect(apart(compiled(made, given), reference(made, given))).toBe(0)
  })
})
