import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  accumulate,
  adamw,
  chain,
  clipByGlobalNorm,
  freeze,
  groups,
  type Optimizer,
  sgd,
} from '../../src/index.js'
import { noise } from '../support.js'
import { everyOptimizer } from './cases.js'
import { byProgram, byReference, course, gradientLists, start } from './support.js'

/** The bits of some numbers: −0 is not 0. */
const bits = (values: readonly number[]): bigint[] => [...new BigInt64Array(new Float64Array(values).buffer)]

/** Weight decay moves parameters without a gradient, by what it is for. */
const decays = (name: string): boolean => /weight decay|dampening|other settings|adamw/.test(name)

describe('a zero gradient (identity 47)', () => {
  const signed = [-0, 0, -1.5, 1e-300]
  const still = everyOptimizer.filter(([name]) => !decays(name))

  test.each(still)('leaves the parameters of %s as they are, to the bit', (_, optimizer) => {
    const zeros = Array.from({ length: 5 }, () => [0, 0, 0, 0])
    for (const run of [byReference(optimizer), byProgram(optimizer, 'float64')]) {
      const { params } = course(optimizer, zeros, { from: signed, run })
      expect(bits(params)).toEqual(bits(signed))
    }
  })

  test('is the only reason: the law covers all but those with weight decay, which move', () => {
    expect(still.length).toBeGreaterThan(20)
    expect(course(adamw(0.1), [[0, 0, 0, 0]]).params).not.toEqual(start)
  })
})

/** ½ xᵀ A x with A = Mᵀ M, its gradient, and a bound L of its curvature: the trace of A. */
function quadratic(seed: number, scale: number) {
  const m = Array.from({ length: 4 }, (_, i) => noise(seed * 7 + i, 4).map(v => v * scale))
  const a = m.map((_, i) => m.map((_, j) => m.reduce((sum, row) => sum + row[i]! * row[j]!, 0)))
  const gradient = (x: readonly number[]): number[] =>
    a.map(row => row.reduce((sum, v, j) => sum + v * x[j]!, 0))
  const value = (x: readonly number[]): number => gradient(x).reduce((sum, g, i) => sum + (g * x[i]!) / 2, 0)
  return { gradient, value, bound: a.reduce((sum, row, i) => sum + row[i]!, 0) }
}

describe('on an L-smooth quadratic (identity 47)', () => {
  const cases = fc.tuple(fc.nat(1e6), fc.constantFrom(0.01, 1, 30))

  test('a step of 1/L of sgd lowers the value by at least |g|²/2L', () => {
    fc.assert(
      fc.property(cases, ([seed, scale]) => {
        const { gradient, value, bound } = quadratic(seed, scale)
        const g = gradient(start)
        const { params } = course(sgd(1 / bound), [g])
        const fall = g.reduce((sum, v) => sum + v * v, 0) / (2 * bound)
        expect(value(params)).toBeLessThanOrEqual(value(start) - fall * (1 - 1e-9))
        expect(fall).toBeGreaterThan(0)
      }),
    )
  })

  const steppers = everyOptimizer.filter(([name]) => !decays(name) && !/sums of [23]|over sums/.test(name))

  test.each(steppers)('the first update of %s goes downhill', (_, optimizer) => {
    fc.assert(
      fc.property(cases, ([seed, scale]) => {
        const { gradient } = quadratic(seed, scale)
        const g = gradient(start)
        const [update] = course(optimizer, [g]).updates
        expect(update!.reduce((sum, u, i) => sum + u * g[i]!, 0)).toBeLessThan(0)
      }),
      { numRuns: 20 },
    )
  })

  test.each(steppers)('many updates of %s end lower than they began', (name, optimizer) => {
    if (/schedule/.test(name)) return
    const { gradient, value } = quadratic(3, 0.5)
    const run = byReference(optimizer)
    const gradients: number[][] = []
    let params = start
    for (let k = 0; k < 40; k++) {
      gradients.push(gradient(params))
      params = course(optimizer, gradients, { run }).params
    }
    expect(value(params)).toBeLessThan(value(start))
  })
})

describe('clipping before a step', () => {
  const inner = everyOptimizer.filter(([name]) => !/clipped|groups/.test(name))

  test.each(inner)('changes nothing for %s while the norm is below the limit', (_, optimizer) => {
    fc.assert(
      fc.property(gradientLists, gradients => {
        const clipped = course(chain(clipByGlobalNorm(1e6), optimizer), gradients)
        expect(clipped.params).toEqual(course(optimizer, gradients).params)
        expect(clipped.reports.every(({ clip }) => clip === 1)).toBe(true)
      }),
      { numRuns: 10 },
    )
  })

  test.each(inner)('gives %s the gradients scaled to the limit', (_, optimizer) => {
    fc.assert(
      fc.property(gradientLists, gradients => {
        const scaled = gradients.map(g => {
          const factor = Math.min(1, 0.5 / (Math.hypot(...g) + 1e-6))
          return g.map(v => v * factor)
        })
        const { params, reports } = course(chain(clipByGlobalNorm(0.5), optimizer), gradients)
        const wanted = course(optimizer, scaled).params
        params.forEach((p, i) => {
          expect(p).toBeCloseTo(wanted[i]!, 9)
        })
        gradients.forEach((g, k) => {
          expect(reports[k]!['norm']).toBeCloseTo(Math.hypot(...g), 9)
        })
      }),
      { numRuns: 10 },
    )
  })
})

describe('slots', () => {
  test.each(everyOptimizer)('of %s keep their names and shapes', (_, optimizer) => {
    const names = (tree: unknown): unknown =>
      JSON.stringify(tree, (_key, value) =>
        value !== null && typeof value === 'object' && 'data' in value
          ? (value as { shape: unknown }).shape
          : value,
      )
    const { slots } = course(optimizer, [[1, -2, 3, -4]])
    expect(pruned(JSON.parse(String(names(slots))))).toEqual(pruned(optimizer.slots({ a: [3], b: [1] })))
  })
})

/** Without empty branches, which a graph does not have. */
function pruned(tree: unknown): unknown {
  if (Array.isArray(tree) || typeof tree !== 'object' || tree === null) return tree
  const found = Object.entries(tree)
    .map(([key, value]) => [key, pruned(value)] as const)
    .filter(([, value]) => Array.isArray(value) || Object.keys(value as object).length > 0)
  return Object.fromEntries(found)
}

describe('an optimiser that makes no step', () => {
  const message = (text: string, fix: string): unknown =>
    expect.objectContaining({
      code: 'no-step',
      message: `accumulate: ${text} only changes gradients; it needs a step after it\nhint: ${fix}`,
    })

  test('is refused where a step is needed', () => {
    const clip = clipByGlobalNorm(1)
    expect(() => accumulate(2, clip)).toThrow(
      message('clipByGlobalNorm(1)', 'chain(clipByGlobalNorm(1), adam(1e-3))'),
    )
    expect(() => accumulate(2, chain(clip, chain(clip)))).toThrow(
      message(
        'clipByGlobalNorm(1) → clipByGlobalNorm(1)',
        'chain(clipByGlobalNorm(1), clipByGlobalNorm(1), adam(1e-3))',
      ),
    )
    expect(() => groups({ '*': clip })).toThrow(expect.objectContaining({ code: 'no-step' }))
    expect(() => chain()).toThrow('chain: has no link; it needs at least one\nhint: chain(adam(1e-3))')
  })

  test('is welcome before or after a step', () => {
    const steps: readonly Optimizer[] = [
      chain(clipByGlobalNorm(1), sgd(1)),
      chain(sgd(1), clipByGlobalNorm(1)),
      freeze(),
    ]
    for (const step of steps) expect(accumulate(2, step).uphill).toBeFalsy()
  })
})
