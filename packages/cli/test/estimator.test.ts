import { describe, expect, test } from 'vitest'
import type { EstimatorOptions } from '../src/commands/estimator.js'
import { creditOf } from '../src/estimator.js'
import { Failure } from '../src/failure.js'

const options = (rest: Omit<EstimatorOptions, 'seed'>): EstimatorOptions => ({ seed: 1, ...rest })

describe('creditOf', () => {
  test('cuts the stream into episodes for the full gradient only', () => {
    expect(creditOf(options({ estimator: 'full' })).episode).toBe(200)
    expect(creditOf(options({ estimator: 'full', episode: 9 })).episode).toBe(9)
    expect(creditOf(options({ estimator: 'tbptt' })).episode).toBeUndefined()
    expect(creditOf(options({ estimator: 'artbp' })).episode).toBeUndefined()
  })

  test('carries the settings into the text of the schedule', () => {
    expect(creditOf(options({ estimator: 'tbptt', every: 23 })).schedule.text).toContain('23')
    const text = creditOf(options({ estimator: 'artbp', mean: 17, tail: 6 })).schedule.text
    expect(text).toContain('17')
    expect(text).toContain('6')
  })

  test('takes defaults for settings that are not given', () => {
    const text = (rest: Omit<EstimatorOptions, 'seed'>): string => creditOf(options(rest)).schedule.text
    expect(text({ estimator: 'tbptt' })).toBe(text({ estimator: 'tbptt', every: 32 }))
    expect(text({ estimator: 'artbp' })).toBe(text({ estimator: 'artbp', mean: 50, tail: 4 }))
    expect(text({ estimator: 'artbp', tail: 'none' })).not.toBe(text({ estimator: 'artbp' }))
  })

  test.each([
    ['tbptt', { mean: 20 }, '--mean belongs to --estimator artbp, but the estimator is tbptt'],
    ['full', { tail: 'none' }, '--tail belongs to --estimator artbp, but the estimator is full'],
    ['artbp', { every: 20 }, '--every belongs to --estimator tbptt, but the estimator is artbp'],
    ['tbptt', { episode: 20 }, '--episode belongs to --estimator full, but the estimator is tbptt'],
  ] as const)('refuses for %s the setting %j of another estimator', (estimator, given, message) => {
    expect(() => creditOf(options({ estimator, ...given }))).toThrow(new Failure(message))
  })

  test('says in words what is cut', () => {
    const meaning = (every: number): string => creditOf(options({ estimator: 'tbptt', every })).meaning
    expect([1, 2, 3, 4, 11, 22, 113].map(meaning).map(text => text.split(' ')[5])).toEqual([
      '1st',
      '2nd',
      '3rd',
      '4th',
      '11th',
      '22nd',
      '113th',
    ])
  })
})
