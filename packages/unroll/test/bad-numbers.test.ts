import { squaredError, type Tensor } from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import {
  adaptive,
  artbp,
  checkpointEvery,
  coin,
  elman,
  estimatorReport,
  every,
  fixed,
  lyapunov,
  padded,
  patternsOf,
  random as randomCuts,
  revolve,
  rtrl,
  snap,
  unroll,
  uoro,
  weightsOf,
  windowPlan,
  withinBytes,
} from '../src/index.js'
import { random, sequence } from './support.js'

const loss = squaredError
const net = elman({ inputs: 2, hidden: 3 })
const data = sequence(net, [4, 2])
const one = { params: data.params, carry: { h: random([3], 1) }, xs: random([4, 2], 2) }
const filled = (shape: readonly number[], value: number): Tensor => ({
  shape,
  data: new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(value),
})

/** A value that only a caller without types can give. */
const odd = (value: unknown): never => value as never

describe('any number', () => {
  const norms = [1, 0.5, 0.25]
  const takes: Readonly<Record<string, readonly [(value: never) => unknown, (value: number) => boolean]>> = {
    'every(K)': [every, value => value >= 1 && Number.isInteger(value)],
    'every offset': [offset => every(3, { offset }), value => [0, 1, 2].includes(value)],
    'artbp mean': [mean => artbp({ mean }), value => value > 1 && value < 100],
    'artbp tail': [tail => artbp({ mean: 3, tail }), value => value > 2 && value < 100],
    'artbp seed': [seed => artbp({ mean: 3, seed }), value => value >= 0 && Number.isInteger(value)],
    'random c': [c => randomCuts({ c }), value => value >= 0 && value < 1],
    'random seed': [seed => randomCuts({ c: 0.5, seed }), value => value >= 0 && Number.isInteger(value)],
    'coin t': [t => coin(1, 1, t), value => value >= 0 && Number.isInteger(value)],
    'fixed weight': [weight => fixed([1, weight]), Number.isFinite],
    'adaptive bias': [bias => adaptive({ bias, norms }), value => value > 0 && value < 1],
    'adaptive norm': [norm => adaptive({ bias: 0.1, norms: [1, norm] }), value => value >= 0 && value < 100],
    'adaptive min': [min => adaptive({ bias: 0.1, norms, min }), value => [1, 2, 3].includes(value)],
    'adaptive max': [
      max => adaptive({ bias: 0.1, norms, max }),
      value => value >= 1 && Number.isInteger(value),
    ],
    'adaptive from': [from => adaptive({ bias: 0.1, norms, from }), value => [0, 1, 2].includes(value)],
    'windows h': [h => windowPlan(4, { h, every: 2 }), value => value >= 2 && Number.isInteger(value)],
    'windows every': [step => windowPlan(4, { h: 4, every: step }), value => [1, 2, 3, 4].includes(value)],
    'unroll clip': [clip => unroll(net, { steps: 2, clip }), value => value > 0],
    'unroll clip.norm': [max => unroll(net, { steps: 2, clip: { norm: max } }), value => value > 0],
    'unroll weight': [
      weight => unroll(net, { steps: 2, credit: { kind: 'weights', weights: [weight] } }),
      Number.isFinite,
    ],
    'checkpoint every': [k => checkpointEvery(9, k), value => value >= 1 && Number.isInteger(value)],
    'checkpoint snapshots': [s => revolve(9, s), value => value >= 1 && Number.isInteger(value)],
    'checkpoint bytes': [bytes => withinBytes(9, bytes, 8), value => value >= 8],
    'bytes of a state': [
      bytes => withinBytes(9, 72, bytes),
      value => value >= 0 && value <= 72 && Number.isInteger(value),
    ],
    'snap order': [
      order => snap(net, { steps: 2, loss, order }),
      value => value >= 1 && Number.isInteger(value),
    ],
    'uoro ratios': [
      ratio => uoro(net, { steps: 2, loss, ratios: [ratio, ratio] }),
      value => value > 0 && value < 100,
    ],
    'lyapunov skip': [skip => lyapunov(net, one, { skip }), value => [0, 1, 2, 3].includes(value)],
    'report samples': [
      samples => estimatorReport(net, data, [], { loss, samples }),
      value => value >= 2 && Number.isInteger(value),
    ],
    'weightsOf steps': [steps => weightsOf(every(2), steps), value => value >= 0 && Number.isInteger(value)],
    ...Object.fromEntries(
      Object.entries<(steps: never) => unknown>({
        unroll: steps => unroll(net, { steps }),
        'unroll batch': batch => unroll(net, { steps: 2, batch }),
        rtrl: steps => rtrl(net, { steps, loss }),
        windowPlan: steps => windowPlan(steps, { h: 2 }),
        checkpointEvery: steps => checkpointEvery(steps),
        revolve: steps => revolve(steps, 2),
        patternsOf: steps => patternsOf(every(2), steps),
        padded: steps => padded([filled([1, 1], 1)], { steps }),
      }).map(([name, run]) => [
        `${name} steps`,
        [run, (value: number) => value >= 1 && Number.isInteger(value)],
      ]),
    ),
  }
  const numbers = [0, 1, 2, 3, 4, 8, 72, -1, 0.5, 1.5, 2.5, Number.POSITIVE_INFINITY]
  const never = [Number.NaN, '3', '0.5', '', null, {}, true]

  test.each(Object.entries(takes))('is taken or refused by its rule, with a hint: %s', (_, [run, rule]) => {
    const refused = (value: unknown): boolean => {
      try {
        run(odd(value))
        return false
      } catch (error) {
        expect(error).toMatchObject({ name: 'GraphError', code: expect.stringMatching(/^bad-/) })
        expect((error as Error).message).toMatch(/^[^;]+; .+\nhint: .+$/)
        return true
      }
    }
    expect(numbers.filter(refused)).toEqual(numbers.filter(value => !rule(value)))
    expect(never.filter(value => !refused(value))).toEqual([])
  })
})
