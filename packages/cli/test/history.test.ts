import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mostPieces, recorder } from '../src/history.js'
import { overEvents, segmentChart } from '../src/page/curves.js'

const stream = fc.array(
  fc.record({ value: fc.integer({ min: -50, max: 50 }), weight: fc.integer({ min: 1, max: 40 }) }),
  {
    minLength: 1,
    maxLength: 3 * mostPieces,
  },
)

const fed = (steps: readonly { value: number; weight: number }[]) => {
  const own = recorder()
  for (const { value, weight } of steps) own.add(value, weight)
  return own.curve
}

const historyOf = (curve: ReturnType<typeof fed>, segments: ReadonlyMap<number, number> = new Map()) => ({
  loss: curve,
  gradientNorm: curve,
  segments,
})

describe('a recorder', () => {
  test('never holds more pieces than it may, and loses no event and no loss', () => {
    fc.assert(
      fc.property(stream, steps => {
        const { events, values } = fed(steps)
        expect(events.length).toBeLessThanOrEqual(mostPieces)
        expect(events.at(-1)).toBe(steps.reduce((sum, { weight }) => sum + weight, 0))
        const kept = values.reduce((sum, value, i) => sum + value * (events[i]! - (events[i - 1] ?? 0)), 0)
        expect(kept).toBeCloseTo(
          steps.reduce((sum, { value, weight }) => sum + value * weight, 0),
          6,
        )
      }),
      { numRuns: 50 },
    )
  })

  test('keeps a short stream as it is', () => {
    expect(
      fed([
        { value: 3, weight: 2 },
        { value: 1, weight: 5 },
      ]),
    ).toEqual({ events: [2, 7], values: [3, 1], weights: [2, 5] })
  })
})

describe('a chart of curves', () => {
  test('draws means whose sum over all events is that of the curve', () => {
    fc.assert(
      fc.property(stream, steps => {
        const curve = fed(steps)
        const { at, series } = overEvents([{ name: 'a', history: historyOf(curve) }], ({ loss }) => loss)
        const [line] = series
        const drawn = at.reduce((sum, place, i) => sum + line!.y[i]! * (place - (at[i - 1] ?? 0)), 0)
        expect(drawn).toBeCloseTo(
          steps.reduce((sum, { value, weight }) => sum + value * weight, 0),
          5,
        )
      }),
      { numRuns: 50 },
    )
  })

  test('draws means by weight, and nothing where there is none', () => {
    const own = recorder()
    for (const [value, events, weight] of [
      [9, 2, 0],
      [1, 1, 1],
      [4, 1, 2],
      [9, 4, 0],
    ] as const)
      own.add(value, events, weight)
    const { series } = overEvents([{ name: 'a', history: historyOf(own.curve) }], ({ loss }) => loss)
    expect(series[0]!.y).toEqual([null, null, 1, 4, null, null, null, null])
  })

  test('ends a line where its run ended', () => {
    const runs = [
      { name: 'short', history: historyOf(fed([{ value: 1, weight: 2 }])) },
      { name: 'long', history: historyOf(fed([{ value: 2, weight: 4 }])) },
    ]
    const { at, series } = overEvents(runs, ({ loss }) => loss)
    expect(at).toEqual([1, 2, 3, 4])
    expect(series.map(({ y }) => y)).toEqual([
      [1, 1, null, null],
      [2, 2, 2, 2],
    ])
  })

  test('counts the share of segments that reach each length, and drops behind the longest', () => {
    const segments = new Map([
      [1, 2],
      [4, 1],
      [2, 1],
    ])
    const { at, series } = segmentChart([{ name: 'a', history: historyOf(fed([]), segments) }], 'event')
    expect(at).toEqual([1, 2, 3, 4, 5])
    expect(series[0]!.y).toEqual([1, 0.5, 0.25, 0.25, 0.125])
  })
})
