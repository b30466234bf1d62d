import { isTensor, leaves, type Tensor, type Tree } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import {
  accumulate,
  adam,
  averaged,
  chain,
  clipByGlobalNorm,
  ema,
  groups,
  type Optimizer,
  sgd,
} from '../../src/index.js'
import { noise } from '../support.js'
import { type Course, course, emptySlots, split, start } from './support.js'

const gradients = Array.from({ length: 9 }, (_, k) => noise(k, 4))

/** The averaged parameters after a course, as 4 numbers. */
function read(optimizer: Optimizer, { params, slots }: Pick<Course, 'params' | 'slots'>): number[] {
  const tensors = Object.fromEntries(
    Object.entries(split(params)).map(([name, data]) => [
      name,
      { shape: [data.length], data: Float64Array.from(data) },
    ]),
  )
  const tree = averaged(optimizer, { params: tensors, slots }) as Tree<Tensor>
  return leaves(tree, isTensor, 'test').flatMap(([, { data }]) => [...data])
}

/** Σ d^(s − k) p_k / Σ d^(s − k) over the parameters after updates 1 … s. */
function byHand(decay: number, seen: readonly (readonly number[])[]): number[] {
  const weights = seen.map((_, k) => decay ** (seen.length - 1 - k))
  const total = weights.reduce((a, b) => a + b)
  return start.map((_, i) => seen.reduce((sum, p, k) => sum + weights[k]! * p[i]!, 0) / total)
}

const after = (optimizer: Optimizer, updates: number): Course =>
  course(optimizer, gradients.slice(0, updates))

describe('ema', () => {
  test.each([0, 0.5, 0.99])('with decay %d is the weighted mean of all parameters so far', decay => {
    const optimizer = ema(decay, adam(0.1))
    for (let s = 1; s <= gradients.length; s++) {
      const seen = Array.from({ length: s }, (_, k) => after(adam(0.1), k + 1).params)
      const wanted = byHand(decay, seen)
      read(optimizer, after(optimizer, s)).forEach((a, i) => {
        expect(a).toBeCloseTo(wanted[i]!, 12)
      })
    }
  })

  test('does not change what is learned', () => {
    expect(after(ema(0.9, adam(0.1)), 9).params).toEqual(after(adam(0.1), 9).params)
  })

  test('is the parameters themselves before the first update', () => {
    const optimizer = ema(0.9, sgd(1))
    expect(read(optimizer, { params: start, slots: emptySlots(optimizer) })).toEqual(start)
    const late = accumulate(4, optimizer)
    expect(read(late, after(late, 3))).toEqual(start)
  })

  test('is found in chains, groups and accumulation', () => {
    const plain = ema(0.9, sgd(0.1))
    const wanted = read(plain, after(plain, 9))
    const wrapped: readonly Optimizer[] = [
      chain(clipByGlobalNorm(1e6), plain),
      chain(clipByGlobalNorm(1e6), chain(plain)),
      groups({ a: plain, b: plain }),
      accumulate(1, plain),
    ]
    for (const optimizer of wrapped) expect(read(optimizer, after(optimizer, 9))).toEqual(wanted)
  })

  test('of one group leaves the parameters of the others as they are', () => {
    const optimizer = groups({ b: ema(0.9, sgd(0.1)), '*': sgd(0.1) })
    const course = after(optimizer, 9)
    const found = read(optimizer, course)
    expect(found.slice(0, 3)).toEqual(course.params.slice(0, 3))
    expect(found[3]).not.toBe(course.params[3])
  })

  test('that is not kept cannot be read', () => {
    for (const optimizer of [
      adam(0.1),
      chain(adam(0.1)),
      groups({ '*': adam(0.1) }),
      accumulate(2, adam(0.1)),
    ])
      expect(() => averaged(optimizer, { params: {}, slots: {} })).toThrow(
        expect.objectContaining({
          code: 'no-average',
          message: `averaged: ${optimizer.text} keeps no average of the parameters\nhint: ema(0.999, adam(1e-3)) keeps one`,
        }),
      )
  })
})
