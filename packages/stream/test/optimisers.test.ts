import {
  evaluate,
  type Graph,
  GraphError,
  graph,
  type Ref,
  type Tensor,
  type Tree,
  type Values,
} from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adam, adamw, chain, clipByGlobalNorm, type Optimizer, sgd } from '../src/index.js'
import { noise } from './support.js'

/** The optimiser alone, as a graph of params a [3] and b [1]. */
function alone(optimizer: Optimizer): Graph {
  const shapes = { a: [3], b: [1] }
  const inputs = { gradients: shapes, params: shapes, slots: optimizer.slots(shapes), count: [] }
  return graph(inputs as never, refs => {
    const at = refs as unknown as Record<'gradients' | 'params' | 'slots', Tree<Ref>> & { count: Ref }
    const { updates, slots, reports } = optimizer.update(at.gradients, { ...at, slots: at.slots ?? {} })
    return { updates, slots, reports: reports ?? {} } as Tree<Ref>
  }) as Graph
}

const split = (values: readonly number[]): unknown => ({ a: values.slice(0, 3), b: values.slice(3) })
const joined = (tree: unknown): number[] => {
  const { a, b } = tree as { a: Tensor; b: Tensor }
  return [...a.data, ...b.data]
}

/** Params after some updates with these gradients, and the last report. */
function run(optimizer: Optimizer, gradients: readonly number[][]): { params: number[]; reports: unknown } {
  const program = alone(optimizer)
  let params = noise(5, 4)
  let slots: unknown = zeros(optimizer.slots({ a: [3], b: [1] }))
  let reports: unknown
  gradients.forEach((g, count) => {
    const made = evaluate(program, {
      gradients: split(g),
      params: split(params),
      slots,
      count,
    } as Values) as Record<string, unknown>
    const updates = joined(made['updates'])
    params = params.map((p, i) => p + updates[i]!)
    slots = made['slots'] ?? {}
    reports = made['reports']
  })
  return { params, reports }
}

const zeros = (tree: unknown): unknown =>
  Array.isArray(tree)
    ? { shape: tree, data: new Float64Array(tree.reduce((x, y) => x * y, 1)) }
    : Object.fromEntries(Object.entries(tree as object).map(([key, value]) => [key, zeros(value)]))

/** A rule for one number: its gradients so far to the number, by hand, in PyTorch's words. */
type Rule = (p: number, gradients: readonly number[]) => number

function sgdByHand(lr: number, momentum = 0, nesterov = false, decay = 0): Rule {
  return (p, gradients) => {
    let buffer: number | undefined
    for (const gradient of gradients) {
      const g = gradient + decay * p
      buffer = buffer === undefined ? g : momentum * buffer + g
      p -= lr * (momentum === 0 ? g : nesterov ? g + momentum * buffer : buffer)
    }
    return p
  }
}

interface AdamSettings {
  readonly b1?: number
  readonly b2?: number
  readonly eps?: number
  readonly l2?: number
  readonly decay?: number
}

function adamByHand(lr: number, settings: AdamSettings = {}): Rule {
  const { b1 = 0.9, b2 = 0.999, eps = 1e-8, l2 = 0, decay = 0 } = settings
  return (p, gradients) => {
    let [m, v] = [0, 0]
    gradients.forEach((gradient, i) => {
      const g = gradient + l2 * p
      p *= 1 - lr * decay
      m = b1 * m + (1 - b1) * g
      v = b2 * v + (1 - b2) * g * g
      const denominator = Math.sqrt(v) / Math.sqrt(1 - b2 ** (i + 1)) + eps
      p -= ((lr / (1 - b1 ** (i + 1))) * m) / denominator
    })
    return p
  }
}

const gradientLists = fc
  .tuple(fc.nat(1e6), fc.integer({ min: 1, max: 7 }), fc.constantFrom(1e-3, 1, 40))
  .map(([seed, updates, scale]) =>
    Array.from({ length: updates }, (_, k) => noise(seed * 10 + k, 4).map(g => g * scale)),
  )

describe('an optimiser', () => {
  const rules: [string, Optimizer, Rule][] = [
    ['sgd', sgd(0.1), sgdByHand(0.1)],
    ['sgd with momentum', sgd(0.1, { momentum: 0.9 }), sgdByHand(0.1, 0.9)],
    ['sgd with Nesterov momentum', sgd(0.1, { momentum: 0.8, nesterov: true }), sgdByHand(0.1, 0.8, true)],
    ['sgd with weight decay', sgd(0.1, { weightDecay: 0.3 }), sgdByHand(0.1, 0, false, 0.3)],
    [
      'sgd with all of it',
      sgd(0.05, { momentum: 0.9, nesterov: true, weightDecay: 0.2 }),
      sgdByHand(0.05, 0.9, true, 0.2),
    ],
    ['adam', adam(0.01), adamByHand(0.01)],
    [
      'adam with other settings',
      adam(0.1, { b1: 0.5, b2: 0.8, eps: 0.1, weightDecay: 0.2 }),
      adamByHand(0.1, { b1: 0.5, b2: 0.8, eps: 0.1, l2: 0.2 }),
    ],
    ['adam without memory', adam(0.1, { b1: 0, b2: 0 }), adamByHand(0.1, { b1: 0, b2: 0 })],
    ['adamw', adamw(0.1), adamByHand(0.1, { decay: 0.01 })],
    [
      'adamw with other settings',
      adamw(0.1, { b1: 0.7, weightDecay: 0.5 }),
      adamByHand(0.1, { b1: 0.7, decay: 0.5 }),
    ],
    ['a chain of one', chain(adam(0.1)), adamByHand(0.1)],
  ]

  test.each(rules)('%s makes the updates of its formula', (_, optimizer, rule) => {
    fc.assert(
      fc.property(gradientLists, gradients => {
        const { params } = run(optimizer, gradients)
        noise(5, 4).forEach((p, i) => {
          const wanted = rule(
            p,
            gradients.map(g => g[i]!),
          )
          expect(Math.abs(params[i]! - wanted)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(wanted)))
        })
      }),
      { numRuns: 20 },
    )
  })

  test('sgd leaves parameters bitwise unchanged by a zero gradient (identity 47)', () => {
    expect(run(sgd(0.1), [[0, 0, 0, 0]]).params).toEqual(noise(5, 4))
    expect(run(chain(clipByGlobalNorm(1), sgd(0.1)), [[0, 0, 0, 0]]).params).toEqual(noise(5, 4))
  })

  test('sgd with a step of 1/L lowers an L-smooth quadratic (identity 47)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 9, noNaN: true }), { minLength: 4, maxLength: 4 }),
        l => {
          const p = noise(5, 4)
          const value = (x: readonly number[]): number =>
            x.reduce((sum, v, i) => sum + (l[i]! / 2) * v * v, 0)
          const { params } = run(sgd(1 / Math.max(...l)), [p.map((v, i) => l[i]! * v)])
          expect(value(params)).toBeLessThan(value(p))
        },
      ),
    )
  })

  test('says what it is', () => {
    expect(chain(clipByGlobalNorm(1), adam(0.001)).text).toBe('clipByGlobalNorm(1) → adam(0.001)')
    expect(sgd(0.1).text).toBe('sgd(0.1)')
    expect(sgd(0.1, { momentum: 0.9 }).text).toBe('sgd(0.1, momentum 0.9)')
    expect(sgd(0.1, { momentum: 0.9, nesterov: true }).text).toBe('sgd(0.1, nesterov 0.9)')
    expect(adamw(0.1).text).toBe('adamw(0.1)')
  })
})

describe('clipByGlobalNorm', () => {
  const clip = (max: number, g: readonly number[]): { clipped: number[]; factor: number } => {
    const made = evaluate(alone(clipByGlobalNorm(max)), {
      gradients: split(g),
      params: split(g),
      count: 0,
    } as Values) as Record<string, unknown>
    return {
      clipped: joined(made['updates']),
      factor: (made['reports'] as { clip: Tensor }).clip.data[0]!,
    }
  }
  const norm = (g: readonly number[]): number => Math.hypot(...g)

  test('bounds the norm, keeps the direction, is idempotent and the identity below (identity 46)', () => {
    const cases = fc.tuple(
      fc.nat(1e6),
      fc.double({ min: 0.01, max: 10, noNaN: true }),
      fc.constantFrom(0.01, 1, 99),
    )
    fc.assert(
      fc.property(cases, ([seed, max, scale]) => {
        const g = noise(seed, 4).map(value => value * scale)
        const { clipped, factor } = clip(max, g)
        expect(norm(clipped)).toBeLessThanOrEqual(max)
        clipped.forEach((value, i) => expect(value).toBeCloseTo(g[i]! * factor, 12))
        expect(factor).toBeGreaterThan(0)
        if (norm(g) <= max - 1e-6) expect(clipped).toEqual(g)
        else expect(factor).toBeCloseTo(max / (norm(g) + 1e-6), 12) // PyTorch's formula
        const again = clip(max, clipped).clipped
        again.forEach((value, i) => {
          expect(Math.abs(value - clipped[i]!)).toBeLessThanOrEqual(2e-6)
        })
      }),
    )
  })

  test('comes first in a chain: the step sees clipped gradients', () => {
    const g = [[30, -40, 0, 0]]
    const factor = 1 / (50 + 1e-6)
    const wanted = noise(5, 4).map((p, i) => p - 0.1 * g[0]![i]! * factor)
    const { params, reports } = run(chain(clipByGlobalNorm(1), sgd(0.1)), g)
    params.forEach((p, i) => expect(p).toBeCloseTo(wanted[i]!, 14))
    expect((reports as { clip: Tensor }).clip.data[0]).toBeCloseTo(factor, 14)
  })
})

describe('settings', () => {
  test.each<[() => Optimizer, string]>([
    [() => sgd(0), 'sgd: the learning rate is 0; it is a number > 0\nhint: 1e-3 is a usual start'],
    [
      () => adam(Number.NaN),
      'adam: the learning rate is NaN; it is a number > 0\nhint: 1e-3 is a usual start',
    ],
    [
      () => adamw(Number.POSITIVE_INFINITY),
      'adamw: the learning rate is Infinity; it is a number > 0\nhint: 1e-3 is a usual start',
    ],
    [() => sgd(1, { momentum: 1 }), 'sgd: momentum is 1; it is in [0, 1)'],
    [() => sgd(1, { nesterov: true }), 'sgd: nesterov without momentum; it looks ahead along a momentum > 0'],
    [() => sgd(1, { weightDecay: -1 }), 'sgd: weightDecay is -1; it is a number ≥ 0'],
    [() => adam(1, { weightDecay: Number.NaN }), 'adam: weightDecay is NaN; it is a number ≥ 0'],
    [() => adamw(1, { weightDecay: -1 }), 'adamw: weightDecay is -1; it is a number ≥ 0'],
    [() => adam(1, { b1: 1 }), 'adam: b1 is 1; it is in [0, 1)'],
    [() => adam(1, { b2: -0.1 }), 'adam: b2 is -0.1; it is in [0, 1)'],
    [() => adam(1, { eps: Number.NaN }), 'adam: eps is NaN; it is a number ≥ 0'],
    [() => clipByGlobalNorm(0), 'clipByGlobalNorm: max is 0; a norm to clip at is a number > 0'],
    [() => clipByGlobalNorm(Number.NaN), 'clipByGlobalNorm: max is NaN; a norm to clip at is a number > 0'],
  ])('that make no sense are refused: %#', (make, message) => {
    expect(make).toThrow(GraphError)
    expect(make).toThrow(expect.objectContaining({ code: 'bad-setting', message }))
  })
})
