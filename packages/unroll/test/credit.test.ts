import { add, evaluate, mul, sqrt, squaredError, type Tensor, valueAndGradient } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { artbp, type Credit, cell, fixed, reweight, type Timeline, unroll } from '../src/index.js'
import { combine, difference, hazardOf, kinds, patterns, sequence, slopes } from './support.js'

describe('ARTBP', () => {
  const steps = 5
  const hazards: [string, (age: number, t: number) => number][] = [
    ['a constant chance', age => hazardOf(artbp({ mean: 4 }), age)],
    ['a power law', age => hazardOf(artbp({ mean: 3, tail: 4 }), age)],
    ['a chance that depends on time', (_, t) => 0.1 + 0.15 * t],
  ]
  const cases = hazards.flatMap(([name, hazard]) =>
    ['elman', 'gru', 'lstm', 'stacked'].map(kind => [name, kind, hazard] as const),
  )

  test.each(cases)(
    'with %s is unbiased on %s: the mean over all patterns is the full gradient (identity 32)',
    (_, kind, hazard) => {
      const model = kinds[kind]!(2, 2)
      const values = sequence(model, [steps])
      const by = ['params', 'carry', 'xs']
      const line = unroll(model, { steps, loss: squaredError, credit: { kind: 'input', each: false } })
      const slope = valueAndGradient(line.graph, { of: 'loss', by })
      const full = slopes(unroll(model, { steps, loss: squaredError }).graph, by, values)['gradient']
      const all = patterns(steps - 1, hazard)
      const terms = all.map(({ probability, weights }) => {
        const made = evaluate(slope, { ...values, credit: [1, ...weights] } as never) as Record<
          string,
          unknown
        >
        return [probability, made['gradient']] as const
      })
      expect(all.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 14)
      const mean = combine(terms)
      expect(difference(mean, combine([[1, full]]))).toBeLessThanOrEqual(1e-12)
      // a single pattern is not the mean: the test can tell them apart
      expect(difference(combine([[1, terms[0]![1]]]), combine([[1, full]]))).toBeGreaterThan(1e-3)
    },
  )

  test('reweight and credit given as an input are the same gradient, bit for bit', () => {
    const model = kinds['lstm']!(2, 3)
    const weights = [0, 1.5, 1.25, 0, 2]
    const values = sequence(model, [6])
    const line = unroll(model, { steps: 6, loss: squaredError })
    const open = unroll(model, { steps: 6, loss: squaredError, credit: { kind: 'input', each: false } })
    const fixedCredit = slopes(reweight(line, fixed(weights)).graph, ['params'], values)
    const given = slopes(open.graph, ['params'], { ...values, credit: [1, ...weights] })
    expect(difference(given, fixedCredit)).toBe(0)
  })
})

// h' = √(a h) + x: infinitely steep at h = 0, where x_2 = −1 puts it
const steep = cell({
  name: 'steep',
  params: () => ({ a: [1] }),
  carry: () => ({ h: [1] }),
  step({ a }, { h }, x) {
    const next = add(sqrt(mul(h, a)), x)
    return [{ h: next }, next]
  },
})({ inputs: 1, hidden: 1 })

describe('a cut', () => {
  const values = {
    params: { a: [1] },
    carry: { h: [1] },
    xs: [[0], [-1], [2], [3]],
    targets: [[5], [5], [5], [5]],
  }
  const byStep = (line: Timeline, more: object = {}): number[] => {
    const made = slopes(line.graph, ['xs', 'carry'], { ...values, ...more })['gradient'] as {
      xs: Tensor
      carry: { h: Tensor }
    }
    return [...made.xs.data, ...made.carry.h.data]
  }

  test.each(['flat', 'folded'] as const)(
    'in a %s timeline is structural: no infinity or NaN behind it leaks',
    form => {
      const make = (credit: Credit): Timeline => unroll(steep, { steps: 4, form, loss: squaredError, credit })
      const open = byStep(make({ kind: 'full' }))
      expect(open.slice(0, 2).every(Number.isFinite)).toBe(false)
      const cut = byStep(make({ kind: 'weights', weights: [1, 0, 1] }))
      expect(cut.every(Number.isFinite)).toBe(true)
      // step 2 sees only its own loss: 2 (h_2 − 5)
      expect(cut[1]).toBe(-10)
      expect(byStep(make({ kind: 'weights', weights: [1, -0, 1] }))).toEqual(cut)
      expect(byStep(make({ kind: 'input', each: false }), { credit: [1, 1, 0, 1] })).toEqual(cut)
      expect(byStep(make({ kind: 'input', each: true }), { credit: [1, 1, 0, 1] })).toEqual(cut)
    },
  )

  test.each(['flat', 'folded'] as const)('of one example in a %s timeline leaves the others alone', form => {
    const line = unroll(steep, {
      steps: 4,
      batch: 2,
      form,
      loss: squaredError,
      credit: {
        kind: 'weights',
        weights: [
          [1, 1],
          [0, 1],
          [1, 1],
        ],
      },
    })
    const twice = <T>(rows: readonly T[]): (readonly T[])[] => rows.map(row => [row, row])
    const made = slopes(line.graph, ['xs'], {
      params: values.params,
      carry: { h: [[1], [1]] },
      xs: twice(values.xs),
      targets: twice(values.targets),
    })['gradient'] as { xs: Tensor }
    const of = (b: number): number[] => [...made.xs.data].filter((_, i) => i % 2 === b)
    expect(of(0).every(Number.isFinite)).toBe(true)
    expect(of(1).slice(0, 2).every(Number.isFinite)).toBe(false)
  })

  test.each(['flat', 'folded'] as const)(
    'by a reset in a %s timeline is structural, and zeroes the carry',
    form => {
      const line = unroll(steep, { steps: 4, form, loss: squaredError, resets: true })
      const made = slopes(line.graph, ['xs', 'carry'], { ...values, reset: [0, 0, 1, 0] })
      expect([...(made['ys'] as Tensor).data]).toEqual([1, 0, 2, Math.sqrt(2) + 3])
      const { xs, carry } = made['gradient'] as { xs: Tensor; carry: { h: Tensor } }
      expect([...xs.data, ...carry.h.data].every(Number.isFinite)).toBe(true)
      expect(xs.data[1]).toBe(-10)
    },
  )
})
