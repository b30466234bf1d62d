import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Failure } from '../src/failure.js'
import { oneOf, orNone, real, whole } from '../src/options.js'

const hidden = whole('--hidden', 1, 4096)
const lr = real('--lr', { above: 0 })
const tail = orNone(real('--tail', { above: 2, max: 1000 }))

describe('a whole number', () => {
  test.each(['0', '4097', '-3', '12.5', 'many', '', ' ', '0x10', '1e400', 'NaN', 'Infinity', '1_000'])(
    'refuses %j with its flag, its range and the text',
    text => {
      const message = `--hidden must be a whole number from 1 to 4096, but is '${text}'`
      expect(() => hidden(text)).toThrow(new Failure(message))
    },
  )

  test('accepts every integer of its range, as digits or in powers of ten', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 4096 }), n => hidden(String(n)) === n))
    expect(hidden('1e3')).toBe(1000)
    expect(hidden('+7')).toBe(7)
  })

  test('names a large bound in full', () => {
    const seed = whole('--seed', 0, Number.MAX_SAFE_INTEGER)
    expect(seed('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER)
    expect(() => seed('9007199254740992')).toThrow('from 0 to 9007199254740991, but is')
  })
})

describe('a real number', () => {
  test.each(['0', '-1', 'nan', 'inf', '1e309', ''])('above a bound refuses %j', text => {
    const message = `--lr must be a number above 0, but is '${text}'`
    expect(() => lr(text)).toThrow(new Failure(message))
  })

  test('with a least value accepts that value and refuses what is below', () => {
    const temperature = real('--temperature', { min: 0, max: 100 })
    expect(temperature('0')).toBe(0)
    expect(() => temperature('-0.1')).toThrow("--temperature must be a number from 0 to 100, but is '-0.1'")
  })

  test('names the bounds it has', () => {
    expect(() => real('--clip', { min: 0 })('-1')).toThrow(
      "--clip must be a number of at least 0, but is '-1'",
    )
    expect(() => real('--mean', { above: 1, max: 1e6 })('1')).toThrow(
      "above 1 and at most 1000000, but is '1'",
    )
  })

  test('reads what JavaScript prints for any number in its range', () => {
    const numbers = fc.double({ min: Number.MIN_VALUE, noNaN: true, noDefaultInfinity: true })
    fc.assert(fc.property(numbers, x => lr(String(x)) === x))
  })
})

describe('a number or none', () => {
  test('accepts the word and the number', () => {
    expect(tail('none')).toBe('none')
    expect(tail('4')).toBe(4)
  })

  test('mentions the word where it refuses', () => {
    const message = "--tail must be a number above 2 and at most 1000, or 'none', but is '2'"
    expect(() => tail('2')).toThrow(new Failure(message))
  })
})

describe('a choice', () => {
  const cell = oneOf('--cell', ['lstm', 'gru'])

  test('is one of its words', () => {
    expect(cell('gru')).toBe('gru')
  })

  test('names its words where it refuses', () => {
    expect(() => cell('LSTM')).toThrow(new Failure("--cell must be one of lstm, gru, but is 'LSTM'"))
  })
})

test('a refused option ends with exit code 2', () => {
  expect(new Failure('no').exitCode).toBe(2)
})
