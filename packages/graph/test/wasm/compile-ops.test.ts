import {
  add,
  contract,
  type Graph,
  gather,
  graph,
  type Ref,
  scan,
  scatterAdd,
  sum,
  type Tensor,
} from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OpSpec } from '../../src/graph.js'
import { bound } from '../../src/laws/point.js'
import { drawTensor, randomFrom } from '../../src/laws/random.js'
import { drawInput, showCase, single } from '../../src/laws/site.js'
import { ops } from '../../src/ops/all.js'
import type { Shape } from '../../src/shape.js'
import { apart, compiled, reference } from './compile-support.js'

interface Application {
  readonly graph: Graph
  readonly inputs: readonly Tensor[]
  readonly text: string
}

/** An op on inputs of these shapes, at a point of its domain. */
function application(spec: OpSpec, shapes: readonly Shape[], attrs = {}, seed = 1): Application {
  const next = randomFrom(seed)
  const inputs = shapes.map((shape, i) => drawInput(spec, i, bound(shape, new Map()), next))
  return { graph: single(spec, shapes, attrs), inputs, text: `${spec.name} ${showCase(shapes, attrs)}` }
}

const declared = ops.flatMap(spec =>
  spec.samples.cases.map(({ shapes, attrs = {} }) => application(spec, shapes, attrs)),
)

const elementwise = ops.filter(spec => spec.emission?.kind === 'lanes')

describe('a compiled op', () => {
  test.each(declared.map(one => [one.text, one] as const))('%s is what evaluate gives', (_, one) => {
    const expected = reference(one.graph, one.inputs)
    expect(apart(compiled(one.graph, one.inputs), expected)).toBeLessThanOrEqual(1e-12)
    for (const flavour of ['fast', 'portable'] as const)
      expect(
        apart(compiled(one.graph, one.inputs, { dtype: 'float32', flavour }), expected),
      ).toBeLessThanOrEqual(1e-5)
  })

  test.each(elementwise.map(spec => [spec.name, spec] as const))(
    '%s is right on every length up to 9, and on rows that repeat',
    (_, spec) => {
      const attrs = spec.samples.cases[0]!.attrs ?? {}
      for (let n = 0; n < 10; n++)
        for (const shapes of layouts(spec.inputs.length, n)) {
          const { graph, inputs, text } = application(spec, shapes, attrs, n)
          expect([text, apart(compiled(graph, inputs), reference(graph, inputs))]).toEqual([
            text,
            expect.toSatisfy((gap: number) => gap <= 1e-12),
          ])
        }
    },
  )

  test.each(elementwise.map(spec => [spec.name, spec] as const))(
    '%s has the values of its forward at NaN, infinities, zeros of both signs and denormals',
    (_, spec) => {
      for (const { attrs = {} } of spec.samples.cases.slice(0, 2)) {
        const inputs = everyChoice(spec.inputs.length)
        const graph = single(
          spec,
          inputs.map(({ shape }) => shape),
          attrs,
        )
        const [found, expected] = [compiled(graph, inputs)[0]!, reference(graph, inputs)[0]!]
        const odd = [...expected.data].flatMap((y, i) =>
          same(found.data[i]!, y) ? [] : [{ at: inputs.map(({ data }) => data[i]), found: found.data[i], y }],
        )
        expect(odd).toEqual([])
      }
    },
  )
})

/** Shapes for inputs of n elements a row: alike, one a row, one a column, one a single number. */
function layouts(arity: number, n: number): readonly (readonly Shape[])[] {
  if (arity === 1) return [[[n]], [[2, n]]]
  const with2 = (first: Shape, second: Shape): readonly Shape[] =>
    Array.from({ length: arity }, (_, i) => (i === 0 ? first : second))
  return [with2([n], [n]), with2([3, n], [n]), with2([3, 1], [3, n]), with2([n, 3], []), with2([], [n])]
}

const special = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  5e-324,
  -5e-324,
  1e-310,
  -1e-310,
  2.3e-308,
  1e-17,
  -1e-9,
  0.5,
  -0.5,
  1,
  -1,
  2,
  -7.25,
  36.9,
  -37.1,
  709.7,
  -709,
  746,
  -746,
  1e16,
  1.7e308,
  -1.7e308,
]

/** One input per position, so that all choices of special values stand side by side. */
function everyChoice(arity: number): readonly Tensor[] {
  const few = arity > 2 ? special.filter((_, i) => i % 2 === 0) : special
  const count = few.length ** arity
  return Array.from({ length: arity }, (_, k) => ({
    shape: [count],
    data: Float64Array.from({ length: count }, (_, i) => few[Math.floor(i / few.length ** k) % few.length]!),
  }))
}

/** The same number: sign of zero, NaN and infinity too; others and denormals to rounding. */
function same(found: number, expected: number): boolean {
  if (Object.is(found, expected)) return true
  if (expected === 0 || found === 0 || !Number.isFinite(expected))
    return Math.abs(found - expected) <= 5e-323 && expected !== 0
  return Math.abs(found - expected) <= 1e-12 * Math.abs(expected) + 5e-323
}

describe('a compiled product', () => {
  const specs = [
    'mk,kn->mn',
    'mk,nk->mn',
    'km,kn->mn',
    'km,nk->mn',
    'mk,kn->nm',
    'bmk,bkn->bmn',
    'bmk,bnk->bmn',
    'bkm,bkn->bmn',
    'mk,bkn->bmn',
    'bmk,kn->bmn',
    'bmk,bkn->mn',
    'mbk,kbn->mbn',
    'bmk,bkn->nbm',
  ]

  test.each(specs)('%s is right for every size, none, one, and those that vectors do not divide', spec => {
    const sizes = fc.constantFrom(0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17)
    fc.assert(
      fc.property(sizes, sizes, sizes, fc.constantFrom(0, 1, 2, 3), fc.nat(99), (m, k, n, b, seed) => {
        const lengths: Readonly<Record<string, number>> = { m, k, n, b }
        const shapes = spec
          .split('->')[0]!
          .split(',')
          .map(axes => [...axes].map(letter => lengths[letter]!))
        const { graph, inputs } = application(contract.spec, shapes, { spec }, seed)
        const expected = reference(graph, inputs)
        expect(apart(compiled(graph, inputs), expected)).toBeLessThanOrEqual(1e-12)
        expect(apart(compiled(graph, inputs, { dtype: 'float32' }), expected)).toBeLessThanOrEqual(1e-5)
      }),
      { numRuns: 20, seed: 1 },
    )
  })

  test('of many rows is right: chunks, and what is left of them', () => {
    for (const [spec, shapes] of [
      [
        'mk,nk->mn',
        [
          [300, 5],
          [9, 5],
        ],
      ],
      [
        'km,kn->mn',
        [
          [300, 5],
          [300, 9],
        ],
      ],
      [
        'mk,kn->mn',
        [
          [515, 7],
          [7, 3],
        ],
      ],
      [
        'tbi,tbh->ih',
        [
          [70, 5, 3],
          [70, 5, 8],
        ],
      ],
    ] as const) {
      const { graph, inputs } = application(contract.spec, shapes, { spec })
      expect(apart(compiled(graph, inputs), reference(graph, inputs))).toBeLessThanOrEqual(1e-12)
    }
  })

  test('with columns in another order than they lie is right, in evaluate too', () => {
    const { graph, inputs } = application(contract.spec, [[2], [2, 2, 3]], { spec: 't,def->tedf' })
    const [t, b] = inputs.map(({ data }) => data) as [Float64Array, Float64Array]
    const at = [0, 1].flatMap(i =>
      [0, 1].flatMap(e => [0, 1].flatMap(d => [0, 1, 2].map(f => t[i]! * b[6 * d + 3 * e + f]!))),
    )
    for (const found of [reference(graph, inputs), compiled(graph, inputs)])
      expect([...found[0]!.data]).toEqual(at)
  })
})

describe('rows by ids, compiled,', () => {
  test('of a table as long as an axis are those of that length', () => {
    const made = graph({ table: ['T', 3], ids: [4], xs: ['T', 3] }, ({ table, ids, xs }) => {
      const [, ys] = scan((h: Ref, x: Ref) => [add(h, x) as Ref, add(h, x) as Ref], {
        carry: sum(table, { axis: 0 }),
        xs: xs as Ref,
      })
      return { rows: gather(ys as Ref, ids), more: gather(table, ids) }
    }) as Graph
    const ids = { shape: [4], data: Float64Array.of(0, 2, 1, 2) }
    for (const T of [3, 5]) {
      const given = [tensorOf([T, 3], T), ids, tensorOf([T, 3], 2 * T)]
      expect(apart(compiled(made, given), reference(made, given))).toBeLessThanOrEqual(1e-12)
    }
  })

  test('that repeat are added up, over steps too', () => {
    const made = graph({ values: ['T', 2, 3], ids: ['T', 2], c: [4, 3] }, ({ values, ids, c }) => {
      const [end] = scan(
        ((h: Ref, { v, id }: { v: Ref; id: Ref }) => [
          add(h, scatterAdd(v, id, { rows: 4 })) as Ref,
          {},
        ]) as never,
        { carry: c as Ref, xs: { v: values, id: ids } } as never,
      ) as unknown as readonly [Ref]
      return { end, all: scatterAdd(values, ids, { rows: 4 }) }
    }) as Graph
    for (const T of [0, 1, 6]) {
      const ids = { shape: [T, 2], data: Float64Array.from({ length: 2 * T }, (_, i) => (i * i) % 4) }
      const given = [tensorOf([T, 2, 3], 1), ids, tensorOf([4, 3], 2)]
      expect(apart(compiled(made, given), reference(made, given))).toBeLessThanOrEqual(1e-12)
    }
  })
})

const tensorOf = (shape: readonly number[], seed: number): Tensor => drawTensor(randomFrom(seed), shape)
