import { gradient } from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arbitraryLayout } from './compile-layouts.js'
import { apart, compiled, reference } from './compile-support.js'

const runs = { numRuns: 250, seed: 1 }

describe('programs of looks, parts, sums, products and loops', () => {
  test('compiled give the values that evaluate gives', () => {
    fc.assert(
      fc.property(arbitraryLayout(), fc.nat(5), ({ graph, inputs }, T) => {
        expect(apart(compiled(graph, inputs(T)), reference(graph, inputs(T)))).toBeLessThanOrEqual(1e-10)
      }),
      runs,
    )
  })

  test('compiled give the gradients that evaluate gives', () => {
    fc.assert(
      fc.property(arbitraryLayout({ max: false }), fc.nat(5), ({ graph, inputs }, T) => {
        const slope = gradient(graph, { of: 'loss', by: [''] })
        expect(apart(compiled(slope, inputs(T)), reference(slope, inputs(T)))).toBeLessThanOrEqual(1e-10)
      }),
      runs,
    )
  })
})
