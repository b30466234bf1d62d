import { evaluate, type Loss, squaredError, type Tensor, type Values } from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Cell,
  type Credit,
  every,
  full,
  linearNet,
  reweight,
  type TimelineOptions,
  unroll,
} from '../src/index.js'
import { combine, difference, kinds, numbers, random, sequence, slopes } from './support.js'

type CreditKind = 'full' | 'weights' | 'examples' | 'input' | 'inputs'

interface Setting {
  readonly kind: string
  readonly inputs: number
  readonly hidden: number
  readonly steps: number
  readonly batch: number | undefined
  readonly resets: boolean
  readonly weighted: boolean
  readonly credit: CreditKind
  readonly seed: number
}

const settings: fc.Arbitrary<Setting> = fc.record({
  kind: fc.constantFrom(...Object.keys(kinds)),
  inputs: fc.integer({ min: 1, max: 3 }),
  hidden: fc.integer({ min: 1, max: 3 }),
  steps: fc.integer({ min: 1, max: 6 }),
  batch: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  resets: fc.boolean(),
  weighted: fc.boolean(),
  credit: fc.constantFrom<CreditKind>('full', 'weights', 'examples', 'input', 'inputs'),
  seed: fc.nat(1e6),
})

/** Weights of 0, 1, more and less, by a seed. */
const weightAt = (seed: number, i: number): number => [0, 1, 1.5, 0.5][(seed + 7 * i + i * i) % 4]!

function creditOf({ credit, steps, batch, seed }: Setting): Credit {
  const edges = Array.from({ length: steps - 1 }, (_, t) => t)
  if (credit === 'weights' || (credit === 'examples' && batch === undefined))
    return { kind: 'weights', weights: edges.map(t => weightAt(seed, t)) }
  if (credit === 'examples')
    return {
      kind: 'weights',
      weights: edges.map(t => Array.from({ length: batch! }, (_, b) => weightAt(seed, 5 * t + 3 * b))),
    }
  return credit === 'full' ? { kind: 'full' } : { kind: 'input', each: credit === 'inputs' }
}

function optionsOf(setting: Setting, form: 'flat' | 'folded'): TimelineOptions {
  const { steps, batch, resets, weighted } = setting
  return {
    steps,
    ...(batch === undefined ? {} : { batch }),
    form,
    loss: squaredError as Loss,
    resets,
    weighted,
    credit: creditOf(setting),
  }
}

/** Values for every input the setting declares. */
function valuesOf(cell: Cell, setting: Setting): Record<string, unknown> {
  const { steps, batch, seed, resets, weighted, credit } = setting
  const front = batch === undefined ? [] : [batch]
  const rows = [steps, ...front]
  const whole = (shape: number[], f: (i: number) => number): Tensor => {
    const made = random(shape, 0)
    return { shape, data: made.data.map((_, i) => f(i)) }
  }
  return {
    ...sequence(cell, rows, seed + 1),
    ...(weighted && { weights: random(rows, seed + 5) }),
    ...(resets && { reset: whole(rows, i => ((seed + i * i) % 3 === 0 ? 1 : 0)) }),
    ...(credit === 'input' && { credit: whole([steps], i => weightAt(seed, i)) }),
    ...(credit === 'inputs' && { credit: whole(rows, i => weightAt(seed, i)) }),
  }
}

const cellOf = ({ kind, inputs, hidden }: Setting): Cell => kinds[kind]!(inputs, hidden)
const wanted = (cell: Cell): string[] => ['params', 'carry', ...(cell.input.length === 0 ? [] : ['xs'])]

describe('a flat timeline', () => {
  test('equals the folded one in values and gradients, for every cell and every option (identity 14)', () => {
    fc.assert(
      fc.property(settings, setting => {
        const cell = cellOf(setting)
        const values = valuesOf(cell, setting)
        const made = (['flat', 'folded'] as const).map(form =>
          slopes(unroll(cell, optionsOf(setting, form)).graph, wanted(cell), values),
        )
        expect(difference(made[0], made[1])).toBeLessThanOrEqual(1e-12)
      }),
      { numRuns: 150 },
    )
  })

  test('has as many steps and examples as a named axis is bound to', () => {
    for (const kind of Object.keys(kinds)) {
      const setting: Setting = {
        kind,
        inputs: 2,
        hidden: 2,
        steps: 4,
        batch: 3,
        resets: true,
        weighted: true,
        credit: 'inputs',
        seed: 11,
      }
      const cell = cellOf(setting)
      const named = { ...optionsOf(setting, 'folded'), steps: 'T', batch: 'B' }
      const made = [optionsOf(setting, 'flat'), named].map(options =>
        slopes(unroll(cell, options).graph, wanted(cell), valuesOf(cell, setting)),
      )
      expect(difference(made[0], made[1]), kind).toBeLessThanOrEqual(1e-12)
    }
  })
})

describe('reweight', () => {
  test('leaves every forward value as it is, bit for bit (identity 9)', () => {
    fc.assert(
      fc.property(
        settings,
        fc.array(fc.constantFrom(0, 1, 3), { minLength: 6, maxLength: 6 }),
        (given, weights) => {
          for (const form of ['flat', 'folded'] as const) {
            const setting: Setting = { ...given, credit: 'full' }
            const cell = cellOf(setting)
            const line = unroll(cell, optionsOf(setting, form))
            const values = valuesOf(cell, setting) as Values
            const other = reweight(line, { text: 'test', weight: ({ t }) => weights[t]! })
            expect(numbers(evaluate(other.graph, values))).toEqual(numbers(evaluate(line.graph, values)))
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  test('by full is the original, bit for bit', () => {
    fc.assert(
      fc.property(settings, given => {
        const setting: Setting = { ...given, credit: 'full' }
        const cell = cellOf(setting)
        const values = valuesOf(cell, setting)
        for (const form of ['flat', 'folded'] as const) {
          const line = unroll(cell, optionsOf(setting, form))
          const made = [line, reweight(reweight(line, every(2)), full())].map(({ graph }) =>
            numbers(slopes(graph, wanted(cell), values)),
          )
          expect(made[1]).toEqual(made[0])
        }
      }),
      { numRuns: 30 },
    )
  })

  test('by blocks as long as the timeline, or longer, is full; by blocks of 1 it is step by step (identity 17)', () => {
    fc.assert(
      fc.property(settings, given => {
        const setting: Setting = { ...given, credit: 'full', resets: false, weighted: false }
        const { steps } = setting
        const cell = cellOf(setting)
        const values = valuesOf(cell, setting)
        const line = unroll(cell, optionsOf(setting, 'folded'))
        const by = ['params']
        const of = (K: number): unknown => slopes(reweight(line, every(K)).graph, by, values)['gradient']
        const whole = slopes(line.graph, by, values)['gradient']
        expect(difference(of(steps), whole)).toBe(0)
        expect(difference(of(steps + 3), whole)).toBe(0)
        expect(difference(of(1), stepwise(cell, setting, values))).toBeLessThanOrEqual(1e-12)
      }),
      { numRuns: 30 },
    )
  })

  test('never gates the carry before step 1', () => {
    for (const form of ['flat', 'folded'] as const)
      for (const kind of Object.keys(kinds)) {
        const setting: Setting = {
          kind,
          inputs: 2,
          hidden: 2,
          steps: 4,
          batch: 2,
          resets: false,
          weighted: false,
          credit: 'full',
          seed: 5,
        }
        const cell = cellOf(setting)
        const values = valuesOf(cell, setting)
        const line = reweight(unroll(cell, optionsOf(setting, form)), every(1))
        const alone = unroll(cell, { ...optionsOf({ ...setting, steps: 1 }, form) })
        const first = { ...values, xs: row(values['xs'], 0), targets: row(values['targets'], 0) }
        const [all, one] = [
          slopes(line.graph, ['carry'], values)['gradient'],
          slopes(alone.graph, ['carry'], first)['gradient'],
        ]
        expect(difference(all, one), kind).toBeLessThanOrEqual(1e-14)
        expect(
          Math.max(...[...numbers(one).values()].flatMap(data => [...data].map(Math.abs))),
        ).toBeGreaterThan(0)
      }
  })
})

/** Rows [t, t + 1) of a sequence. */
function row(sequence: unknown, t: number): Tensor {
  const { shape, data } = sequence as Tensor
  const size = data.length / shape[0]!
  return { shape: [1, ...shape.slice(1)], data: data.slice(t * size, (t + 1) * size) }
}

/** Gradients of one-step timelines, each from the carry the one before left, added up. */
function stepwise(cell: Cell, setting: Setting, values: Record<string, unknown>): unknown {
  const line = unroll(cell, optionsOf({ ...setting, steps: 1 }, 'folded'))
  let carry = values['carry']
  const parts: unknown[] = []
  for (let t = 0; t < setting.steps; t++) {
    const now = { ...values, carry, xs: row(values['xs'], t), targets: row(values['targets'], t) }
    const made = slopes(line.graph, ['params'], now)
    parts.push(made['gradient'])
    carry = made['carry']
  }
  return combine(parts.map(part => [1, part] as const))
}

describe('a batch', () => {
  test('is its examples side by side: gradients add up (identity 23)', () => {
    fc.assert(
      fc.property(settings, given => {
        const setting: Setting = { ...given, batch: 3, credit: 'inputs' }
        const cell = cellOf(setting)
        const values = valuesOf(cell, setting)
        const together = slopes(unroll(cell, optionsOf(setting, 'folded')).graph, ['params'], values)
        const alone = unroll(cell, optionsOf({ ...setting, batch: undefined }, 'folded'))
        const parts = [0, 1, 2].map(b => slopes(alone.graph, ['params'], example(values, b))['gradient'])
        const sum = combine(parts.map(part => [1, part] as const))
        expect(difference(together['gradient'], sum)).toBeLessThanOrEqual(1e-12)
      }),
      { numRuns: 30 },
    )
  })
})

/** Example b of values with a batch of 3. */
function example(values: Record<string, unknown>, b: number): Record<string, unknown> {
  const pick = ({ shape, data }: Tensor, axis: number): Tensor => {
    const inner = shape.slice(axis + 1).reduce((a, c) => a * c, 1)
    const kept = data.filter((_, i) => Math.floor(i / inner) % 3 === b)
    return { shape: shape.filter((_, i) => i !== axis), data: kept }
  }
  const { params, carry, ...rest } = values
  const sequences = Object.entries(rest).map(([name, value]) => [name, pick(value as Tensor, 1)] as const)
  const visit = (tree: unknown): unknown =>
    (tree as Tensor).data instanceof Float64Array
      ? pick(tree as Tensor, 0)
      : Object.fromEntries(Object.entries(tree as object).map(([key, value]) => [key, visit(value)]))
  return { params, carry: visit(carry), ...Object.fromEntries(sequences) }
}

describe('unroll', () => {
  const net = linearNet({ inputs: 2, hidden: 1, outputs: 1 })
  test('needs edges that can be counted to reweight', () => {
    expect(() => reweight(unroll(net, { steps: 'T' }), every(2))).toThrow(
      expect.objectContaining({
        code: 'bad-credit',
        message:
          "reweight: a timeline of 'T' steps has no edges to count\nhint: unroll a number of steps, or with credit as an input",
      }),
    )
  })

  test('declares the inputs that its options ask for, and no others', () => {
    const names = (options: TimelineOptions): string[] =>
      unroll(net, options).graph.inputs.map(port => port.name)
    const least = ['params.U', 'params.W', 'params.V', 'carry.h', 'xs']
    expect(names({ steps: 2 })).toEqual(least)
    expect(
      names({
        steps: 2,
        loss: squaredError as Loss,
        weighted: true,
        resets: true,
        credit: { kind: 'input', each: true },
      }),
    ).toEqual([...least, 'targets', 'weights', 'reset', 'credit'])
    expect(unroll(net, { steps: 2 }).graph.outputs.map(port => port.name)).toEqual(['ys', 'carry.h'])
  })
})
