import { describe, expect, test } from 'vitest'
import { optimizers, rates } from '../src/commands/optimizer.js'
import { Failure } from '../src/failure.js'
import { updatesOf } from '../src/optimizer.js'

describe('updatesOf', () => {
  test.each(optimizers)('makes %s with its usual rate and with another', optimizer => {
    expect(updatesOf({ optimizer, clip: 'none' }).optimizer.text).toBe(`${optimizer}(${rates[optimizer]})`)
    expect(updatesOf({ optimizer, lr: 0.5, clip: 0 }).optimizer.text).toBe(`${optimizer}(0.5)`)
    expect(updatesOf({ optimizer, clip: 2 }).optimizer.text).toBe(
      `clipByGlobalNorm(2) → ${optimizer}(${rates[optimizer]})`,
    )
  })

  test.each([
    [{}, 'Adam 0.1'],
    [{ schedule: 'constant' }, 'Adam 0.1'],
    [{ schedule: 'inverse-sqrt' }, 'Adam inverseSqrt(0.1, 10000)'],
    [{ schedule: 'inverse-sqrt', over: 1 }, 'Adam inverseSqrt(0.1)'],
    [{ schedule: 'cosine', over: 500 }, 'Adam cosineDecay(0.1, 500)'],
    [{ warmup: 9 }, 'Adam warmUp(9, 0.1)'],
    [{ schedule: 'cosine', over: 500, warmup: 9 }, 'Adam warmUp(9, cosineDecay(0.1, 500))'],
  ] as const)('says of the schedule %j: %s', (schedule, text) => {
    expect(updatesOf({ optimizer: 'adam', lr: 0.1, clip: 'none', ...schedule }).text).toBe(
      `${text}, gradients not clipped`,
    )
  })

  test('refuses a length for a schedule that has none', () => {
    for (const schedule of [{}, { schedule: 'constant' as const }])
      expect(() => updatesOf({ optimizer: 'adam', clip: 1, over: 5, ...schedule })).toThrow(
        new Failure('--over belongs to --schedule inverse-sqrt or cosine, but the schedule is constant'),
      )
  })
})
