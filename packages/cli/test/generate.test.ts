import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { generate, pick } from '../src/generate.js'

const logits = Float64Array.of(0, Math.log(2), Math.log(5))

describe('pick', () => {
  test('takes the first of the largest at temperature 0', () => {
    expect(pick(Float64Array.of(1, 3, 3), 0, 0.99)).toBe(1)
  })

  test('divides chance by the softmax at temperature 1', () => {
    const chances = Array.from({ length: 800 }, (_, i) => (i + 0.5) / 800)
    const counts = [0, 0, 0]
    for (const chance of chances) counts[pick(logits, 1, chance)]! += 1
    expect(counts).toEqual([100, 200, 500])
  })

  test('squares the odds at temperature one half', () => {
    const chances = Array.from({ length: 3000 }, (_, i) => (i + 0.5) / 3000)
    const counts = [0, 0, 0]
    for (const chance of chances) counts[pick(logits, 0.5, chance)]! += 1
    expect(counts).toEqual([100, 400, 2500])
  })

  test('does not change when a constant is added to all logits', () => {
    const numbers = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 9 })
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(numbers, chance, fc.integer({ min: -9, max: 9 }), (values, x, c) => {
        const moved = Float64Array.from(values, v => v + c)
        expect(pick(moved, 1, x)).toBe(pick(Float64Array.from(values), 1, x))
      }),
    )
  })

  test('answers an id of the alphabet for logits of any size', () => {
    expect(pick(Float64Array.of(1e300, -1e300), 1e-3, 1 - 2 ** -53)).toBe(0)
  })

  test.each([Number.NaN, Infinity])('refuses logits that hold %d', value => {
    expect(() => pick(Float64Array.of(0, value), 1, 0.5)).toThrow(
      'the outputs of the model are not finite numbers',
    )
  })
})

describe('generate', () => {
  const draw = { temperature: 1, seed: 7 }
  const reader = (heard: number[]) => (id: number) => {
    heard.push(id)
    return logits
  }

  test('reads the prompt, then every symbol it wrote but the last', () => {
    const heard: number[] = []
    const ids = [...generate(reader(heard), [2, 1], 5, draw)]
    expect(ids).toHaveLength(5)
    expect(heard).toEqual([2, 1, ...ids.slice(0, 4)])
  })

  test('writes the same again with the same seed, and something else with another', () => {
    const write = (seed: number) => [...generate(() => logits, [0], 40, { temperature: 1, seed })]
    expect(write(7)).toEqual(write(7))
    expect(write(8)).not.toEqual(write(7))
  })

  test('is not disturbed by a reader that uses its buffer again', () => {
    const buffer = new Float64Array(3)
    const reuse = (id: number) => {
      buffer.fill(0)
      buffer[(id + 1) % 3] = 50
      return buffer
    }
    expect([...generate(reuse, [0], 4, draw)]).toEqual([1, 2, 0, 1])
  })
})
