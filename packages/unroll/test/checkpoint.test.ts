import { squaredError, type Tensor, type Values } from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Action,
  artbp,
  checkpointEvery,
  checkpointed,
  leastAdvances,
  revolve,
  reweight,
  unroll,
  windows,
  withinBytes,
} from '../src/index.js'
import { kinds, sequence, slopes } from './support.js'

/** Follows a plan with numbers for states; throws where it uses a state that is not there. */
function followed(steps: number, actions: readonly Action[]): { held: number; advances: number } {
  let [now, next, most, advances] = [0, steps, 0, 0]
  const held = new Set<number>()
  for (const { do: what, t } of actions) {
    if (what === 'advance' && now !== t - 1) throw new Error(`advance ${t} from ${now}`)
    if (what === 'advance') [now, advances] = [t, advances + 1]
    if (what === 'save' && now !== t) throw new Error(`save ${t} at ${now}`)
    if (what === 'save') held.add(t)
    if (what === 'restore' && !held.has(t)) throw new Error(`restore ${t}`)
    if (what === 'restore') now = t
    if (what === 'drop') held.delete(t)
    if (what === 'back' && (now !== t - 1 || next !== t)) throw new Error(`back ${t} at ${now}, due ${next}`)
    if (what === 'back') next--
    most = Math.max(most, held.size)
  }
  if (next !== 0) throw new Error(`${next} steps are left`)
  return { held: most, advances }
}

describe('revolve', () => {
  test.each([
    [10, 3, 15],
    [20, 3, 45],
    [56, 5, 140],
    [100, 5, 316],
    [100, 10, 222],
    [1000, 5, 6284],
    [1000, 10, 3636],
    [1000, 20, 2747],
  ])(
    'goes back over %i steps with %i states in %i advances, as published (identity 21)',
    (steps, snapshots, advances) => {
      expect(leastAdvances(steps, snapshots)).toBe(advances)
      const plan = revolve(steps, snapshots)
      expect(followed(steps, plan.actions)).toEqual({ held: plan.held, advances })
      expect(plan.held).toBeLessThanOrEqual(snapshots)
    },
  )

  test('advances as the closed form says and never holds more than its states', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 12 }), (steps, snapshots) => {
        const plan = revolve(steps, snapshots)
        expect(followed(steps, plan.actions).advances).toBe(leastAdvances(steps, snapshots))
        expect(plan.held).toBeLessThanOrEqual(snapshots)
        expect(plan.advances).toBe(leastAdvances(steps, snapshots))
      }),
    )
  })

  test('is optimal: its closed form solves the dynamic programme', () => {
    for (let s = 2; s <= 6; s++)
      for (let l = 2; l <= 60; l++) {
        const splits = Array.from(
          { length: l - 1 },
          (_, i) => i + 1 + leastAdvances(l - i - 1, s - 1) + leastAdvances(i + 1, s),
        )
        expect(leastAdvances(l, s)).toBe(Math.min(...splits))
      }
    expect([1, 2, 5, 10].map(l => leastAdvances(l, 1))).toEqual([0, 1, 10, 45])
  })
})

describe('a state every k steps', () => {
  test('holds those of the segments and of one segment, and runs all but the last of each again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 12 }), (steps, k) => {
        const plan = checkpointEvery(steps, k)
        const segments = Math.ceil(steps / k)
        const last = (segments - 1) * k
        expect(followed(steps, plan.actions)).toEqual({ held: plan.held, advances: plan.advances })
        expect(plan.advances).toBe(last + steps - segments)
        expect(plan.held).toBeLessThanOrEqual(segments + k - 1)
      }),
    )
  })

  test('is √T steps where k is not given: 2 √T states or fewer, less than one more pass forward and back', () => {
    const plan = checkpointEvery(100)
    expect([plan.text, plan.held, plan.advances]).toEqual(['every 10 of 100', 19, 180])
  })
})

describe('a checkpointed gradient', () => {
  const steps = 7
  const of = (kind: string, batch: number): Values => {
    const model = kinds[kind]!(2, 2)
    return sequence(model, [steps, batch]) as Values
  }
  const plans = [
    {},
    { every: 1 },
    { every: 3 },
    { every: 7 },
    { snapshots: 1 },
    { snapshots: 3 },
    { snapshots: 7 },
    { bytes: 200 },
  ]

  test.each(['linear', 'elman', 'gru', 'lstm', 'stacked', 'readout'])(
    'is that of the folded timeline bit for bit, under every plan, for %s (identity 21)',
    kind => {
      const line = reweight(
        unroll(kinds[kind]!(2, 2), { steps, batch: 2, loss: squaredError }),
        artbp({ mean: 4, seed: 3 }),
      )
      const plain = slopes(line.graph, ['params', 'carry', 'xs'], of(kind, 2))
      for (const options of plans) {
        const made = checkpointed(line, options)
        const result = made.run(of(kind, 2))
        expect(result.gradient).toEqual(plain['gradient'])
        expect(result.losses.data).toEqual((plain['losses'] as Tensor).data)
        expect(result.heldStates).toBe(made.plan.held)
        expect(result.heldBytes).toBe(made.plan.held * made.stateBytes)
        if ('bytes' in options) expect(result.heldBytes).toBeLessThanOrEqual(200)
      }
    },
  )

  test('serves masks, resets, weights of losses and of every example', () => {
    const rows = (f: (i: number) => number): Tensor => ({
      shape: [steps, 2],
      data: Float64Array.from({ length: 2 * steps }, (_, i) => f(i)),
    })
    const line = reweight(
      unroll(kinds['gru']!(2, 2), {
        steps,
        batch: 2,
        loss: squaredError,
        masked: true,
        resets: true,
        weighted: true,
      }),
      artbp({ mean: 3, seed: 5 }),
      { each: true },
    )
    const given = {
      ...(of('gru', 2) as object),
      mask: rows(i => (i > 10 ? 0 : 1)),
      reset: rows(i => (i === 5 ? 1 : 0)),
      weights: rows(i => i / 7),
    } as Values
    const plain = slopes(line.graph, ['params', 'carry', 'xs'], given)
    expect(checkpointed(line, { snapshots: 2 }).run(given).gradient).toEqual(plain['gradient'])
  })

  test('refuses what it cannot plan', () => {
    const line = unroll(kinds['elman']!(2, 2), { steps, batch: 2, loss: squaredError })
    expect(() => checkpointed(line, { every: 0 })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: checkpointEvery: every is 0; a state is held every so many steps, a whole number ≥ 1
      hint: leave it out for √T, which holds the fewest]
    `,
    )
    expect(() => checkpointed(line, { snapshots: 0 })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: revolve: snapshots is 0; state 0 is held, so it is a whole number ≥ 1
      hint: 1 holds the least; more states, fewer advances]
    `,
    )
    expect(() => checkpointed(line, { bytes: 10 })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: withinBytes: bytes is 10 and a state has 32 bytes; a budget is a number, and holds at least one state
      hint: 224 bytes hold a state for every step]
    `,
    )
    expect(() => checkpointed(windows(line, { h: 2 }))).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: checkpointed: takes a timeline of a number of steps and examples, with a loss, and no windows or probe; this one has 7 steps, 2 examples, a loss, windows
      hint: unroll(cell, { steps: 100, batch: 8, loss })]
    `,
    )
    const probed = unroll(kinds['elman']!(2, 2), { steps, batch: 2, loss: squaredError, probed: true })
    expect(() => checkpointed(probed)).toThrow('this one has 7 steps, 2 examples, a loss, a probe')
    expect(() => checkpointed(unroll(kinds['elman']!(2, 2), { steps }))).toThrow(
      'this one has 7 steps, no loss',
    )
    expect(() => revolve(0, 1)).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: revolve: steps is 0; a timeline has a whole number of steps ≥ 1
      hint: the number of steps is the length of the first axis of xs]
    `,
    )
    expect(withinBytes(100, 1e9, 8).held).toBe(100)
  })
})
