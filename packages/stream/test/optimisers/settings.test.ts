import { GraphError } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import {
  accumulate,
  adagrad,
  adam,
  adamw,
  clipByGlobalNorm,
  clipByValue,
  cosineDecay,
  ema,
  exponentialDecay,
  groups,
  inverseSqrt,
  lion,
  rmsprop,
  sgd,
  stepDecay,
  warmUp,
} from '../../src/index.js'
import { everyOptimizer } from './cases.js'

describe('settings', () => {
  const start = '; it is a number > 0\nhint: 1e-3 is a usual start'

  test.each<[() => unknown, string]>([
    [() => sgd(0), `sgd: the learning rate is 0${start}`],
    [() => adam(Number.NaN), `adam: the learning rate is NaN${start}`],
    [() => adamw(Number.POSITIVE_INFINITY), `adamw: the learning rate is Infinity${start}`],
    [() => rmsprop(-1), `rmsprop: the learning rate is -1${start}`],
    [() => adagrad('1' as never), `adagrad: the learning rate is 1${start}`],
    [() => lion(null as never), `lion: the learning rate is null${start}`],
    [() => lion(undefined as never), `lion: the learning rate is undefined${start}`],
    [() => sgd(1, { momentum: 1 }), 'sgd: momentum is 1; it is in [0, 1)'],
    [() => sgd(1, { momentum: 0.1, dampening: 1 }), 'sgd: dampening is 1; it is in [0, 1)'],
    [
      () => sgd(1, { dampening: 0.1 }),
      'sgd: dampening without momentum; it is of what goes into a momentum > 0',
    ],
    [() => sgd(1, { nesterov: true }), 'sgd: nesterov without momentum; it looks ahead along a momentum > 0'],
    [
      () => sgd(1, { nesterov: true, momentum: 0.9, dampening: 0.1 }),
      'sgd: nesterov with dampening; it looks ahead along the whole momentum',
    ],
    [() => sgd(1, { weightDecay: -1 }), 'sgd: weightDecay is -1; it is a number ≥ 0'],
    [() => adam(1, { weightDecay: Number.NaN }), 'adam: weightDecay is NaN; it is a number ≥ 0'],
    [() => adamw(1, { weightDecay: -1 }), 'adamw: weightDecay is -1; it is a number ≥ 0'],
    [() => adam(1, { b1: 1 }), 'adam: b1 is 1; it is in [0, 1)'],
    [() => adam(1, { b2: -0.1 }), 'adam: b2 is -0.1; it is in [0, 1)'],
    [() => adam(1, { eps: Number.NaN }), 'adam: eps is NaN; it is a number ≥ 0'],
    [() => rmsprop(1, { alpha: 1 }), 'rmsprop: alpha is 1; it is in [0, 1)'],
    [() => rmsprop(1, { momentum: -1 }), 'rmsprop: momentum is -1; it is in [0, 1)'],
    [() => rmsprop(1, { eps: -1 }), 'rmsprop: eps is -1; it is a number ≥ 0'],
    [() => rmsprop(1, { weightDecay: -1 }), 'rmsprop: weightDecay is -1; it is a number ≥ 0'],
    [() => adagrad(1, { initial: -1 }), 'adagrad: initial is -1; it is a number ≥ 0'],
    [() => adagrad(1, { eps: -1 }), 'adagrad: eps is -1; it is a number ≥ 0'],
    [() => adagrad(1, { weightDecay: -1 }), 'adagrad: weightDecay is -1; it is a number ≥ 0'],
    [() => lion(1, { b1: 1 }), 'lion: b1 is 1; it is in [0, 1)'],
    [() => lion(1, { b2: 1 }), 'lion: b2 is 1; it is in [0, 1)'],
    [() => lion(1, { weightDecay: -1 }), 'lion: weightDecay is -1; it is a number ≥ 0'],
    [() => clipByGlobalNorm(0), 'clipByGlobalNorm: max is 0; a norm to clip at is a number > 0'],
    [() => clipByGlobalNorm(Number.NaN), 'clipByGlobalNorm: max is NaN; a norm to clip at is a number > 0'],
    [() => clipByValue(-1), 'clipByValue: max is -1; a magnitude to clip at is a number > 0'],
    [() => accumulate(0, sgd(1)), 'accumulate: windows is 0; it is a whole number ≥ 1'],
    [() => accumulate(1.5, sgd(1)), 'accumulate: windows is 1.5; it is a whole number ≥ 1'],
    [() => ema(1, sgd(1)), 'ema: decay is 1; it is in [0, 1)'],
    [() => groups({}), "groups: has no group; it needs at least one\nhint: '*' takes all"],
    [() => inverseSqrt(0), `inverseSqrt: the learning rate is 0${start}`],
    [() => inverseSqrt(1, 0), 'inverseSqrt: over is 0; it is a number of updates > 0'],
    [() => stepDecay(1, { every: 0.5, factor: 1 }), 'stepDecay: every is 0.5; it is a whole number ≥ 1'],
    [() => stepDecay(1, { every: 1, factor: 0 }), 'stepDecay: factor is 0; it is in (0, 1]'],
    [() => exponentialDecay(1, { factor: 2 }), 'exponentialDecay: factor is 2; it is in (0, 1]'],
    [
      () => exponentialDecay(1, { factor: 1, every: Number.NaN }),
      'exponentialDecay: every is NaN; it is a number of updates > 0',
    ],
    [() => cosineDecay(1, { updates: 0 }), 'cosineDecay: updates is 0; it is a whole number ≥ 1'],
    [() => cosineDecay(1, { updates: 9, end: -1 }), 'cosineDecay: end is -1; it is a number ≥ 0'],
    [() => warmUp(0, 1), 'warmUp: updates is 0; it is a whole number ≥ 1'],
    [() => warmUp(3, -1), `warmUp: the learning rate is -1${start}`],
  ])('that make no sense are refused: %#', (make, message) => {
    expect(make).toThrow(GraphError)
    expect(make).toThrow(expect.objectContaining({ code: 'bad-setting', message }))
  })

  test('are told, and with them every optimiser', () => {
    expect(everyOptimizer.map(([name, { text }]) => `${name}: ${text}`)).toMatchInlineSnapshot(`
      [
        "sgd: sgd(0.1)",
        "sgd with momentum: sgd(0.1, momentum 0.9)",
        "sgd with Nesterov momentum: sgd(0.1, momentum 0.8, nesterov)",
        "sgd with weight decay: sgd(0.1, weightDecay 0.3)",
        "sgd with dampening: sgd(0.1, momentum 0.9, dampening 0.4, weightDecay 0.1)",
        "sgd with Nesterov momentum and weight decay: sgd(0.05, momentum 0.9, nesterov, weightDecay 0.2)",
        "sgd with a schedule and momentum: sgd(inverseSqrt(0.1), momentum 0.5)",
        "adam: adam(0.01)",
        "adam with other settings: adam(0.1, b1 0.5, b2 0.8, eps 0.1, weightDecay 0.2)",
        "adam without memory: adam(0.1, b1 0, b2 0)",
        "adam with the largest squares: adam(0.1, b2 0.3, amsgrad)",
        "adam with a schedule: adam(inverseSqrt(0.1))",
        "adamw: adamw(0.1)",
        "adamw with other settings: adamw(0.1, b1 0.7, b2 0.5, weightDecay 0.5, amsgrad)",
        "adamw with a schedule: adamw(inverseSqrt(0.1))",
        "rmsprop: rmsprop(0.01)",
        "rmsprop, centred, with momentum: rmsprop(0.1, alpha 0.8, eps 0.01, momentum 0.5, centered)",
        "rmsprop with weight decay and a schedule: rmsprop(inverseSqrt(0.1), weightDecay 0.2)",
        "adagrad: adagrad(0.1)",
        "adagrad with other settings: adagrad(inverseSqrt(0.1), eps 0.2, initial 0.1, weightDecay 0.3)",
        "lion: lion(0.01)",
        "lion with other settings: lion(inverseSqrt(0.1), b1 0.6, b2 0.7, weightDecay 0.3)",
        "a chain of one: adam(0.1)",
        "an average beside adam: ema(0.9, adam(0.1))",
        "adam on sums of 1: accumulate(1, adam(0.1))",
        "sgd on sums of 3: accumulate(3, sgd(0.1, momentum 0.9, dampening 0.5))",
        "adam on sums of 2, with a schedule counted in its own updates: accumulate(2, adam(inverseSqrt(0.1)))",
        "groups of one: groups(*: rmsprop(0.1))",
        "clipped adam: clipByGlobalNorm(1) → adam(0.1)",
        "sgd clipped by value: clipByValue(0.5) → sgd(stepDecay(0.1, every 2, factor 0.5))",
        "groups: groups(a: clipByGlobalNorm(1) → sgd(exponentialDecay(0.1, factor 0.9)); b: accumulate(2, clipByValue(1) → lion(warmUp(3, 0.1))))",
        "groups, one of them frozen: groups(a: freeze(); *: ema(0.5, adam(0.1)))",
        "an average over sums: ema(0.9, accumulate(3, rmsprop(cosineDecay(0.1, 4, end 0.01))))",
      ]
    `)
  })

  test.each([
    [inverseSqrt(0.1, 50), 'inverseSqrt(0.1, 50)'],
    [exponentialDecay(1, { factor: 0.9, every: 5 }), 'exponentialDecay(1, factor 0.9, every 5)'],
    [warmUp(10, cosineDecay(1, { updates: 99 })), 'warmUp(10, cosineDecay(1, 99))'],
  ])('of schedules are told: %#', ({ text }, wanted) => {
    expect(text).toBe(wanted)
  })
})
