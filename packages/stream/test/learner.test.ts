import { squaredError, type Tensor } from '@bptt/graph'
import { elman, every, withReadout } from '@bptt/unroll'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { adam, type Window } from '../src/index.js'
import { initialState } from '../src/initial.js'
import { type Learner, learner } from '../src/learner.js'
import { type Setup, setupOf } from '../src/step.js'
import { bits, events } from './support.js'

const setup = setupOf({
  model: withReadout(elman({ inputs: 2, hidden: 2 }), { outputs: 1 }),
  loss: squaredError,
  estimator: every(4),
  optimizer: adam(0.01),
})

const samples = events(40)

/** A window of so many events. */
function windowOf(length: number, first: number): Window {
  const taken = Array.from({ length }, (_, i) => samples[(first + i) % samples.length]!)
  return { lanes: [{ first: first + 1, samples: taken, credit: taken.map(() => 1) }] }
}

const make = (from: Learner | undefined, given: Setup = setup): Learner =>
  learner(given, {}, from?.state() ?? initialState(setup, 3))

const stateBits = (one: Learner): unknown => {
  const { counters, ...values } = one.state()
  return [counters, bits(values)]
}

describe('a learner that writes windows in place', () => {
  test('has the same bits as one made anew for every window, whatever their lengths and where it was set back', () => {
    const step = fc.record({ length: fc.integer({ min: 1, max: 5 }), back: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { minLength: 3, maxLength: 12 }), steps => {
        const one = make(undefined)
        let other = make(undefined)
        const start = one.state()
        steps.forEach(({ length, back }, i) => {
          if (back) for (const each of [one, other]) each.restore(start)
          other = make(other)
          expect(one.learn(windowOf(length, i))).toEqual(other.learn(windowOf(length, i)))
        })
        expect(stateBits(one)).toEqual(stateBits(other))
      }),
      { numRuns: 10, seed: 1 },
    )
  })

  test('refuses what a method of one’s own makes in another shape, and stays as it was', () => {
    let wide = false
    const { method } = setup
    const values: Setup['method']['values'] = (window, rooms) => {
      const made = method.values(window, rooms)
      const xs: Tensor = { shape: [2, 1, 3], data: new Float64Array(6) }
      return wide ? { ...made, xs } : made
    }
    const own = make(undefined, { ...setup, method: { ...method, values } })
    own.learn(windowOf(2, 0))
    const before = stateBits(own)
    wide = true
    expect(() => own.learn(windowOf(2, 2))).toThrow("input 'window.xs'")
    expect(stateBits(own)).toEqual(before)
    wide = false
    expect(own.learn(windowOf(3, 2)).updates).toBe(2)
  })
})
