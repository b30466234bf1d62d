import {
  evaluate,
  expm1,
  filled,
  type Graph,
  graph,
  grow,
  isShape,
  isTensor,
  leaves,
  log1p,
  mul,
  type Ref,
  type Shape,
  scan,
  squaredError,
  type Tensor,
  type Tree,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { arbitraryProgram } from '@bptt/graph/laws'
import { toOnnx } from '@bptt/graph/onnx'
import { exportOnnx } from '@bptt/stream/sinks'
import { type Cell, coin, lstm, unroll, withDropout } from '@bptt/unroll'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Builder } from '../packages/graph/src/builder.js'
import type { OpSpec } from '../packages/graph/src/graph.js'
import { ops } from '../packages/graph/src/ops/all.js'
import { message } from '../packages/graph/test/message.js'
import { type Edge, faultsOf, read } from '../packages/graph/test/onnx/reader.js'
import { cells } from './onnx/cells.js'
import { inRuntime, installed, type Model, model } from './onnx/runtime.js'

/** The difference that is allowed between float64 and an exported model's float32. */
const TOLERANCE = 1e-5

type Named = Readonly<Record<string, Tensor>>

/** Numbers in [low, high) that float32 holds and that depend on the seed alone; whole ones below `bound`, where it is given. */
function drawn(shape: Shape, seed: number, [low, high]: readonly [number, number], bound?: number): Tensor {
  const out = filled(shape as readonly number[], 0)
  out.data.forEach((_, i) => {
    const u = coin(seed, 6, i)
    out.data[i] = bound === undefined ? Math.fround(low + (high - low) * u) : Math.floor(bound * u)
  })
  return out
}

/** The largest difference between what a model gives and what it should; same names and shapes, or it is infinite. */
async function apart(exported: Model, feeds: Named, wanted: unknown): Promise<number> {
  const given = await exported.run(feeds)
  const expected = leaves(wanted as Tree<Tensor>, isTensor, 'test')
  expect(Object.keys(given).sort()).toEqual(expected.map(([name]) => name).sort())
  let worst = 0
  for (const [name, { shape, data }] of expected) {
    expect([name, given[name]!.shape]).toEqual([name, shape])
    data.forEach((value, i) => {
      const difference = Math.abs(value - given[name]!.data[i]!)
      worst = Math.max(worst, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference)
    })
  }
  return worst
}

const carrying = ['carry.h', 'carry.c'].map(name => ({ name, shape: ['batch', 5] }))
const leaving = ['next.h', 'next.c'].map(name => ({ name, shape: ['batch', 5] }))

describe('an exported cell', () => {
  const net = lstm({ inputs: 3, hidden: 5 })
  const { params } = net.init(1)

  test.each([
    [
      'step',
      [{ name: 'x', shape: ['batch', 3] }, ...carrying],
      [{ name: 'y', shape: ['batch', 5] }, ...leaving],
    ],
    [
      'scan',
      [{ name: 'xs', shape: ['time', 'batch', 3] }, ...carrying],
      [{ name: 'ys', shape: ['time', 'batch', 5] }, ...leaving],
    ],
  ] as const)('has, as a %s, its carry in and out, and its parameters by name', (form, inputs, outputs) => {
    const { graph: made, metadata } = read(exportOnnx(net, params, { form, metadata: { a: 'b' } }))
    expect(new Set(made.inputs)).toEqual(new Set<Edge>(inputs))
    expect(new Set(made.outputs)).toEqual(new Set<Edge>(outputs))
    const names = made.initialisers.map(({ name }) => name).filter(name => name.startsWith('params.'))
    expect(names).toEqual(leaves(net.params, isShape, 'test').map(([name]) => `params.${name}`))
    expect([made.name, metadata]).toEqual(['lstm', { a: 'b' }])
  })

  test('has the lengths that are asked for', () => {
    const { inputs } = read(exportOnnx(net, params, { form: 'scan', batch: 2, steps: 9 })).graph
    expect(inputs.find(({ name }) => name === 'xs')!.shape).toEqual([9, 2, 3])
  })

  test.each(Object.entries(cells))('is well formed: %s', (name, cell) => {
    const batch = name === 'stableFluids' ? { batch: 2 } : {}
    for (const form of ['step', 'scan'] as const)
      expect(faultsOf(read(exportOnnx(cell, cell.init(1).params, { form, ...batch })).graph)).toEqual([])
  })

  const refused = (cell: Cell, values: Tree<Tensor>): string =>
    message(() => exportOnnx(cell, values, { form: 'step' }))

  test('lacks no parameter, and has none that is not its own or of another shape', () => {
    const { bias_hh, ...rest } = params as Named
    expect(refused(net, rest)).toMatchInlineSnapshot(
      `"missing-input | exportOnnx: the parameter 'bias_hh' has no value; given weight_ih, weight_hh, bias_ih"`,
    )
    expect(refused(net, { ...rest, bias_hh: bias_hh!, bias: bias_hh! })).toMatchInlineSnapshot(`
      "extra-input | input 'params.bias': is not an input; inputs are params.weight_ih, params.weight_hh, params.bias_ih, params.bias_hh, carry.h, carry.c, x
      hint: did you mean params.bias_ih?"
    `)
    expect(refused(net, { ...rest, bias_hh: filled([5], 0) })).toMatchInlineSnapshot(`
      "shape | input 'params.bias_hh': has the shape [5]; the graph declares [20]
      hint: where lengths differ from run to run, declare a named axis: ['T', 3]"
    `)
  })

  test('drops nothing: a model with dropout is exported at rate 0', () => {
    const dropping = withDropout(net, { rate: 0.5 })
    expect(refused(dropping, params)).toMatchInlineSnapshot(`
      "onnx-op | uniform: has no form in ONNX; a model is made of ops that have one
      hint: export a model as it is evaluated, without random draws; give an op of your own \`lanes\`, or \`lower\` in other ops"
    `)
    expect(refused(withDropout(net, { rate: 0 }), params)).toBe('nothing was thrown')
  })
})

describe.skipIf(!installed)(inRuntime, () => {
  /** One application of an op. */
  function application(op: OpSpec, shapes: readonly Shape[], attrs: object): Graph {
    const builder = new Builder()
    const inputs = shapes.map((shape, i) => builder.input(`x${i}`, shape))
    const outputs = builder.apply(op, inputs, attrs as never)
    return builder.build(outputs.map(({ id }, i) => ({ name: `y${i}`, value: id })))
  }

  const exportable = ops.filter(({ name, samples }) => name !== 'uniform' && samples.cases.length > 0)
  test.each(exportable.map(op => [op.name, op] as const))('%s is what evaluate says', async (_name, op) => {
    for (const { shapes, attrs = {} } of op.samples.cases) {
      const made = application(op, shapes, attrs)
      const feeds = Object.fromEntries(
        shapes.map(
          (shape, i) => [`x${i}`, drawn(shape, i + 1, op.samples.domain, op.samples.integers?.[i])] as const,
        ),
      )
      expect(await apart(await model(toOnnx(made)), feeds, evaluate(made, feeds))).toBeLessThan(TOLERANCE)
    }
  })

  /** A carry, and inputs of a cell for these rows. */
  function feedsOf(cell: Cell, rows: readonly number[], seed: number): { carry: Named; x: Tensor } {
    const batch = rows.slice(-1)
    const carry = Object.fromEntries(
      leaves(cell.carry, isShape, 'test').map(
        ([name, shape], i) => [name, drawn([...batch, ...shape], seed + i, [-1, 1])] as const,
      ),
    )
    const x = drawn([...rows, ...cell.input], seed + 90, [-1, 1], cell.input.length === 0 ? 7 : undefined)
    return { carry, x }
  }

  const prefixed = (prefix: string, named: Named): Named =>
    Object.fromEntries(Object.entries(named).map(([name, value]) => [`${prefix}.${name}`, value]))

  /** What a cell gives in float64, by its timeline in one thread of evaluate. */
  function reference(
    cell: Cell,
    params: Tree<Tensor>,
    carry: Named,
    xs: Tensor,
  ): { ys: Tensor; next: unknown } {
    const [steps, batch] = xs.shape as [number, number]
    const made = evaluate(unroll(cell, { steps, batch }).graph, {
      ...(leaves(params, isTensor, 'test').length > 0 && { params }),
      ...(Object.keys(carry).length > 0 && { carry: grow(Object.entries(carry)) }),
      xs,
    }) as { ys: Tensor; carry?: Tree<Tensor> }
    return { ys: made.ys, next: made.carry ?? {} }
  }

  describe.each(Object.entries(cells))('%s', (name, cell) => {
    const params = cell.init(3).params
    const fixed = name === 'stableFluids' ? { batch: 2 } : {}

    test('steps as it does here, a batch of any size, and hands its carry on', async () => {
      const exported = await model(exportOnnx(cell, params, { form: 'step', ...fixed }))
      for (const batch of [fixed.batch ?? 1, fixed.batch ?? 3]) {
        const { carry, x } = feedsOf(cell, [batch], batch)
        const { ys, next } = reference(cell, params, carry, { shape: [1, ...x.shape], data: x.data })
        const y = { shape: ys.shape.slice(1), data: ys.data }
        const feeds = { x, ...prefixed('carry', carry) }
        expect(await apart(exported, feeds, { y, next })).toBeLessThan(TOLERANCE)
      }
    })

    test('runs sequences of any length as it does here', async () => {
      const exported = await model(exportOnnx(cell, params, { form: 'scan', ...fixed }))
      for (const [steps, batch] of [
        [1, fixed.batch ?? 2],
        [7, fixed.batch ?? 1],
        [4, fixed.batch ?? 3],
      ] as const) {
        const { carry, x } = feedsOf(cell, [steps, batch], steps)
        const feeds = { xs: x, ...prefixed('carry', carry) }
        expect(await apart(exported, feeds, reference(cell, params, carry, x))).toBeLessThan(TOLERANCE)
      }
    })
  })

  test('a step model that is fed its own carry gives what the scan model gives', async () => {
    const cell = cells['embedding, lstm, readout']!
    const { params } = cell.init(5)
    const step = await model(exportOnnx(cell, params, { form: 'step', batch: 2 }))
    const { carry, x: xs } = feedsOf(cell, [30, 2], 8)
    const ys = filled([30, 2, ...cell.output] as number[], 0)
    let state = prefixed('carry', carry)
    for (let t = 0; t < 30; t++) {
      const x = { shape: [2], data: xs.data.subarray(2 * t, 2 * t + 2) }
      const { y, ...next } = await step.run({ x, ...state })
      ys.data.set(y!.data, t * y!.data.length)
      state = Object.fromEntries(Object.entries(next).map(([name, v]) => [name.replace('next', 'carry'), v]))
    }
    const scan = await model(exportOnnx(cell, params, { form: 'scan', batch: 2, steps: 30 }))
    const next = Object.fromEntries(Object.entries(state).map(([name, v]) => [name.slice(6), v]))
    expect(await apart(scan, { xs, ...prefixed('carry', carry) }, { ys, next })).toBeLessThan(TOLERANCE)
  })

  test('the gradient of a timeline runs, backwards in time', async () => {
    const cell = lstm({ inputs: 2, hidden: 3 })
    const line = unroll(cell, {
      steps: 'T',
      batch: 'B',
      loss: squaredError,
      credit: { kind: 'input', each: true },
    })
    const slope = valueAndGradient(line.graph, { of: 'loss', by: ['params'] }) as Graph
    const exported = await model(toOnnx(slope, { values: { params: cell.init(2).params } }))
    const axes = new Map(Object.entries({ T: 5, B: 2 }))
    const feeds = Object.fromEntries(
      slope.inputs.flatMap(({ name, value }, i) => {
        const shape = slope.shapes[value]!.map(dim => (typeof dim === 'number' ? dim : axes.get(dim)!))
        return name.startsWith('params') ? [] : [[name, drawn(shape, i, [-1, 1])] as const]
      }),
    )
    const wanted = evaluate(slope, { ...feeds, params: cell.init(2).params } as Values)
    const renamed = leaves(wanted as Tree<Tensor>, isTensor, 'test').map(
      ([name, value]) => [exported.outputs.includes(name) ? name : `${name}_out`, value] as const,
    )
    expect(await apart(exported, feeds, Object.fromEntries(renamed))).toBeLessThan(TOLERANCE)
  })

  test('a scan without sequences counts its steps', async () => {
    const doubled = graph({ x: ['B'] }, ({ x }) => {
      const [y] = scan((carry: Ref) => [mul(carry, 2), {}], { carry: x, length: 5 })
      return { y: y as Ref }
    }) as Graph
    const feeds = { x: drawn([3], 1, [-1, 1]) }
    expect(await apart(await model(toOnnx(doubled)), feeds, evaluate(doubled, feeds))).toBeLessThan(TOLERANCE)
  })

  test('expm1 and log1p keep their digits near 0, and their ends', async () => {
    const both = graph({ x: ['N'] }, ({ x }) => ({ expm1: expm1(x), log1p: log1p(x) })) as Graph
    const exported = await model(toOnnx(both))
    const small = [1e-30, 3e-8, 1e-7, -2e-7, 1e-6, -1e-5, 1e-4, -1e-3, 0.01, -0.1, 0.5, 3, 20]
    const x = { shape: [small.length], data: Float64Array.from(small, Math.fround) }
    const [given, wanted] = [await exported.run({ x }), evaluate(both, { x }) as unknown as Named]
    for (const name of ['expm1', 'log1p'])
      wanted[name]!.data.forEach((value, i) => {
        expect(Math.abs(given[name]!.data[i]! / value - 1)).toBeLessThan(1e-6)
      })
    const ends = {
      shape: [4],
      data: Float64Array.of(-1, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    }
    const { expm1: up, log1p: down } = await exported.run({ x: ends })
    expect([...up!.data.subarray(1)]).toEqual([0, Number.POSITIVE_INFINITY, -1])
    expect([...down!.data]).toEqual([Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY, Number.NaN])
  })

  test('random programs with loops are what evaluate says', async () => {
    const known = ops.filter(({ name }) => name !== 'uniform')
    await fc.assert(
      fc.asyncProperty(
        arbitraryProgram({ ops: known, size: 8, gates: 0.2 }),
        async ({ graph: program, inputs }) => {
          const feeds = Object.fromEntries(program.inputs.map(({ name }, i) => [name, inputs[i]!] as const))
          const wanted = leaves(evaluate(program, feeds) as Tree<Tensor>, isTensor, 'test')
          const given = await (await model(toOnnx(program))).run(feeds)
          for (const [name, { shape, data }] of wanted) {
            const found = given[name]!
            expect(found.shape).toEqual(shape)
            const size = data.reduce((top, value) => Math.max(top, Math.abs(value)), 1)
            data.forEach((value, i) => {
              expect(Math.abs(value - found.data[i]!) / size).toBeLessThan(1e-4)
            })
          }
        },
      ),
      { numRuns: 40, seed: 1 },
    )
  })
})
