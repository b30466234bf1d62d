import {
  compile,
  evaluate,
  type Graph,
  type Shape,
  softmaxCrossEntropy,
  squaredError,
  valueAndGradient,
} from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hoist } from '../../graph/src/hoist.js'
import { lower } from '../../graph/src/lower.js'
import { prune } from '../../graph/src/prune.js'
import {
  artbp,
  type Cell,
  elman,
  every,
  gru,
  lstm,
  type Schedule,
  stack,
  unroll,
  weightsOf,
  withEmbedding,
  withReadout,
} from '../src/index.js'
import { difference, kinds, numbers, sequence } from './support.js'

interface Loop {
  readonly body: Graph
  readonly carry: number
}

/** The loops of a graph, with loops in loops. */
function loops({ nodes }: Graph): readonly Loop[] {
  return nodes.flatMap(node => {
    if (node.kind !== 'apply' || node.op.emission?.kind !== 'loop') return []
    const loop = node.attrs as unknown as Loop
    return [loop, ...loops(loop.body)]
  })
}

/** The letters of the products of a graph, beside its loops. */
const products = ({ nodes }: Graph): readonly string[] =>
  nodes.flatMap(node =>
    node.kind === 'apply' && node.op.emission?.kind === 'product' ? [node.op.emission.spec(node.attrs)] : [],
  )

const rowsOf = ({ nodes }: Graph): number =>
  nodes.filter(node => node.kind === 'apply' && node.op.emission?.kind === 'rows').length

/** A training graph as it is compiled: steps and batch are named, credit is an input. */
function training(
  model: Cell,
  loss = squaredError as typeof softmaxCrossEntropy | typeof squaredError,
): Graph {
  const line = unroll(model, { steps: 'T', batch: 'B', loss, credit: { kind: 'input', each: true } })
  return valueAndGradient(line.graph, { of: 'loss', by: ['params', 'carry', 'xs'] })
}

const compiledForm = (graph: Graph): Graph => prune(hoist(lower(graph)))

/** Values for a training graph; symbols where a model reads some. */
function valuesFor(model: Cell, { T, B, seed }: Size, schedule?: Schedule): Record<string, unknown> {
  const weights = schedule === undefined ? [] : weightsOf(schedule, T)
  const credit = Float64Array.from({ length: T * B }, (_, i) => {
    const t = Math.floor(i / B)
    return t === 0 ? 1 : (weights[t - 1] ?? 1)
  })
  return { ...sequence(model, [T, B], seed), credit: { shape: [T, B], data: credit } }
}

interface Size {
  readonly T: number
  readonly B: number
  readonly seed: number
}

const sizes: fc.Arbitrary<Size> = fc.record({ T: fc.nat(9), B: fc.nat(9), seed: fc.nat(99) })
const schedules: fc.Arbitrary<Schedule | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.integer({ min: 1, max: 4 }).map(K => every(K)),
  fc.nat(1e6).map(seed => artbp({ mean: 3, tail: 4, seed })),
)

/** The widths that vectors of 4, panels of 8 and rows of tiles do not divide, and those they do. */
const widths = [1, 2, 3, 4, 5, 7, 8, 9, 16, 19] as const

describe('a compiled timeline', () => {
  const cases = Object.keys(kinds).flatMap(kind => [1, 4, 7].map(hidden => [kind, hidden] as const))

  test.each(cases)(
    'of %s with %i hidden units is what evaluate gives, under any schedule',
    (kind, hidden) => {
      const model = kinds[kind]!(3, hidden)
      const graph = training(model)
      const program = compile(graph, { dtype: 'float64' })
      const single = compile(graph)
      const threaded = compile(graph, { dtype: 'float64', threads: 2 })
      fc.assert(
        fc.property(sizes, schedules, (size, schedule) => {
          const values = valuesFor(model, size, schedule) as never
          const expected = evaluate(graph, values)
          expect(difference(program.run(values), expected)).toBeLessThanOrEqual(1e-11)
          expect(gap(single.run(values), expected)).toBeLessThanOrEqual(1e-4)
          expect(difference(threaded.run(values), expected)).toBeLessThanOrEqual(1e-11)
        }),
        { numRuns: 6, seed: hidden },
      )
    },
  )

  test.each(['lstm', 'gru', 'elman'])('of %s is right at every width', kind => {
    for (const width of widths) {
      const model = withReadout(kinds[kind]!(widths[(width * 7) % widths.length]!, width), { outputs: 3 })
      const graph = training(model)
      for (const [T, B] of [
        [3, 1],
        [2, 4],
        [5, 5],
        [1, 17],
      ] as const) {
        const values = valuesFor(model, { T, B, seed: width }) as never
        const expected = evaluate(graph, values)
        for (const flavour of ['fast', 'portable'] as const) {
          const found = compile(graph, { dtype: 'float64', flavour }).run(values)
          expect(difference(found, expected)).toBeLessThanOrEqual(1e-12)
        }
      }
    }
  })

  test('folded and flat agree', () => {
    const model = withReadout(stack([gru({ inputs: 2, hidden: 3 }), lstm({ inputs: 3, hidden: 5 })]), {
      outputs: 2,
    })
    const values = { ...valuesFor(model, { T: 6, B: 3, seed: 1 }), credit: undefined }
    const { credit: _, ...given } = values
    const run = (form: 'folded' | 'flat'): unknown => {
      const weights = [1, 0, 1.5, 2, 0]
      const line = unroll(model, {
        steps: 6,
        batch: 3,
        form,
        loss: squaredError,
        credit: { kind: 'weights', weights },
      })
      const graph = valueAndGradient(line.graph, { of: 'loss', by: ['params', 'carry', 'xs'] })
      const found = compile(graph, { dtype: 'float64' }).run(given as never)
      expect(difference(found, evaluate(graph, given as never))).toBeLessThanOrEqual(1e-12)
      return found
    }
    expect(difference(run('folded'), run('flat'))).toBeLessThanOrEqual(1e-12)
  })

  test('of a long window is right', () => {
    const model = withReadout(lstm({ inputs: 2, hidden: 3 }), { outputs: 1 })
    const graph = training(model)
    const program = compile(graph, { dtype: 'float64' })
    for (const T of [400, 1, 600]) {
      const values = valuesFor(model, { T, B: 2, seed: T }) as never
      expect(difference(program.run(values), evaluate(graph, values))).toBeLessThanOrEqual(1e-11)
    }
  })
})

/** The largest difference of two trees, relative to the largest number of the second. */
function gap(found: unknown, expected: unknown): number {
  const [left, right] = [numbers(found), numbers(expected)]
  const top = Math.max(1e-3, ...[...right.values()].flatMap(values => [...values].map(Math.abs)))
  return Math.max(
    0,
    ...[...right].flatMap(([name, values]) =>
      [...values].map((x, i) => Math.abs(x - left.get(name)![i]!) / top),
    ),
  )
}

describe('a training graph as it is compiled', () => {
  const models: Readonly<Record<string, Cell>> = {
    elman: withReadout(elman({ inputs: 3, hidden: 5 }), { outputs: 4 }),
    gru: withReadout(gru({ inputs: 3, hidden: 5 }), { outputs: 4 }),
    lstm: withReadout(lstm({ inputs: 3, hidden: 5 }), { outputs: 4 }),
    stack: withReadout(stack([lstm({ inputs: 3, hidden: 5 }), gru({ inputs: 5, hidden: 6 })]), {
      outputs: 4,
    }),
    speller: withReadout(withEmbedding(lstm({ inputs: 3, hidden: 5 }), { symbols: 4 }), { outputs: 4 }),
  }
  const shapeOf = (graph: Graph, value: number): Shape => graph.shapes[value]!

  test.each(Object.keys(models))('of %s accumulates no gradient of a parameter inside a loop', name => {
    for (const { body, carry } of loops(compiledForm(training(models[name]!))))
      for (const { value } of body.inputs.slice(0, carry)) expect(shapeOf(body, value)[0]).toBe('B')
  })

  test.each(['elman', 'gru', 'lstm'])('of %s has only the recurrent product inside its loops', name => {
    const found = loops(compiledForm(training(models[name]!)))
    expect(found).toHaveLength(2)
    for (const { body } of found) {
      expect(products(body)).toHaveLength(1)
      expect(rowsOf(body)).toBe(0)
    }
  })

  test.each(Object.keys(models))('of %s has the products outside its loops over all steps', name => {
    const graph = compiledForm(training(models[name]!))
    const over = graph.nodes.flatMap(node =>
      node.kind === 'apply' && node.op.emission?.kind === 'product'
        ? [node.inputs.map(id => shapeOf(graph, id)[0])]
        : [],
    )
    expect(over.length).toBeGreaterThan(3)
    for (const axes of over) expect(axes).toContain('T')
    // input projection, readout, and their ways back and weights' gradients; the recurrent weights' gradient
    const gradients = products(graph).filter(spec => spec.split('->')[1]!.length === 2)
    expect(gradients.length).toBeGreaterThanOrEqual(3)
  })

  test('of a speller copies rows of its table outside its loops, forth and back', () => {
    const graph = compiledForm(training(models['speller']!, softmaxCrossEntropy))
    expect(rowsOf(graph)).toBeGreaterThanOrEqual(2)
    expect(loops(graph).map(({ body }) => rowsOf(body))).toEqual([0, 0])
  })

  test.each(Object.keys(models))('of %s compiles to a module of at most 60 kB for every length', name => {
    const model = models[name]!
    const program = compile(training(model))
    const bytes = [1, 50, 3].map(T => {
      const values = valuesFor(model, { T, B: 2, seed: 1 })
      program.run({
        ...values,
        ...(model.input.length === 0 && { xs: { shape: [T, 2], data: new Float64Array(2 * T) } }),
      } as never)
      return program.size().module
    })
    expect(new Set(bytes).size).toBe(1)
    expect(bytes[0]).toBeLessThanOrEqual(60_000)
  })
})
