import {
  evaluate,
  filled,
  type Graph,
  halfSquaredError,
  isShape,
  mapTree,
  squaredError,
  type Tensor,
  type Tree,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  elman,
  every,
  fixed,
  lagsOf,
  linearNet,
  lstm,
  print,
  reweight,
  unroll,
  windowPlan,
  windowRunner,
  windows,
} from '../src/index.js'
import { tensorsOf } from '../src/numbers.js'
import { cellOf, goldenCases, lossOf, nameOf, valuesOf } from './golden.js'
import { difference, numbers, sequence, slopes } from './support.js'

const files = ['01-linear.json', '02-elman.json', '03-lstm.json', '04-gru.json', '06-resets.json']
const cases = files
  .flatMap(goldenCases)
  .filter(({ config }) => config.layers.length === 1 && config.reduction === 'sum')
  .flatMap(of =>
    (of.truncations ?? [])
      .filter(({ kind }) => kind === 'windows')
      .map(truncation => ({ name: `${of.name} (${truncation.h}; ${truncation.hp})`, of, truncation })),
  )

describe('windows of the reference files', () => {
  test('are many', () => {
    expect(cases.length).toBeGreaterThanOrEqual(30)
  })

  test.each(cases)(
    'have the gradient of PyTorch within 1e-9, folded and flat, by one graph and by windows run one by one: $name',
    ({ of, truncation }) => {
      const { T, B } = of.config
      const sizes = { h: truncation.h!, every: truncation.hp! }
      const base = { batch: B, loss: lossOf(of), resets: of.reset !== undefined }
      const lines = (['folded', 'flat'] as const).map(form =>
        windows(unroll(cellOf(of), { ...base, steps: T, form }), sizes),
      )
      const found = lines.map(line =>
        tensorsOf(
          (slopes(line.graph, ['params', 'carry', 'xs'], valuesOf(of)) as { gradient: unknown }).gradient,
        ),
      )
      const long = windowRunner(unroll(cellOf(of), { ...base, steps: 'T' }), sizes).run(
        valuesOf(of) as Values,
      )
      const wanted = [
        ...Object.entries(truncation.grads.params).map(
          ([name, value]) => [`params.${nameOf(name)}`, value] as const,
        ),
        ...Object.entries(truncation.grads.initial_carry).map(
          ([name, value]) => [`carry.${nameOf(name)}`, value] as const,
        ),
        ['xs', truncation.grads.inputs] as const,
      ]
      for (const [name, { data }] of wanted) {
        const size = Math.max(...data.map(Math.abs), 1e-300)
        for (const made of found)
          data.forEach((value, i) =>
            expect(Math.abs(made.get(name)!.data[i]! - value)).toBeLessThanOrEqual(1e-9 * size),
          )
        const own = name.startsWith('params.') ? tensorsOf(long.gradient).get(name.slice(7)) : undefined
        if (own)
          data.forEach((value, i) => expect(Math.abs(own.data[i]! - value)).toBeLessThanOrEqual(1e-9 * size))
      }
      expect(long.loss).toBeCloseTo(
        of.step_losses.data.reduce((sum, x) => sum + x, 0),
        9,
      )
      expect(lines[0]!.windows!.windows).toEqual(
        truncation.windows!.map(({ start, end, loss_from }) => ({
          first: start + 1,
          last: end,
          from: loss_from + 1,
        })),
      )
    },
  )
})

describe('the plan of BPTT(h; h′)', () => {
  test('keeps between h − h′ + 1 and h lags of every loss, as far as there are steps (identity 17)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 6 }),
        fc.nat(8),
        (steps, hp, more) => {
          const h = hp + more
          const plan = windowPlan(steps, { h, every: hp })
          const lags = lagsOf(plan)
          expect(lags).toHaveLength(steps)
          lags.forEach((kept, i) => {
            expect(kept).toBeLessThanOrEqual(Math.min(h, i + 1))
            expect(kept).toBeGreaterThanOrEqual(Math.min(h - hp + 1, i + 1))
          })
        },
      ),
    )
  })

  test('of sliding windows keeps h lags of every loss', () => {
    expect(lagsOf(windowPlan(6, { h: 3 }))).toEqual([1, 2, 3, 3, 3, 3])
    expect(lagsOf(windowPlan(6, { h: 3, every: 3 }))).toEqual([1, 2, 3, 1, 2, 3])
  })

  test('is printed under the edges, one line a window', () => {
    const line = windows(unroll(elman({ inputs: 1, hidden: 1 }), { steps: 6 }), { h: 4, every: 2 })
    expect(print(line)).toBe('─────\nBPTT(4; 2)\n●●\n··●●\n  ··●●')
  })
})

describe('windows', () => {
  const net = linearNet({ inputs: 1, hidden: 1, outputs: 1 })
  const values = {
    params: { U: [[0.5]], W: [[0.8]], V: [[1.2]] },
    carry: { h: [0] },
    xs: [[1], [-2], [0.5], [1.5]],
    targets: [[0.3], [-0.1], [0.7], [-0.4]],
  }

  test.each([
    [1, 1, 3.20496, 0.0328608],
    [2, 1, 5.001696, -1.0572384],
    [3, 1, 2.5944768, -0.6428256],
    [4, 1, 3.25753728, -0.6428256],
    [3, 2, 3.3440448, -0.6428256],
    [4, 2, 3.25753728, -0.6428256],
    [2, 2, 3.127776, -0.5887584],
  ])('(%i; %i) give the golden numbers of the scalar case', (h, hp, dU, dW) => {
    const line = windows(unroll(net, { steps: 4, loss: halfSquaredError }), { h, every: hp })
    const { params } = slopes(line.graph, ['params'], values)['gradient'] as {
      params: Record<string, Tensor>
    }
    expect(params['U']!.data[0]).toBeCloseTo(dU, 13)
    expect(params['W']!.data[0]).toBeCloseTo(dW, 13)
  })

  test('and weights of edges compose: a cut edge passes nothing inside a window either', () => {
    const cell = elman({ inputs: 2, hidden: 2 })
    const given = sequence(cell, [6])
    const line = unroll(cell, { steps: 6, loss: squaredError })
    const both = reweight(windows(line, { h: 6, every: 1 }), every(2))
    expect(
      difference(
        slopes(both.graph, ['params'], given)['gradient'],
        slopes(reweight(line, every(2)).graph, ['params'], given)['gradient'],
      ),
    ).toBeLessThan(1e-12)
  })

  test.each([
    [3, 2],
    [2, 1],
    [1, 1],
    [3, 3],
  ])(
    '(%i; %i) pass the credit over each edge that their probe sees: that of every window on its own',
    (h, hp) => {
      const cell = lstm({ inputs: 2, hidden: 2 })
      const given = sequence(cell, [7, 2])
      const [T, B] = [7, 2]
      const line = unroll(cell, { steps: T, batch: B, loss: squaredError, probed: true })
      const slid = windows(line, { h, every: hp })
      const zeros = mapTree(cell.carry, isShape, shape =>
        filled([T, B, ...(shape as number[])], 0),
      ) as Tree<Tensor>
      const found = numbers(slopes(slid.graph, ['probe'], { ...given, probe: zeros })['gradient'])
      const wanted = new Map([...found].map(([name, data]) => [name, new Float64Array(data.length)]))
      const row = B * 2
      for (const { first, last, from } of slid.windows!.windows) {
        // the whole timeline cut before the window, with the losses that the window takes: what its later edges pass
        const cut = reweight(
          unroll(cell, { ...line.options, weighted: true }),
          fixed(new Array(T - 1).fill(1).map((_, i) => (i + 2 === first ? 0 : 1))),
        )
        const data = Float64Array.from({ length: T * B }, (_, i) =>
          i / B >= from - 1 && i / B < last ? 1 : 0,
        )
        const own = numbers(
          slopes(cut.graph, ['probe'], { ...given, probe: zeros, weights: { shape: [T, B], data } })[
            'gradient'
          ],
        )
        for (const [name, credit] of own)
          credit.forEach((x, i) => (wanted.get(name)![i]! += Math.floor(i / row) < first - 1 ? 0 : x))
      }
      for (const [name, credit] of found)
        credit.forEach((x, i) => expect(x).toBeCloseTo(wanted.get(name)![i]!, 12))
      if (h === 1) expect(Math.max(...found.get('probe.h')!.slice(row).map(Math.abs))).toBe(0)
    },
  )

  test('change no value', () => {
    const line = unroll(net, { steps: 4, loss: halfSquaredError })
    const [a, b] = [line, windows(line, { h: 2 })].map(each =>
      evaluate(each.graph as Graph, values as Values),
    )
    expect(difference(a, b)).toBe(0)
  })

  test('are refused where they say nothing', () => {
    const line = unroll(net, { steps: 4, loss: halfSquaredError })
    expect(() => windows(line, { h: 2, every: 3 })).toThrowErrorMatchingInlineSnapshot(`
      [GraphError: windows: h is 2 and every is 3; a window goes back over a whole number of steps h ≥ h′
      hint: h = 6 is twice as far as windows are apart, the usual choice]
    `)
    expect(() => windows(line, { h: 2, every: 0 })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: windows: every is 0; a window comes every h′ steps, a whole number ≥ 1
      hint: every: 1 slides, one window per loss]
    `,
    )
    expect(() => windows(line, { h: 2.5 })).toThrowErrorMatchingInlineSnapshot(`
      [GraphError: windows: h is 2.5 and every is 1; a window goes back over a whole number of steps h ≥ h′
      hint: h = 2 is twice as far as windows are apart, the usual choice]
    `)
    expect(() => windows(unroll(net, { steps: 'T' }), { h: 2 })).toThrowErrorMatchingInlineSnapshot(`
      [GraphError: windows: a timeline of 'T' steps has no windows to count
      hint: unroll a number of steps, or use windowRunner]
    `)
    expect(() => windowRunner(line, { h: 2 })).toThrowErrorMatchingInlineSnapshot(`
      [GraphError: windowRunner: takes a timeline of a named number of steps, with a loss and full credit, without a probe; this one has 4 steps, a loss and credit 'full'
      hint: unroll(cell, { steps: 'T', loss })]
    `)
    const probed = unroll(net, { steps: 'T', loss: halfSquaredError, probed: true })
    expect(() => windowRunner(probed, { h: 2 })).toThrow(
      "this one has T steps, a loss, a probe and credit 'full'",
    )
    expect(() => windowPlan(0, { h: 1 })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: windows: steps is 0; a timeline has a whole number of steps ≥ 1
      hint: the number of steps is the length of the first axis of xs]
    `,
    )
  })
})

describe('a window runner', () => {
  test('holds one gradient graph of a named number of steps, whatever the length', () => {
    const cell = elman({ inputs: 1, hidden: 2 })
    const line = unroll(cell, { steps: 'T', loss: squaredError })
    const runner = windowRunner(line, { h: 4, every: 2 })
    const given = sequence(cell, [31])
    const made = runner.run(given as Values)
    const whole = windows(unroll(cell, { steps: 31, loss: squaredError }), { h: 4, every: 2 })
    const graph = valueAndGradient(whole.graph as Graph, { of: 'loss', by: ['params'] }) as Graph
    const wanted = evaluate(graph, given as Values) as { gradient: { params: unknown }; carry: unknown }
    expect(difference(made.gradient, wanted.gradient.params)).toBeLessThan(1e-12)
    expect(difference(made.carry, wanted.carry)).toBe(0)
    expect(made.norms).toHaveLength(16)
  })
})
