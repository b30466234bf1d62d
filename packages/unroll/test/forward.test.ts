import {
  add,
  compile,
  evaluate,
  type Graph,
  linear,
  mul,
  squaredError,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tanh,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import {
  type Cell,
  cell,
  elman,
  localTraces,
  rtrl,
  snap,
  stack,
  unroll,
  uoro,
  withReadout,
} from '../src/index.js'
import { combine, difference, kinds, random, sequence } from './support.js'

const steps = 4
const values = (model: Cell, seed = 1): Values => sequence(model, [steps], seed) as Values

const gradientOf = (graph: Graph, given: Values): { params: Record<string, Tensor> } =>
  (evaluate(graph, given) as { gradient: { params: Record<string, Tensor> } }).gradient

const bptt = (model: Cell, given: Values, length = steps): { params: Record<string, Tensor> } =>
  gradientOf(
    valueAndGradient(unroll(model, { steps: length, loss: squaredError }).graph as Graph, {
      of: 'loss',
      by: ['params'],
    }) as Graph,
    given,
  )

const loss = squaredError

describe('RTRL', () => {
  test.each(['linear', 'elman', 'gru', 'lstm', 'stacked', 'readout'])(
    'is BPTT for %s (identity 19)',
    kind => {
      const model = kinds[kind]!(2, 2)
      const graph = rtrl(model, { steps: 'T', loss })
      expect(difference(gradientOf(graph, values(model)), bptt(model, values(model)))).toBeLessThan(1e-12)
      expect((evaluate(graph, values(model)) as { loss: Tensor }).loss.data[0]).toBeGreaterThan(0)
    },
  )

  test('compiled is RTRL evaluated', () => {
    const model = elman({ inputs: 2, hidden: 3 })
    const graph = rtrl(model, { steps, loss })
    const made = compile(graph, { dtype: 'float64' }).run(values(model))
    expect(difference(made, evaluate(graph, values(model)))).toBeLessThan(1e-11)
  })

  test('needs a state and parameters', () => {
    const still = cell({
      name: 'still',
      params: () => ({ a: [1] }),
      carry: () => ({}),
      step: ({ a }, _, x) => [{}, mul(x, a)],
    })({ inputs: 1, hidden: 1 })
    expect(() => rtrl(still, { steps, loss })).toThrowErrorMatchingInlineSnapshot(
      `[GraphError: still: has no params or no carry; influence is that of parameters on a carry]`,
    )
  })
})

/** An Elman net whose units pass credit only to themselves. */
const diagonalCredit = cell({
  name: 'diagonal',
  params: ({ inputs, hidden }: { inputs: number; hidden: number }) => ({
    U: [hidden, inputs],
    W: [hidden, hidden],
  }),
  carry: ({ hidden }) => ({ h: [hidden] }),
  step({ U, W }, { h }, x) {
    const eye = { shape: [3, 3], data: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1) }
    const own = stopGradient(sum(mul(W, eye), { axis: 1 }))
    const next = tanh(add(add(linear(x, U), linear(stopGradient(h), W)), mul(own, sub(h, stopGradient(h)))))
    return [{ h: next }, next]
  },
})

const plain = cell({
  name: 'plain',
  params: ({ inputs, hidden }: { inputs: number; hidden: number }) => ({
    U: [hidden, inputs],
    W: [hidden, hidden],
  }),
  carry: ({ hidden }) => ({ h: [hidden] }),
  step({ U, W }, { h }, x) {
    const next = tanh(add(linear(x, U), linear(h, W)))
    return [{ h: next }, next]
  },
})

/** Units that do not act on each other: h' = tanh(U x + w h). */
const separate = cell({
  name: 'separate',
  params: ({ inputs, hidden }: { inputs: number; hidden: number }) => ({ U: [hidden, inputs], w: [hidden] }),
  carry: ({ hidden }) => ({ h: [hidden] }),
  step({ U, w }, { h }, x) {
    const next = tanh(add(linear(x, U), mul(h, w)))
    return [{ h: next }, next]
  },
})

describe('SnAp', () => {
  const model = plain({ inputs: 2, hidden: 3 })

  test('of order 1 is BPTT that passes credit only from a unit to itself, for a plain net (identity 41)', () => {
    const found = gradientOf(snap(model, { steps, loss }), values(model))
    expect(difference(found, bptt(diagonalCredit({ inputs: 2, hidden: 3 }), values(model)))).toBeLessThan(
      1e-13,
    )
    expect(difference(found, bptt(model, values(model)))).toBeGreaterThan(1e-3)
  })

  test('is RTRL where units are separate, and where the mask keeps all (identity 41)', () => {
    const diagonal = separate({ inputs: 2, hidden: 3 })
    expect(
      difference(
        gradientOf(snap(diagonal, { steps, loss }), values(diagonal)),
        bptt(diagonal, values(diagonal)),
      ),
    ).toBeLessThan(1e-13)
    expect(
      difference(
        gradientOf(snap(model, { steps, loss, order: 2 }), values(model)),
        bptt(model, values(model)),
      ),
    ).toBeLessThan(1e-13)
  })

  test('of a high order is RTRL for all rows of an embedding, those that random points do not read too', () => {
    const words = kinds['embedded']!(2, 2)
    expect(
      difference(
        gradientOf(snap(words, { steps, loss, order: 2 }), values(words)),
        bptt(words, values(words)),
      ),
    ).toBeLessThan(1e-13)
  })

  test('has an order of 1 or more', () => {
    expect(() => snap(model, { steps, loss, order: 0 })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: snap: order is 0; SnAp keeps influence of a whole number of steps ≥ 1
      hint: order 1 is the cheapest, rtrl keeps all]
    `,
    )
  })
})

describe('local traces', () => {
  test('are BPTT where units are separate, and SnAp-1 for a plain net', () => {
    const [diagonal, model] = [separate({ inputs: 2, hidden: 3 }), plain({ inputs: 2, hidden: 3 })]
    expect(
      difference(
        gradientOf(localTraces(diagonal, { steps, loss }), values(diagonal)),
        bptt(diagonal, values(diagonal)),
      ),
    ).toBeLessThan(1e-13)
    expect(
      difference(
        gradientOf(localTraces(model, { steps, loss }), values(model)),
        gradientOf(snap(model, { steps, loss }), values(model)),
      ),
    ).toBeLessThan(1e-13)
  })

  test('keep the memory of an LSTM unit: h and c of a unit are one', () => {
    const model = kinds['lstm']!(1, 1)
    expect(
      difference(gradientOf(localTraces(model, { steps, loss }), values(model)), bptt(model, values(model))),
    ).toBeLessThan(1e-13)
  })
})

describe('UORO', () => {
  const model = elman({ inputs: 1, hidden: 2 })
  const length = 4
  /** The mean gradient over every pattern of signs. */
  const meanOf = (options: {
    readonly ratios?: readonly [number, number]
  }): { mean: unknown; spread: number } => {
    const graph = uoro(model, { steps: length, loss, ...options })
    const patterns = 2 ** (2 * length)
    const all = Array.from({ length: patterns }, (_, bits) => {
      const signs = {
        shape: [length, 2],
        data: Float64Array.from({ length: 2 * length }, (_, i) => ((bits >> i) & 1 ? 1 : -1)),
      }
      return gradientOf(graph, { ...(values(model) as object), signs } as Values)
    })
    return { mean: combine(all.map(one => [1 / patterns, one] as const)), spread: difference(all[0], all[5]) }
  }
  const exact = combine([[1, bptt(model, values(model))]])

  test.each([{}, { ratios: [1, 1] }, { ratios: [0.3, 2.5] }] as const)(
    'has the gradient of RTRL as its mean over all signs, whatever the ratios: %o (identity 40)',
    options => {
      const { mean, spread } = meanOf(options)
      expect(difference(mean, exact)).toBeLessThan(1e-12)
      expect(spread).toBeGreaterThan(1e-3)
    },
  )

  test('has ratios above 0', () => {
    expect(() => uoro(model, { steps: 2, loss, ratios: [0, 1] })).toThrowErrorMatchingInlineSnapshot(
      `
      [GraphError: uoro: ratios are 0, 1; r0 and r1 are two numbers > 0
      hint: leave ratios out to balance the norms, as the authors do]
    `,
    )
  })

  test('works for a cell of several parts, with weights on its edges', () => {
    const deep = withReadout(stack([kinds['lstm']!(1, 1), kinds['elman']!(1, 1)]), { outputs: 1 })
    const given = { ...(values(deep) as object), xs: random([2, 1], 5), targets: random([2, 1], 6) }
    const graph = uoro(deep, { steps: 2, loss, credit: true })
    const all = Array.from({ length: 64 }, (_, bits) => {
      const data = Float64Array.from({ length: 6 }, (_, i) => ((bits >> i) & 1 ? 1 : -1))
      return gradientOf(graph, { ...given, credit: [1, 0.5], signs: { shape: [2, 3], data } } as Values)
    })
    const halved = unroll(deep, { steps: 2, loss, credit: { kind: 'weights', weights: [0.5] } })
    const slope = valueAndGradient(halved.graph as Graph, { of: 'loss', by: ['params'] }) as Graph
    const mean = combine(all.map(one => [1 / 64, one] as const))
    expect(difference(mean, combine([[1, gradientOf(slope, given as Values)]]))).toBeLessThan(1e-12)
  })
})
