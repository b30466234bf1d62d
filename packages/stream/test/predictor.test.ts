import { evaluate, isTensor, leaves, squaredError, type Tensor, type Tree, type Values } from '@bptt/graph'
import {
  artbp,
  elman,
  every,
  gru,
  lstm,
  stack,
  unroll,
  withEmbedding,
  withReadout,
  zeroCarry,
} from '@bptt/unroll'
import { describe, expect, test } from 'vitest'
import { adam, chain, clipByGlobalNorm, predictor, sgd, softmaxCrossEntropy, trainer } from '../src/index.js'
import { bits, collect, events, net, noise, speller } from './support.js'

const numbers = (tree: unknown): number[] =>
  leaves<Tensor>(tree as Tree<Tensor>, isTensor, 'test').flatMap(([, { data }]) => [...data])

describe('a predictor', () => {
  test.each([
    ['elman', elman({ inputs: 2, hidden: 3 })],
    ['lstm with a readout', net],
    ['a stack', stack([gru({ inputs: 2, hidden: 2 }), lstm({ inputs: 2, hidden: 2 })])],
    ['a speller', speller(4)],
  ])('equals the unrolled timeline step by step, on both engines: %s', (_, model) => {
    const { params } = model.init(3)
    const xs = Array.from({ length: 6 }, (_x, i) => (model.input.length === 0 ? i % 4 : noise(i, 2)))
    const line = unroll(model, { steps: 6, form: 'flat' })
    const made = evaluate(line.graph, { params, carry: zeroCarry(model), xs } as Values) as {
      ys: Tensor
      carry: unknown
    }
    for (const engine of [{ engine: 'reference' }, { dtype: 'float64' }] as const) {
      const runs = predictor(model, params, engine)
      let { carry } = runs
      const ys = xs.flatMap(x => {
        const [next, y] = runs.step(carry, x)
        carry = next
        return [...y]
      })
      expect(ys).toHaveLength(made.ys.data.length)
      ys.forEach((y, i) => expect(y).toBeCloseTo(made.ys.data[i]!, 13))
      const [own, whole] = [numbers(carry), numbers(made.carry)]
      expect(own.length).toBeGreaterThan(0)
      own.forEach((value, i) => expect(value).toBeCloseTo(whole[i]!, 13))
    }
  })

  test('changes nothing it gets, and gives an output that is the caller’s own', () => {
    const model = lstm({ inputs: 2, hidden: 3 })
    const runs = predictor(model, model.init(1).params)
    const [first, y] = runs.step(runs.carry, [1, -1])
    const before = bits(first)
    const next = bits(runs.step(first, [1, 1])[0])
    y.fill(100)
    expect(bits(first)).toEqual(before)
    expect(bits(runs.step(first, [1, 1])[0])).toEqual(next)
    expect(bits(runs.carry)).toEqual(bits(zeroCarry(model, 1)))
  })

  test('says what a trainer of the same parameters has learned from', () => {
    const options = { model: net, loss: squaredError, estimator: every(4), optimizer: sgd(1e-300) }
    const online = trainer({ ...options, engine: 'reference' })
    const samples = events(8)
    const { reports } = collect(samples, online.train())
    const runs = predictor(net, online.snapshot().params, { engine: 'reference' })
    let { carry } = runs
    let loss = 0
    for (const { input, target } of samples) {
      const [next, y] = runs.step(carry, input)
      carry = next
      loss += (y[0]! - (target as number[])[0]!) ** 2
    }
    expect(reports[1]!.prequential).toBeCloseTo(loss / 8, 13)
    expect(bits(carry)).toEqual(bits(online.snapshot().carry))
  })

  test('refuses inputs that do not fit', () => {
    const runs = predictor(net, net.init(0).params)
    expect(() => runs.step(runs.carry, [1, 2, 3])).toThrow(
      expect.objectContaining({
        code: 'bad-sample',
        message: "predictor: its input is a list of 3; the model's are [2]",
      }),
    )
  })
})

describe('online learning', () => {
  const symbols = 4
  const text = [0, 1, 0, 2, 3, 0, 1, 1] // the next one needs memory: 0 → 1 or 2, 1 → 0 or 1
  const samples = Array.from({ length: 4000 }, (_, i) => ({
    input: text[i % text.length]!,
    target: text[(i + 1) % text.length]!,
  }))

  test.each([
    ['artbp with a power law', artbp({ mean: 8, tail: 6, seed: 1 })],
    ['blocks', every(8)],
  ])('with %s learns to continue a periodic text, far below chance', (_, estimator) => {
    const online = trainer({
      model: withReadout(withEmbedding(lstm({ inputs: 3, hidden: 8 }), { symbols }), { outputs: symbols }),
      loss: softmaxCrossEntropy,
      estimator,
      optimizer: chain(clipByGlobalNorm(1), adam(0.02)),
      seed: 4,
    })
    const { reports, error } = collect(samples, online.train())
    expect(error).toBeUndefined()
    const recent = reports.filter(report => report.events > 3500)
    const loss = recent.reduce((sum, report) => sum + report.loss * report.length, 0)
    const count = recent.reduce((sum, report) => sum + report.length, 0)
    expect(reports[0]!.loss).toBeGreaterThan(1)
    expect(loss / count).toBeLessThan(0.05 * Math.log(symbols))
  })
})
