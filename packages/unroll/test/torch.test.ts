import { evaluate, GraphError, isShape, leaves, type Tensor, type Values } from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bidirectional,
  type Cell,
  cell,
  elman,
  fromTorch,
  gru,
  learnCarry,
  lstm,
  stack,
  toTorch,
  unroll,
  withEmbedding,
  withReadout,
  zeroCarry,
} from '../src/index.js'
import { kinds, random, randomTree } from './support.js'

function failure(make: () => unknown): [string, string] {
  try {
    make()
  } catch (error) {
    if (error instanceof GraphError) return [error.code, error.message]
    throw error
  }
  throw new Error('nothing was thrown')
}

const whole = withReadout(
  withEmbedding(stack([lstm({ inputs: 2, hidden: 3 }), lstm({ inputs: 3, hidden: 3 })]), { symbols: 5 }),
  { outputs: 4 },
)

describe('toTorch', () => {
  test('names a whole model as the module that holds it', () => {
    const { params } = whole.init(1)
    expect(Object.keys(toTorch(params))).toEqual([
      'weight_ih_l0',
      'weight_hh_l0',
      'bias_ih_l0',
      'bias_hh_l0',
      'weight_ih_l1',
      'weight_hh_l1',
      'bias_ih_l1',
      'bias_hh_l1',
      'embedding.weight',
      'readout.weight',
      'readout.bias',
    ])
    const named = toTorch(params, { recurrent: 'net.rnn', readout: 'fc', embedding: 'emb' })
    expect(Object.keys(named).filter(name => !/l0/.test(name))).toEqual([
      'net.rnn.weight_ih_l1',
      'net.rnn.weight_hh_l1',
      'net.rnn.bias_ih_l1',
      'net.rnn.bias_hh_l1',
      'emb.weight',
      'fc.weight',
      'fc.bias',
    ])
  })

  test('names the two directions, a single cell, and what PyTorch has not', () => {
    const both = bidirectional(gru({ inputs: 1, hidden: 2 }), gru({ inputs: 1, hidden: 2 }), { outputs: 1 })
    expect(Object.keys(toTorch(both.init(1).params)).slice(2, 6)).toEqual([
      'bias_ih_l0',
      'bias_hh_l0',
      'weight_ih_l0_reverse',
      'weight_hh_l0_reverse',
    ])
    const one = learnCarry(elman({ inputs: 1, hidden: 2 }))
    expect(Object.keys(toTorch(one.init(1).params, { recurrent: 'cell', single: true }))).toEqual([
      'cell.weight_ih',
      'cell.weight_hh',
      'cell.bias_ih',
      'cell.bias_hh',
      'start.h',
    ])
  })

  test('is refused where two parameters get one name', () => {
    const odd = { weight_ih: random([1], 1), l0: { weight_ih: random([1], 1) } }
    expect(failure(() => toTorch(odd))).toEqual([
      'duplicate-name',
      "toTorch: 'weight_ih' and 'l0.weight_ih' are both 'weight_ih_l0' in a state_dict; names are unique",
    ])
  })
})

describe('fromTorch', () => {
  test('is the inverse of toTorch, to the bit, for every cell and any names', () => {
    const name = fc.constantFrom(undefined, 'a', 'b.c', 'model')
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(kinds)), name, fc.nat(1e6), (kind, recurrent, seed) => {
        const model = kinds[kind]!(3, 4)
        const names = { readout: 'fc', embedding: 'emb', ...(recurrent !== undefined && { recurrent }) }
        const { params } = model.init(seed)
        const dict = toTorch(params, names)
        const shuffled = Object.fromEntries(Object.entries(dict).reverse())
        expect(fromTorch(model, shuffled, names)).toEqual(params)
        expect(toTorch(fromTorch(model, dict, names), names)).toEqual(dict)
      }),
      { numRuns: 40 },
    )
    const both = bidirectional(gru({ inputs: 1, hidden: 2 }), gru({ inputs: 1, hidden: 2 }))
    const { params } = both.init(3)
    expect(fromTorch(both, toTorch(params))).toEqual(params)
  })

  test('gives parameters that run', () => {
    const dict = toTorch(randomTree(whole.params, 3), { recurrent: 'lstm' })
    const params = fromTorch(whole, dict, { recurrent: 'lstm' })
    const values = { params, carry: zeroCarry(whole), xs: [0, 4] } as unknown as Values
    const { ys } = evaluate(unroll(whole, { steps: 2 }).graph, values) as unknown as { ys: Tensor }
    expect(ys.shape).toEqual([2, 4])
  })

  const dictOf = (model: Cell): Record<string, Tensor> => ({ ...toTorch(model.init(1).params) })

  test('names everything that is wrong at once', () => {
    const { bias_ih_l1: _a, weight_hh_l0: _b, ...rest } = dictOf(whole)
    const wrong = {
      ...rest,
      'readout.bias': random([3], 1),
      bias_ih_l0: random([3, 4], 1),
      more: random([1], 1),
      yet: random([1], 1),
    }
    expect(failure(() => fromTorch(whole, wrong))).toEqual([
      'bad-state-dict',
      'fromTorch: missing weight_hh_l0 [12, 3], bias_ih_l1 [12]; extra more, yet; bias_ih_l0 is [3, 4], not [12]; readout.bias is [3], not [4]; a state_dict has the parameters of embedding+stack(lstm, lstm)+readout, no more and no fewer\nhint: name the modules: { recurrent, readout, embedding }',
    ])
    const extra = { ...dictOf(whole), more: random([1], 1) }
    expect(failure(() => fromTorch(whole, extra))).toEqual([
      'bad-state-dict',
      'fromTorch: extra more; a state_dict has the parameters of embedding+stack(lstm, lstm)+readout, no more and no fewer',
    ])
  })

  test('takes the parameters of a cell of one’s own by their names', () => {
    const own = cell({
      params: ({ hidden }) => ({ deep: { a: [hidden] } }),
      carry: ({ hidden }) => ({ h: [hidden] }),
      step: ({ deep }, { h }) => [{ h }, deep.a],
    })({ inputs: 1, hidden: 2 })
    const dict = { 'deep.a': random([2], 1) }
    expect(fromTorch(own, dict)).toEqual({ deep: { a: dict['deep.a'] } })
    expect(leaves(own.params, isShape, 'test')).toEqual([['deep.a', [2]]])
  })
})
