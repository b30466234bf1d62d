import { evaluate, type Tensor, type Values } from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adam, chain, clipByGlobalNorm, clipByValue, groups, type Optimizer, sgd } from '../../src/index.js'
import { noise } from '../support.js'
import { alone, course, joined, split, start } from './support.js'

const norm = (g: readonly number[]): number => Math.hypot(...g)

/** What a link makes of gradients, and what it reports. */
function clip(link: Optimizer, g: readonly number[]): { clipped: number[]; factor: number; norm: number } {
  const values = { gradients: split(g), params: split(g), count: 0 } as Values
  const made = evaluate(alone(link), values) as Record<string, unknown>
  const { clip, norm } = made['reports'] as Record<'clip' | 'norm', Tensor>
  return { clipped: joined(made['updates']), factor: clip.data[0]!, norm: norm.data[0]! }
}

const cases = fc
  .tuple(fc.nat(1e6), fc.double({ min: 0.01, max: 10, noNaN: true }), fc.constantFrom(0.01, 1, 99))
  .map(([seed, max, scale]) => ({ max, g: noise(seed, 4).map(value => value * scale) }))

describe('clipByGlobalNorm', () => {
  test('bounds the norm, keeps the direction, is idempotent and the identity below (identity 46)', () => {
    fc.assert(
      fc.property(cases, ({ max, g }) => {
        const { clipped, factor, norm: before } = clip(clipByGlobalNorm(max), g)
        expect(norm(clipped)).toBeLessThanOrEqual(max)
        expect(before).toBeCloseTo(norm(g), 9)
        clipped.forEach((value, i) => expect(value).toBeCloseTo(g[i]! * factor, 12))
        expect(factor).toBeGreaterThan(0)
        if (norm(g) <= max - 1e-6) expect(clipped).toEqual(g)
        else expect(factor).toBeCloseTo(max / (norm(g) + 1e-6), 12) // PyTorch's formula
        const again = clip(clipByGlobalNorm(max), clipped).clipped
        again.forEach((value, i) => {
          expect(Math.abs(value - clipped[i]!)).toBeLessThanOrEqual(2e-6)
        })
      }),
    )
  })

  test('comes first in a chain: the step sees clipped gradients', () => {
    const g = [30, -40, 0, 0]
    const factor = 1 / (50 + 1e-6)
    const { params, reports } = course(chain(clipByGlobalNorm(1), sgd(0.1)), [g])
    params.forEach((p, i) => expect(p).toBeCloseTo(start[i]! - 0.1 * g[i]! * factor, 14))
    expect(reports[0]!['clip']).toBeCloseTo(factor, 14)
  })
})

describe('clipByValue', () => {
  test('bounds every number, keeps its sign, is idempotent and the identity inside (identity 46)', () => {
    fc.assert(
      fc.property(cases, ({ max, g }) => {
        const { clipped, norm: before } = clip(clipByValue(max), g)
        expect(clipped).toEqual(g.map(v => (Math.abs(v) <= max ? v : max * Math.sign(v))))
        expect(before).toBeCloseTo(norm(g), 9)
        expect(clip(clipByValue(max), clipped)).toMatchObject({ clipped, factor: 1 })
      }),
    )
  })

  test('reports the share of numbers that were inside', () => {
    expect(clip(clipByValue(1), [0.5, 2, -3, 1]).factor).toBeCloseTo((1 / 3 + 1) / 2, 14)
    expect(clip(clipByValue(1), [1, -1, 0, 2]).factor).toBe(0.5)
  })
})

describe('what is reported of several links', () => {
  test('is the norm before the first clipping, and the least factor', () => {
    const twice = chain(clipByGlobalNorm(10), clipByGlobalNorm(1), adam(0.1))
    const [report] = course(twice, [[30, -40, 0, 0]]).reports
    expect(report!['norm']).toBeCloseTo(50, 9)
    expect(report!['clip']).toBeCloseTo(0.1, 6)
  })

  test('is the norm of all groups together, and the least factor of a group', () => {
    const both = groups({
      a: chain(clipByGlobalNorm(1), sgd(1)),
      b: chain(clipByGlobalNorm(2), sgd(1)),
    })
    const [report] = course(both, [[3, 0, 0, 4]]).reports
    expect(report!['norm']).toBeCloseTo(5, 9)
    expect(report!['clip']).toBeCloseTo(1 / 3, 6)
  })
})
