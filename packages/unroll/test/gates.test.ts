import {
  add,
  compile,
  evaluate,
  type Graph,
  linear,
  mul,
  type Ref,
  sigmoid,
  squaredError,
  sub,
  tanh,
  valueAndGradient,
} from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { optimised } from '../../graph/src/optimise.js'
import { joinGates } from '../../graph/src/rewrite/gates/join.js'
import { type Cell, cell, elman, gru, lstm, stack, unroll, withEmbedding, withReadout } from '../src/index.js'
import { difference, sequence } from './support.js'

interface Sizes {
  readonly inputs: number
  readonly hidden: number
}
type Refs = Readonly<Record<string, Ref>>

/** U, W and b of every gate. */
const matrices = (gates: string, { inputs, hidden }: Sizes) =>
  Object.fromEntries(
    [...gates].flatMap(g => [
      [`U${g}`, [hidden, inputs]] as const,
      [`W${g}`, [hidden, hidden]] as const,
      [`b${g}`, [hidden]] as const,
    ]),
  )

const gateLstm = cell({
  name: 'gateLstm',
  params: (sizes: Sizes) => matrices('ifgo', sizes),
  carry: ({ hidden }: Sizes) => ({ h: [hidden], c: [hidden] }),
  step(params, { h, c }, x) {
    const p = params as Refs
    const [i, f, g, o] = [...'ifgo'].map(
      gate => add(linear(x, p[`U${gate}`]!, p[`b${gate}`]!), linear(h, p[`W${gate}`]!)) as Ref,
    ) as [Ref, Ref, Ref, Ref]
    const next = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)))
    const out = mul(sigmoid(o), tanh(next))
    return [{ h: out, c: next }, out]
  },
})

const gateGru = cell({
  name: 'gateGru',
  params: (sizes: Sizes) => matrices('zrn', sizes),
  carry: ({ hidden }: Sizes) => ({ h: [hidden] }),
  step(params, { h }, x) {
    const p = params as Refs
    const [z, r, n] = [...'zrn'].map(
      gate => [linear(x, p[`U${gate}`]!, p[`b${gate}`]!), linear(h, p[`W${gate}`]!)] as const,
    ) as [[Ref, Ref], [Ref, Ref], [Ref, Ref]]
    const next = tanh(add(n[0], mul(sigmoid(add(...r)), n[1])))
    const update = sigmoid(add(...z))
    const out = add(mul(update, h), mul(sub(1, update), next))
    return [{ h: out }, out]
  },
})

function training(model: Cell, batch?: number): Graph {
  const size = batch === undefined ? {} : { batch }
  const line = unroll(model, { steps: 'T', loss: squaredError, ...size })
  return valueAndGradient(line.graph, { of: 'loss', by: ['params', 'carry'] }) as Graph
}

/** The plan's products, per loop and outside of loops, in order. */
function productsOf(made: Graph): {
  readonly outside: readonly string[]
  readonly inside: readonly string[]
} {
  const program = compile(made)
  program.bind({ T: 5 })
  const lines = program.plan().split('\n')
  return {
    outside: lines.filter(line => line.startsWith('contract')),
    inside: lines.filter(line => line.startsWith('  contract')).map(line => line.trim()),
  }
}

const sizes = { inputs: 3, hidden: 4 }

describe('a cell with a matrix per gate is compiled like one with all of them in one', () => {
  test.each([undefined, 1])('LSTM, batch %s', batch => {
    const { outside, inside } = productsOf(training(gateLstm(sizes), batch))
    expect(inside).toEqual(['contract dot 1×4×16', 'contract axpy 1×16×4'])
    expect(outside).toEqual(productsOf(training(lstm(sizes), batch)).outside)
  })

  test.each([undefined, 1])('GRU, batch %s: but for the candidate, which reads U x and W h apart', batch => {
    const { outside, inside } = productsOf(training(gateGru(sizes), batch))
    expect(inside).toEqual(['contract dot 1×4×8', 'contract dot 1×4×4', 'contract axpy 1×12×4'])
    const joined = productsOf(training(gru(sizes), batch)).outside
    const own = 'contract gradient 4×T·1×3'
    expect(outside.toSorted()).toEqual(
      [...joined.filter(line => line !== 'contract gradient 12×T·1×3'), own, own, own].toSorted(),
    )
  })

  test.each([
    ['lstm', gateLstm],
    ['gru', gateGru],
  ] as const)('%s: values and gradients stay, over any length, with layers and a readout', (_, make) => {
    const model = withReadout(stack([make(sizes), make({ inputs: 4, hidden: 4 })]), { outputs: 2 })
    const made = training(model, 1)
    const program = compile(made, { dtype: 'float64' })
    for (const T of [0, 1, 2, 6]) {
      const values = sequence(model, [T, 1], T)
      expect(difference(program.run(values), evaluate(made, values))).toBeLessThanOrEqual(1e-12)
    }
  })
})

describe('a cell that has its gates in one matrix is compiled as it is', () => {
  test.each([
    ['elman', elman],
    ['gru', gru],
    ['lstm', lstm],
  ] as const)('%s', (_, make) => {
    const square = { inputs: 4, hidden: 4 }
    const models: readonly Cell[] = [
      make(sizes),
      make(square),
      withReadout(stack([make(square), make(square)]), { outputs: 4 }),
      withEmbedding(make({ inputs: 5, hidden: 4 }), { symbols: 5 }),
    ]
    for (const model of models)
      for (const batch of [undefined, 1, 3]) {
        const before = optimised(training(model, batch))
        expect(joinGates(before)).toBe(before)
      }
  })
})
