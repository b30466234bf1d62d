import {
  compile,
  evaluate,
  halfSquaredError,
  isTensor,
  mapTree,
  squaredError,
  type Tensor,
  type Values,
} from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import {
  creditNorms,
  every,
  linearNet,
  lstm,
  reweight,
  type Timeline,
  unroll,
  windows,
} from '../src/index.js'
import { difference, numbers, sequence, slopes } from './support.js'

const net = linearNet({ inputs: 1, hidden: 1, outputs: 1 })

/** d_t = Vᵀe_t + clip(Wᵀd_(t+1)), the gradients by x_t and h_0, and |Wᵀd_t| at every step. */
function clippedByHand(
  { params, carry, xs, targets }: ReturnType<typeof sequence>,
  clip: number | { readonly norm: number },
): object {
  const { U, W, V } = params as Record<string, Tensor>
  const rows = ({ shape, data }: Tensor): number[][] =>
    Array.from({ length: shape[0]! }, (_, i) => [...data.subarray(i * shape[1]!, (i + 1) * shape[1]!)])
  const apply = (m: Tensor, x: readonly number[]): number[] =>
    rows(m).map(row => row.reduce((sum, value, j) => sum + value * x[j]!, 0))
  const pull = (m: Tensor, x: readonly number[]): number[] =>
    rows(m)[0]!.map((_, j) => rows(m).reduce((sum, row, i) => sum + row[j]! * x[i]!, 0))
  const plus = (a: readonly number[], b: readonly number[]): number[] => a.map((x, i) => x + b[i]!)
  const clipped = (x: readonly number[]): number[] =>
    typeof clip === 'number'
      ? x.map(v => Math.min(clip, Math.max(-clip, v)))
      : x.map(v => v * Math.min(1, clip.norm / Math.hypot(...x)))
  let h = [...(carry as { h: Tensor }).h.data]
  const errors = rows(xs).map((x, t) => {
    h = plus(apply(U!, x), apply(W!, h))
    return plus(
      apply(V!, h),
      rows(targets)[t]!.map(y => -y),
    )
  })
  const [slopes, norms]: [number[][], number[]] = [[], []]
  let credit = [0, 0, 0]
  for (const error of errors.toReversed()) {
    const total = plus(pull(V!, error), credit)
    const sent = pull(W!, total)
    slopes.unshift(pull(U!, total))
    norms.unshift(Math.hypot(...sent))
    credit = clipped(sent)
  }
  const flat = (values: number[], shape: number[]): Tensor => ({ shape, data: Float64Array.from(values) })
  return {
    creditNorms: flat(norms, [6]),
    gradient: { carry: { h: flat(credit, [3]) }, xs: flat(slopes.flat(), [6, 2]) },
  }
}

const pick = (made: unknown): object => {
  const { creditNorms, gradient } = made as { creditNorms: Tensor; gradient: { carry: object; xs: Tensor } }
  return { creditNorms, gradient: { carry: gradient.carry, xs: gradient.xs } }
}

/** One example of a batch. */
function example({ params, carry, xs, targets }: ReturnType<typeof sequence>, b: number): object {
  const along =
    (axis: number) =>
    (all: Tensor): Tensor => {
      const width = all.shape.slice(axis + 1).reduce((product, length) => product * length, 1)
      const data = all.data.filter((_, i) => Math.floor(i / width) % all.shape[axis]! === b)
      return { shape: all.shape.filter((_, i) => i !== axis), data }
    }
  return { params, carry: mapTree(carry, isTensor, along(0)), xs: along(1)(xs), targets: along(1)(targets) }
}

describe('clipped credit', () => {
  // h' = 2 h + x, loss (h − y)²: credit doubles at every step back
  const params = { U: [[1]], W: [[2]], V: [[1]] }
  const given = { params, carry: { h: [0] }, xs: [[1], [0], [0]], targets: [[0], [0], [0]] }
  const slopeOf = (clip: number | undefined, form: 'flat' | 'folded'): number[] => {
    const line = unroll(net, { steps: 3, form, loss: squaredError, ...(clip === undefined ? {} : { clip }) })
    return [...(slopes(line.graph, ['xs'], given)['gradient'] as { xs: Tensor }).xs.data]
  }

  test.each(['flat', 'folded'] as const)(
    'is clamped edge by edge in a %s timeline, and values stay',
    form => {
      // by step 3: 2·4 = 8; edge passes 16 or 5; step 2: 2·2 + …; edge passes 2·(…)
      expect(slopeOf(undefined, form)).toEqual([2 + 2 * (4 + 16), 4 + 16, 8])
      expect(slopeOf(5, form)).toEqual([2 + 5, 4 + 5, 8])
      expect(slopeOf(1000, form)).toEqual(slopeOf(undefined, form))
    },
  )

  const model = linearNet({ inputs: 2, hidden: 3, outputs: 2 })
  const bounds = [0.3, { norm: 0.5 }, { norm: 1e6 }] as const

  test.each(bounds)(
    'is that of a loop by hand, which reports its norms before clipping, flat, folded and compiled: %o',
    clip => {
      const given = sequence(model, [6], 5)
      const wanted = clippedByHand(given, clip)
      for (const form of ['flat', 'folded'] as const) {
        const line = unroll(model, { steps: 6, form, loss: halfSquaredError, clip })
        const slope = creditNorms(line, { by: ['xs', 'carry'] })
        const made = evaluate(slope, given as Values)
        expect(difference(pick(made), wanted)).toBeLessThan(1e-12)
        const run = compile(slope, { dtype: 'float64' }).run(given as Values)
        expect(difference(pick(run), wanted)).toBeLessThan(1e-11)
      }
    },
  )

  test('by norm is that of each example and its whole carry, over an axis of any length', () => {
    const both = lstm({ inputs: 2, hidden: 2 })
    const one = (batch: number | undefined, values: object): Map<string, Float64Array> => {
      const sizes = { steps: 'T', ...(batch === undefined ? {} : { batch }) }
      const line = unroll(both, { ...sizes, loss: squaredError, clip: { norm: 0.2 } })
      return numbers(evaluate(creditNorms(line, { by: ['xs'] }), values as Values))
    }
    const given = sequence(both, [5, 2])
    const pair = one(2, given)
    for (const b of [0, 1]) {
      const single = one(undefined, example(given, b))
      const steps = [...pair.get('creditNorms')!].filter((_, i) => i % 2 === b)
      single.get('creditNorms')!.forEach((norm, t) => expect(norm).toBeCloseTo(steps[t]!, 12))
    }
    expect([...pair.get('creditNorms')!].filter(norm => norm > 0.2).length).toBeGreaterThan(3)
  })

  test('does not pass a reset or a cut, and its norm there is 0', () => {
    const line = reweight(unroll(net, { steps: 3, loss: squaredError, resets: true }), every(2))
    const made = evaluate(creditNorms(line, { by: ['params'] }), { ...given, reset: [0, 1, 0] } as Values)
    const { creditNorms: norms, gradient } = made as { creditNorms: Tensor; gradient: object }
    expect([...norms.data].map(norm => norm > 0)).toEqual([true, false, false])
    expect(Object.keys(gradient)).toEqual(['params'])
  })

  test('has a bound above 0', () => {
    expect(() => unroll(net, { steps: 3, clip: 0 })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: unroll: clip is 0; the bound of credit is a number > 0
      hint: leave clip out to bound nothing]
    `,
    )
    expect(() => unroll(net, { steps: 3, clip: { norm: Number.NaN } })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: unroll: clip.norm is NaN; the bound of credit is a number > 0
      hint: leave clip out to bound nothing]
    `,
    )
  })

  test('has norms in a timeline that has a loss and a carry', () => {
    const of = (options: object): Timeline => unroll(net, { steps: 3, ...options })
    expect(() => creditNorms(of({}), { by: ['params'] })).toThrowErrorMatchingInlineSnapshot(`
      [GraphError: creditNorms: takes a timeline with a loss and a carry, without windows; this one has no loss
      hint: unroll(cell, { steps, loss })]
    `)
    const slid = windows(of({ loss: squaredError }), { h: 2 })
    expect(() => creditNorms(slid, { by: ['params'] })).toThrowErrorMatchingInlineSnapshot(`
      [GraphError: creditNorms: takes a timeline with a loss and a carry, without windows; this one has windows
      hint: unroll(cell, { steps, loss })]
    `)
  })
})
