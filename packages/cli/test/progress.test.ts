import type { Report } from '@bptt/stream'
import { describe, expect, test } from 'vitest'
import { corpusOf } from '../src/corpus.js'
import { liveLine, meter, type Progress, remaining, speed } from '../src/progress.js'
import { textSubject } from '../src/text.js'

const { unit } = textSubject(corpusOf('a.txt', 'ab'), 'gru', 2)

const report = (events: number, length: number, loss: number, rest: Partial<Report> = {}): Report => ({
  events,
  updates: 1,
  length,
  weight: length,
  loss,
  prequential: loss,
  gradientNorm: 1,
  clipped: false,
  dropped: 0,
  ...rest,
})

const at = (rest: Partial<Progress>): Progress => ({ ...meter(unit).progress, ...rest })

describe('meter', () => {
  test('has no figures before the first report', () => {
    const { progress } = meter(unit)
    expect([progress.events, progress.updates, progress.clipped]).toEqual([0, 0, 0])
    expect([progress.recent, progress.prequential, progress.segment]).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ])
  })

  test('turns nats into the unit and averages segments and clips over the reports', () => {
    const figures = meter(unit)
    figures.add(report(30, 30, Math.LN2, { clipped: true }), 1)
    const last = figures.add(report(40, 10, Math.LN2, { updates: 2, gradientNorm: 3 }), 2)
    expect(last.recent).toBeCloseTo(1, 12)
    expect(last).toMatchObject({ prequential: 1, events: 40, updates: 2, seconds: 2, gradientNorm: 3 })
    expect([last.segment, last.clipped]).toEqual([20, 0.5])
    expect(figures.progress).toBe(last)
  })

  test('lets a loss weigh half as much 3000 characters later', () => {
    const figures = meter(unit)
    figures.add(report(3000, 3000, 3 * Math.LN2), 1)
    const { recent } = figures.add(report(6000, 3000, 0), 2)
    expect(recent).toBeCloseTo(3 / (1 + 2), 12)
  })

  test('lets a loss without a weight not count', () => {
    const figures = meter(unit)
    figures.add(report(30, 30, Math.LN2), 1)
    expect(figures.add(report(60, 30, 0, { weight: 0 }), 2).recent).toBeCloseTo(1, 12)
  })
})

describe('remaining', () => {
  test('is the time left where time is the limit', () => {
    expect(remaining(at({ events: 10, seconds: 4 }), { seconds: 10 }, 100)).toBe(6)
  })

  test('follows from the speed where events are the limit', () => {
    expect(remaining(at({ events: 10, seconds: 5 }), { steps: 30 }, 1000)).toBe(10)
  })

  test('follows from the length of the text where there is no limit', () => {
    expect(remaining(at({ events: 10, seconds: 5 }), {}, 30)).toBe(10)
  })

  test('is the smaller of the two where there are both limits', () => {
    expect(remaining(at({ events: 10, seconds: 5 }), { steps: 30, seconds: 8 }, 1000)).toBe(3)
  })

  test('is not known before the first character, and never negative', () => {
    expect(remaining(at({}), { steps: 30 }, 1000)).toBeNaN()
    expect(remaining(at({ events: 99, seconds: 12 }), { seconds: 10 }, 1000)).toBe(0)
  })
})

test('speed is characters over seconds, and not known before there are any', () => {
  expect(speed(at({ events: 10, seconds: 4 }))).toBe(2.5)
  expect(speed(at({}))).toBeNaN()
})

test('the live line names every figure with its unit', () => {
  const progress: Progress = {
    events: 12_000,
    before: 0,
    updates: 240,
    seconds: 6,
    recent: 2.346,
    prequential: 3.456,
    segment: 50,
    gradientNorm: 0.5,
    clipped: 0.1,
  }
  expect(liveLine(progress, { seconds: 40 }, { unit, length: 1000 })).toBe(
    '2.35 bits/char (run 3.46) · 2,000 chars/s · 240 updates · segment 50.0 · gradient 0.500 · 0:06, 0:34 left',
  )
})
