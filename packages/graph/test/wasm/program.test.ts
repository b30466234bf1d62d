import {
  add,
  type CompileOptions,
  compile,
  contract,
  evaluate,
  type Graph,
  GraphError,
  gather,
  graph,
  mul,
  type Program,
  type Ref,
  scan,
  sub,
  sum,
  type Tensor,
  tanh,
} from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryLayout } from './compile-layouts.js'
import { apart, bits, draw, listOf, reference, valuesOf } from './compile-support.js'
import { keep, start, stateOf, update } from './resident-support.js'

/** h' = tanh(h U + x W) over T steps of B examples: every state, the last one, and a sum. */
const net = graph({ U: [5, 5], W: [5, 3], h: ['B', 5], xs: ['T', 'B', 3] }, ({ U, W, h, xs }) => {
  const [end, ys] = scan(
    (old: { h: Ref }, x: Ref) => {
      const next = tanh(add(contract(old.h, U, { spec: 'bi,hi->bh' }), contract(x, W, { spec: 'bi,hi->bh' })))
      return [{ h: next as Ref }, next as Ref]
    },
    { carry: { h: h as Ref }, xs: xs as Ref },
  )
  return { end: end.h as Ref, ys: ys as Ref, total: sum(mul(ys as Ref, ys as Ref)) }
}) as Graph

const netInputs = (T: number, B: number, seed: number): readonly Tensor[] =>
  [
    [5, 5],
    [5, 3],
    [B, 5],
    [T, B, 3],
  ].map((shape, i) => draw(shape, seed + i))

const float64 = { dtype: 'float64' } as const
const runOf = (program: Program, made: Graph, inputs: readonly Tensor[]): readonly Tensor[] =>
  listOf(made, program.run(valuesOf(made, inputs)))

describe('one program', () => {
  test('serves every length in any order, with the bits of a program made for that length alone', () => {
    const lengths = fc.array(fc.nat(9), { minLength: 2, maxLength: 6 })
    fc.assert(
      fc.property(arbitraryLayout(), lengths, ({ graph: made, inputs }, all) => {
        const program = compile(made, float64)
        for (const T of [0, ...all, 1, 30, 2]) {
          const found = runOf(program, made, inputs(T))
          expect(apart(found, reference(made, inputs(T)))).toBeLessThanOrEqual(1e-10)
          expect(bits(found)).toEqual(bits(runOf(compile(made, float64), made, inputs(T))))
        }
      }),
      { numRuns: 40, seed: 5 },
    )
  })

  test('serves every batch, an empty one too, between runs of other lengths', () => {
    const sizes = fc.array(fc.record({ T: fc.nat(6), B: fc.nat(9) }), { minLength: 3, maxLength: 10 })
    fc.assert(
      fc.property(sizes, all => {
        const program = compile(net, float64)
        all.forEach(({ T, B }, seed) => {
          const inputs = netInputs(T, B, seed)
          expect(apart(runOf(program, net, inputs), reference(net, inputs))).toBeLessThanOrEqual(1e-12)
        })
      }),
      { numRuns: 15, seed: 6 },
    )
  })

  test('gives the same bits for the same inputs, whatever ran in between', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<CompileOptions>(...flavours),
        fc.nat(40),
        fc.nat(40),
        (options, T, other) => {
          const program = compile(net, options)
          const first = bits(runOf(program, net, netInputs(T, 4, 1)))
          runOf(program, net, netInputs(other, 4, 2))
          expect(bits(runOf(program, net, netInputs(T, 4, 1)))).toEqual(first)
          expect(bits(runOf(compile(net, options), net, netInputs(T, 4, 1)))).toEqual(first)
        },
      ),
      { numRuns: 20, seed: 7 },
    )
  })

  test('takes no more memory the ten-thousandth time than the second', () => {
    const program = compile(net, float64)
    const run = (T: number): void => void program.run(valuesOf(net, netInputs(T, 1, T)))
    run(8)
    const { memory, module } = program.size()
    for (let i = 0; i < 10_000; i++) run(i % 9)
    run(8)
    expect(program.size()).toEqual({ memory, module })
    run(100)
    expect(program.size().memory).toBeGreaterThan(memory)
  })

  test.each([
    ['with elements behind the last vector', [1, 3, 5, 7, 17, 33]],
    ['of whole vectors', [2, 4, 6, 8, 16, 32]],
  ])('has one kernel for elementwise work of one kind %s, and others for other constants', (_, sizes) => {
    const updates = (factor: (i: number) => number): Graph => {
      const shapes = Object.fromEntries(sizes.map((size, i) => [`p${i}`, [size]]))
      return graph(shapes, refs =>
        Object.fromEntries(
          sizes.map((_, i) => {
            const p = (refs as Readonly<Record<string, Ref>>)[`p${i}`]!
            return [`q${i}`, sub(p, mul(factor(i), mul(p, p))) as Ref]
          }),
        ),
      ) as Graph
    }
    const last = sizes.at(-1)!
    const alone = graph({ p: [last] }, ({ p }) => ({ q: sub(p, mul(0.5, mul(p, p))) as Ref })) as Graph
    const inputs = sizes.map((size, i) => draw([size], i))
    const moduleOf = (made: Graph, given: readonly Tensor[]): number => {
      const program = compile(made, float64)
      expect(apart(runOf(program, made, given), reference(made, given))).toBeLessThanOrEqual(1e-12)
      return program.size().module
    }
    const [one, same, others] = [
      moduleOf(alone, [draw([last], 5)]),
      moduleOf(
        updates(() => 0.5),
        inputs,
      ),
      moduleOf(
        updates(i => 0.5 + i),
        inputs,
      ),
    ]
    expect(same).toBeLessThan(1.5 * one)
    expect(others).toBeGreaterThan(2 * one)
  })

  test('may have thousands of different numbers in it', () => {
    const made = graph({ x: [3] }, ({ x }) => {
      let y = x as Ref
      for (let i = 0; i < 1500; i++) y = add(mul(y, 1 - 1 / (i + 2)), 1 / (i + 3)) as Ref
      return { y, parts: sum(mul(y, { shape: [3], data: Float64Array.of(1, 2, 3) })) }
    }) as Graph
    const x = [draw([3], 1)]
    for (const dtype of ['float32', 'float64'] as const)
      expect(apart(runOf(compile(made, { dtype }), made, x), reference(made, x))).toBeLessThanOrEqual(1e-5)
  })

  test('leaves the values it is given, and the results it gave, as they are', () => {
    const program = compile(net, float64)
    const inputs = netInputs(3, 2, 1)
    const [before, found] = [bits(inputs), runOf(program, net, inputs)]
    const results = bits(found)
    runOf(program, net, netInputs(7, 2, 9))
    expect(bits(inputs)).toEqual(before)
    expect(bits(found)).toEqual(results)
  })
})

const flavours: readonly CompileOptions[] = (['float32', 'float64'] as const).flatMap(dtype =>
  (['fast', 'portable'] as const).map(flavour => ({ dtype, flavour })),
)

describe('a program that is run in place', () => {
  const values = (T: number, B: number, seed: number): Record<string, Tensor> =>
    Object.fromEntries(net.inputs.map(({ name }, i) => [name, netInputs(T, B, seed)[i]!]))
  const write = (program: Program, given: Record<string, Tensor>): void => {
    for (const [name, { data }] of Object.entries(given)) program.view(name).set(data)
  }

  test('is what evaluate gives of what was written, at every length and batch', () => {
    const program = compile(net, float64)
    for (const [seed, [T, B]] of (
      [
        [3, 2],
        [5, 2],
        [2, 4],
        [5, 2],
        [0, 2],
        [1, 1],
      ] as const
    ).entries()) {
      const given = values(T, B, seed)
      program.bind({ T, B })
      write(program, given)
      program.step()
      const expected = evaluate(net, given as never) as Record<string, Tensor>
      for (const [name, tensor] of Object.entries(expected))
        expect(
          apart([{ shape: tensor.shape, data: Float64Array.from(program.view(name)) }], [tensor]),
        ).toBeLessThanOrEqual(1e-12)
    }
  })

  test('keeps what has the same shape when lengths change, and forgets the rest', () => {
    const program = compile(net, float64)
    const given = values(3, 2, 1)
    program.run(given as never)
    for (const [T, B] of [
      [6, 2],
      [3, 5],
      [2, 2],
    ] as const) {
      program.bind({ T, B })
      expect(bits([program.read('W')])).toEqual(bits([given['W']!]))
      expect(thrown(() => program.read('xs'))).toMatchObject({ code: 'missing-input' })
      const { h, xs } = values(T, B, 7)
      write(program, { h: h!, xs: xs! })
      program.step()
      const { total } = evaluate(net, { ...given, h, xs } as never) as { total: Tensor }
      expect(program.view('total')[0]).toBeCloseTo(total.data[0]!, 12)
    }
  })

  test('refuses to run before every axis has a length', () => {
    expect(thrown(() => compile(net).step())).toMatchObject({ code: 'unbound-axis' })
    expect(thrown(() => compile(net).bind({ T: 3 }))).toMatchObject({ code: 'unbound-axis' })
  })
})

/** The error of a call. */
function thrown(run: () => unknown): GraphError {
  try {
    run()
  } catch (error) {
    if (error instanceof GraphError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('a program refuses', () => {
  test.each<[object, string]>([
    [{ dtype: 'int8' }, "dtype is 'int8'; it is 'float32' or 'float64'"],
    [{ dtype: null }, "dtype is null; it is 'float32' or 'float64'"],
    [{ flavour: 'quick' }, "flavour is 'quick'; it is 'fast' or 'portable'"],
  ])('%j, which there is not', (options, detail) => {
    const double = graph({ x: [3] }, ({ x }) => ({ y: add(x, x) }))
    expect(thrown(() => compile(double, options as CompileOptions))).toMatchObject({
      code: 'bad-setting',
      message: `compile: ${detail}`,
    })
  })

  const made = (): Program => compile(update, { ...float64, keep })
  const xs = draw([2, 7], 1)

  test('a run without a value that is not resident yet, or with one too many', () => {
    expect(thrown(() => made().run({ xs } as never))).toMatchObject({ code: 'missing-input' })
    expect(thrown(() => made().run({ ...start, xs, y: 1 } as never))).toMatchObject({ code: 'extra-input' })
    const program = made()
    program.run({ ...start, xs } as never)
    expect(thrown(() => program.run({} as never))).toMatchObject({
      code: 'missing-input',
      where: "input 'xs'",
    })
  })

  test('a value of another shape, as evaluate does, and stays as it was', () => {
    const program = made()
    program.run({ ...start, xs } as never)
    const before = bits(stateOf(program))
    expect(thrown(() => program.run({ xs: draw([2, 6], 1) } as never)).message).toBe(
      thrown(() => evaluate(update, { ...start, xs: draw([2, 6], 1) } as never)).message,
    )
    expect(bits(stateOf(program))).toEqual(before)
  })

  test('to keep what is no output, where no input is, in another shape, or two outputs in one input', () => {
    const keeping = (given: Record<string, string>): GraphError =>
      thrown(() => compile(update, { keep: given }))
    expect(keeping({ none: 'carry' })).toMatchObject({ code: 'unknown-output', where: "'none'" })
    expect(keeping({ carry: 'none' })).toMatchObject({ code: 'unknown-input', where: "'none'" })
    expect(keeping({ loss: 'carry' })).toMatchObject({ code: 'shape', where: "'loss'" })
    expect(keeping({ carry: 'carry', start: 'carry' })).toMatchObject({ code: 'twice-kept' })
  })

  test('to read what holds no value, or has no next one', () => {
    const program = made()
    expect(thrown(() => program.read('carry'))).toMatchObject({ code: 'missing-input' })
    expect(thrown(() => program.next('carry'))).toMatchObject({ code: 'missing-input' })
    program.run({ ...start, xs } as never, { commit: false })
    expect(thrown(() => program.read('none'))).toMatchObject({ code: 'missing-input' })
    expect(thrown(() => program.next('xs'))).toMatchObject({ code: 'missing-input' })
  })

  test('to go on with a resident sequence where its axis has another length', () => {
    const sequence = graph({ s: ['T', 2], xs: ['T', 2] }, ({ s, xs }) => {
      const [, ys] = scan((h: Ref, x: Ref) => [add(h, x) as Ref, h], {
        carry: sum(s, { axis: 0 }),
        xs: xs as Ref,
      })
      return { s: add(s, ys as Ref) }
    }) as Graph
    const program = compile(sequence, { ...float64, keep: { s: 's' } })
    let s = draw([3, 2], 1)
    for (let i = 0; i < 3; i++) {
      const more = draw([3, 2], i)
      program.run({ ...(i === 0 ? { s } : {}), xs: more } as never)
      s = (evaluate(sequence, { s, xs: more }) as { s: Tensor }).s
      expect(apart([program.read('s')], [s])).toBeLessThanOrEqual(1e-12)
    }
    expect(thrown(() => program.run({ xs: draw([5, 2], 2) } as never))).toMatchObject({
      code: 'missing-input',
      where: "input 's'",
      detail: 'was [3, 2] and is now [5, 2]; give it anew',
    })
    expect(apart([program.read('s')], [s])).toBeLessThanOrEqual(1e-12)
    program.run({ s: draw([5, 2], 1), xs: draw([5, 2], 2) } as never)
    const five = evaluate(sequence, { s: draw([5, 2], 1), xs: draw([5, 2], 2) }) as { s: Tensor }
    expect(apart([program.read('s')], [five.s])).toBeLessThanOrEqual(1e-12)
  })
})

describe('an id that is no row', () => {
  const table = graph({ table: [3, 2], ids: ['T'], total: [2] }, ({ table, ids, total }) => {
    const [end] = scan((h: Ref, id: Ref) => [add(h, gather(table as Ref, id)) as Ref, h], {
      carry: total as Ref,
      xs: ids as Ref,
    })
    return { total: end }
  }) as Graph
  const values = { table: draw([3, 2], 1), total: draw([2], 2) }

  test.each([3, -1, 0.5, Number.NaN, 1e10, Number.POSITIVE_INFINITY])(
    'as %d is refused; the state is as it was, and the next run is right',
    bad => {
      for (const dtype of ['float32', 'float64'] as const) {
        const program = compile(table, { dtype, keep: { total: 'total' } })
        program.run({ ...values, ids: [0, 2, 1] } as never)
        const before = program.read('total')
        const refused = thrown(() => program.run({ table: values.table, ids: [0, bad, 1] } as never))
        expect(refused).toMatchObject({ code: 'bad-index' })
        program.commit()
        expect(bits([program.read('total')])).toEqual(bits([before]))
        program.run({ table: values.table, ids: [2] } as never)
        const expected = evaluate(table, { ...values, total: before, ids: [2] } as never) as { total: Tensor }
        expect(apart([program.read('total')], [expected.total])).toBeLessThanOrEqual(1e-6)
      }
    },
  )
})
