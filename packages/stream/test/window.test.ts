import { artbp, every, fixed, full, random, type Schedule, weightsOf } from '@bptt/unroll'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { estimatorOf } from '../src/estimators/segments.js'
import type { Sample, Segment, Window } from '../src/index.js'
import { Cutter, type Cutting } from '../src/window.js'

const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  fc.constant(full()),
  fc.integer({ min: 1, max: 6 }).map(K => every(K)),
  fc.nat(1e6).map(seed => artbp({ mean: 3, tail: 4, seed })),
  fc.nat(1e6).map(seed => artbp({ mean: 2.5, seed })),
  fc.nat(1e6).map(seed => random({ c: 0.3, seed })),
)
const streams: fc.Arbitrary<Sample[]> = fc
  .nat(40)
  .map(length => Array.from({ length }, (_, i) => ({ input: i, target: i + 1 })))
const resetting: fc.Arbitrary<Sample[]> = fc
  .array(fc.nat(4), { maxLength: 40 })
  .map(marks => marks.map((mark, i) => ({ input: i, target: [i], ...(mark === 0 && { reset: true }) })))

const cutterOf = (schedule: Schedule, from?: Cutting): Cutter => new Cutter(estimatorOf(schedule).cuts, from)

/** The only segments of windows without lanes. */
const segmentsOf = (windows: readonly Window[]): Segment[] => windows.map(({ lanes }) => lanes[0]!)

const push = (cutter: Cutter, sample: Sample): Segment[] => segmentsOf(cutter.push([sample]))

const cutAll = (cutter: Cutter, samples: readonly Sample[]): Segment[] => [
  ...samples.flatMap(sample => push(cutter, sample)),
  ...segmentsOf(cutter.flush()),
]

describe('Cutter', () => {
  test('cuts a stream into windows that make it up, each of which begins with weight 1', () => {
    fc.assert(
      fc.property(schedules, resetting, (schedule, samples) => {
        const windows = cutAll(cutterOf(schedule), samples)
        expect(windows.flatMap(window => window.samples)).toEqual(samples)
        for (const { samples: held, credit } of windows) {
          expect(held.length).toBeGreaterThan(0)
          expect(credit).toHaveLength(held.length)
          expect(credit[0]).toBe(1)
          expect(credit).not.toContain(0)
        }
      }),
    )
  })

  test('gives the weights that weightsOf gives the whole stream, and cuts exactly at its zeros', () => {
    fc.assert(
      fc.property(schedules, streams, (schedule, samples) => {
        const wanted = [1, ...weightsOf(schedule, samples.length)].slice(0, samples.length)
        const cut = cutAll(cutterOf(schedule), samples).flatMap(({ credit }, k) =>
          credit.map((weight, i) => (i === 0 && k > 0 ? 0 : weight)),
        )
        expect(cut).toEqual(wanted)
      }),
    )
  })

  test('ends a window before every reset', () => {
    fc.assert(
      fc.property(schedules, resetting, (schedule, samples) => {
        let next = 1
        for (const { first, samples: held } of cutAll(cutterOf(schedule), samples)) {
          expect(first).toBe(next)
          expect(held.slice(1).some(sample => sample.reset)).toBe(false)
          next += held.length
        }
      }),
    )
  })

  test('counts age from 1 after a cut, a reset and a flush', () => {
    const ages: number[] = []
    const watching: Schedule = {
      text: 'watching',
      weight: ({ age, t }) => {
        ages.push(age)
        return t === 2 ? 0 : 1
      },
    }
    const cutter = cutterOf(watching)
    for (let i = 0; i < 4; i++) push(cutter, { input: i, target: i })
    push(cutter, { input: 4, target: 4, reset: true })
    push(cutter, { input: 5, target: 5 })
    cutter.flush()
    push(cutter, { input: 6, target: 6 })
    expect(ages).toEqual([1, 2, 1, 2, 1, 2, 1])
    expect(cutter.events).toBe(7)
  })

  test('goes on from a copy of where it stands as if never stopped, also through JSON', () => {
    fc.assert(
      fc.property(schedules, resetting, fc.nat(40), fc.boolean(), (schedule, samples, at, json) => {
        const whole = cutAll(cutterOf(schedule), samples)
        const first = cutterOf(schedule)
        const before = samples.slice(0, at).flatMap(sample => push(first, sample))
        const open = json ? JSON.parse(JSON.stringify(first.open)) : first.open
        const second = cutterOf(schedule, open)
        const taken = JSON.stringify(open)
        push(first, { input: 99, target: 99 }) // what the first does now is its own business
        expect(JSON.stringify(open)).toBe(taken)
        expect([...before, ...cutAll(second, samples.slice(at))]).toEqual(whole)
      }),
    )
  })

  test('gives two windows where a reset ends one and a cut the next', () => {
    const cutter = cutterOf(fixed([1, 0]))
    expect(push(cutter, { input: 1, target: 1 })).toEqual([])
    expect(push(cutter, { input: 2, target: 2, reset: true })).toEqual([
      { first: 1, samples: [{ input: 1, target: 1 }], credit: [1] },
      { first: 2, samples: [{ input: 2, target: 2, reset: true }], credit: [1] },
    ])
    expect(cutter.flush()).toEqual([])
  })

  test('keeps an event as it was when it came, in plain data', () => {
    const buffer = Float64Array.of(1, -0)
    const cutter = cutterOf(full())
    push(cutter, { input: buffer, target: buffer, note: () => 1 } as Sample)
    buffer.fill(9)
    expect(cutter.open.lanes[0]!.samples).toEqual([{ input: [1, 0], target: [1, 0] }])
    expect(JSON.parse(JSON.stringify(cutter.open))).toEqual(cutter.open)
  })
})
