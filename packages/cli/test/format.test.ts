import { describe, expect, test } from 'vitest'
import { bits, clock, count, figure, norm, plural, quoted, rate } from '../src/format.js'

test('bits are nats divided by ln 2', () => {
  expect(bits(Math.log(8))).toBeCloseTo(3, 14)
})

test('count sets commas between thousands and rounds', () => {
  expect([0, 999, 1234.6, 1_000_000].map(count)).toEqual(['0', '999', '1,235', '1,000,000'])
})

test('figure has two decimals unless told otherwise, and a dash for what is not finite', () => {
  expect([figure(3.1366), figure(49.97, 1), figure(Number.NaN), figure(Infinity)]).toEqual([
    '3.14',
    '50.0',
    '–',
    '–',
  ])
})

test('rate has a decimal below ten only', () => {
  expect([0.25, 9.94, 10.2, 12_345.6, Number.NaN].map(rate)).toEqual(['0.3', '9.9', '10', '12,346', '–'])
})

describe('clock', () => {
  test('shows minutes and seconds, and hours where there are any', () => {
    expect([0, 7.4, 59.6, 725, 3725].map(clock)).toEqual(['0:00', '0:07', '1:00', '12:05', '1:02:05'])
  })

  test('shows a dash for a time that is not known', () => {
    expect([Number.NaN, Infinity, -1].map(clock)).toEqual(['–', '–', '–'])
  })
})

test('norm keeps three digits, and turns to powers of ten far from one', () => {
  expect([0, 0.01234, 1, 56.78, 1234.5, 2e5, 1e-5, Infinity].map(norm)).toEqual([
    '0.00',
    '0.0123',
    '1.00',
    '56.8',
    '1,235',
    '2.0e+5',
    '1.0e-5',
    '–',
  ])
})

test('plural adds an s except for one', () => {
  expect([0, 1, 2000].map(n => plural(n, 'update'))).toEqual(['0 updates', '1 update', '2,000 updates'])
})

test('quoted escapes what does not print', () => {
  expect(quoted('\n')).toBe('"\\n"')
})
