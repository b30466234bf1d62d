import { dropout, evaluate, graph, scan, sum, tensor, uniform } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { slopeOf, valuesOf } from './numeric.js'

const draw = (key: number, size: number): number[] =>
  valuesOf(k => uniform(k, { shape: [size] }), tensor(key))

describe('uniform', () => {
  test('is a function of key and position alone', () => {
    expect(draw(7, 5)).toEqual(draw(7, 9).slice(0, 5))
    expect(draw(7, 5)).not.toEqual(draw(8, 5))
    expect(draw(7, 5)).not.toEqual(draw(7 + 2 ** 32, 5))
  })

  test('gives the same numbers for good', () => {
    expect(draw(1, 3)).toMatchInlineSnapshot(`
      [
        0.399541808757931,
        0.04515381087549031,
        0.20469014858826995,
      ]
    `)
  })

  test('spreads evenly over [0, 1), over positions and over keys', () => {
    const over = (values: readonly number[]): void => {
      const bins = new Array<number>(16).fill(0)
      for (const value of values) bins[Math.floor(value * 16)]!++
      const chi = bins.reduce((total, n) => total + (n - values.length / 16) ** 2 / (values.length / 16), 0)
      expect(chi).toBeLessThan(37.7) // 15 degrees of freedom, p = 0.001
    }
    over(draw(3, 20_000))
    over(Array.from({ length: 2_000 }, (_, key) => draw(key, 1)[0]!))
  })

  test('shows no correlation between neighbouring positions or keys', () => {
    const correlation = (a: readonly number[], b: readonly number[]): number =>
      (12 * a.reduce((total, v, i) => total + (v - 0.5) * (b[i]! - 0.5), 0)) / a.length
    const [first, second] = [draw(3, 10_001), draw(4, 10_001)]
    expect(Math.abs(correlation(first.slice(1), first.slice(0, -1)))).toBeLessThan(0.033)
    expect(Math.abs(correlation(first, second))).toBeLessThan(0.033)
  })

  test('refuses a key that is no whole number', () => {
    expect(() => draw(0.5, 1)).toThrow('uniform: the key is 0.5; a key is a whole number in [0, 2^53)')
    expect(() => draw(-1, 1)).toThrow('uniform: the key is -1; a key is a whole number in [0, 2^53)')
    expect(() => draw(Number.NaN, 1)).toThrow('uniform: the key is NaN; a key is a whole number in [0, 2^53)')
  })
})

describe('dropout', () => {
  const x = tensor(new Array(10_000).fill(1))

  test('keeps the mean, and drops the share it is told to', () => {
    const y = valuesOf(v => dropout(v, { rate: 0.25, key: 5 }), x)
    const kept = y.filter(v => v !== 0)
    expect(new Set(kept)).toEqual(new Set([1 / 0.75]))
    expect(Math.abs(kept.length / 10_000 - 0.75)).toBeLessThan(0.02)
  })

  test('gives the derivative to the same elements', () => {
    expect(slopeOf(v => dropout(v, { rate: 0.5, key: 5 }), x)).toEqual(
      valuesOf(v => dropout(v, { rate: 0.5, key: 5 }), x),
    )
  })

  test('leaves x alone at a rate of 0', () => {
    const made = graph({ x: [2] }, refs => ({ y: dropout(refs.x, { rate: 0, key: 1 }) }))
    expect(made.nodes).toHaveLength(1)
  })

  test('draws another mask at every step for another key, inside a loop', () => {
    const made = graph({ x: [64], keys: ['T'] }, refs => {
      const [, y] = scan((carry, key) => [carry, dropout(refs.x, { rate: 0.5, key })], {
        carry: sum(refs.x),
        xs: refs.keys,
      })
      return { y }
    })
    const { y } = evaluate(made, { x: new Array(64).fill(1), keys: [1, 2, 1] })
    const row = (t: number): number[] => [...y.data.slice(64 * t, 64 * t + 64)]
    expect(row(0)).toEqual(row(2))
    expect(row(0)).not.toEqual(row(1))
  })
})
