import {
  add,
  evaluate,
  GraphError,
  isShape,
  isTensor,
  leaves,
  linear,
  mul,
  type Ref,
  type Shape,
  sigmoid,
  squaredError,
  sub,
  type Tensor,
  tanh,
} from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type Cell,
  cell,
  elman,
  glorot,
  gru,
  linearNet,
  lstm,
  stack,
  torchName,
  uniform,
  unroll,
  withEmbedding,
  withReadout,
  zeroCarry,
  zeros,
} from '../src/index.js'
import { difference, random, randomTree, slopes } from './support.js'

const shapesOf = (model: Cell): Record<string, Shape> =>
  Object.fromEntries(leaves(model.params, isShape, 'test'))

function failure(make: () => unknown): [string, string] {
  try {
    make()
  } catch (error) {
    if (error instanceof GraphError) return [error.code, error.message]
    throw error
  }
  throw new Error('nothing was thrown')
}

describe('the cells of PyTorch', () => {
  test.each([
    ['elman', elman, 1, ['h']],
    ['gru', gru, 3, ['h']],
    ['lstm', lstm, 4, ['h', 'c']],
  ] as const)('%s has the parameters of PyTorch by name and shape', (name, make, blocks, carry) => {
    const model = make({ inputs: 3, hidden: 5 })
    expect(model.name).toBe(name)
    expect(shapesOf(model)).toEqual({
      weight_ih: [5 * blocks, 3],
      weight_hh: [5 * blocks, 5],
      bias_ih: [5 * blocks],
      bias_hh: [5 * blocks],
    })
    expect(leaves(model.carry, isShape, 'test')).toEqual(carry.map(key => [key, [5]]))
    expect([model.input, model.output]).toEqual([[3], [5]])
  })

  test('draw start values within ±1/√hidden, the same for the same seed', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 12 }), fc.nat(1e9))
    fc.assert(
      fc.property(fc.constantFrom(elman, gru, lstm), sizes, (make, [inputs, hidden, seed]) => {
        const model = make({ inputs, hidden })
        const [one, same, other] = [model.init(seed), model.init(seed), model.init(seed + 1)]
        expect(one).toEqual(same)
        expect(difference(one.params, other.params)).toBeGreaterThan(0)
        for (const [, { data }] of leaves<Tensor>(one.params, isTensor, 'test'))
          for (const value of data) expect(Math.abs(value)).toBeLessThanOrEqual(1 / Math.sqrt(hidden))
        for (const [, { data }] of leaves<Tensor>(one.carry, isTensor, 'test'))
          expect(data.every(value => value === 0)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  test('draw start values that fill their range evenly and differ from parameter to parameter', () => {
    const { params } = lstm({ inputs: 40, hidden: 25 }).init(7)
    const found = leaves<Tensor>(params, isTensor, 'test')
    for (const [name, { data }] of found.slice(0, 2)) {
      const n = data.length
      const mean = data.reduce((a, b) => a + b, 0) / n
      const square = data.reduce((a, b) => a + b * b, 0) / n
      // uniform in ±b, b = 1/5: variance b²/3, of the square b⁴ 4/45
      expect(Math.abs(mean), name).toBeLessThan(4 * Math.sqrt(0.04 / 3 / n))
      expect(Math.abs(square - 0.04 / 3), name).toBeLessThan(4 * Math.sqrt((0.04 ** 2 * 4) / 45 / n))
    }
    expect(found[2]![1].data).not.toEqual(found[3]![1].data)
  })

  test('have the names of a state_dict by torchName', () => {
    const model = withReadout(stack([lstm({ inputs: 2, hidden: 3 }), lstm({ inputs: 3, hidden: 3 })]), {
      outputs: 1,
    })
    expect(Object.keys(shapesOf(model)).map(torchName)).toEqual([
      'weight_ih_l0',
      'weight_hh_l0',
      'bias_ih_l0',
      'bias_hh_l0',
      'weight_ih_l1',
      'weight_hh_l1',
      'bias_ih_l1',
      'bias_hh_l1',
      'readout.weight',
      'readout.bias',
    ])
    expect(['weight_ih', 'l12.bias_hh', 'U', 'l0.U', 'x.l0.weight_ih'].map(torchName)).toEqual([
      'weight_ih_l0',
      'bias_hh_l12',
      'U',
      'l0.U',
      'x.l0.weight_ih',
    ])
  })
})

describe('start values', () => {
  test('of matrices without an initialiser are Glorot, of vectors zero', () => {
    const { params } = linearNet({ inputs: 4, hidden: 30, outputs: 20 }).init(1)
    const { U, W, V } = params as { U: Tensor; W: Tensor; V: Tensor }
    for (const [value, rows, columns] of [
      [U, 30, 4],
      [W, 30, 30],
      [V, 20, 30],
    ] as const) {
      const bound = Math.sqrt(6 / (rows + columns))
      const top = Math.max(...value.data.map(Math.abs))
      expect(top).toBeLessThanOrEqual(bound)
      expect(top).toBeGreaterThan(0.9 * bound)
    }
    const biased = cell({
      params: ({ inputs, hidden }) => ({ U: [hidden, inputs], b: [hidden] }),
      carry: ({ hidden }) => ({ h: [hidden] }),
      step: ({ U, b }, { h }, x) => [{ h: add(h, linear(x, U, b)) }, h],
    })({ inputs: 1, hidden: 3 })
    expect([...(biased.init(0).params as { b: Tensor }).b.data]).toEqual([0, 0, 0])
  })

  test('of initialisers one gives are kept, and checked', () => {
    const make = (init: object): Cell =>
      cell({
        params: ({ hidden }) => ({ a: [hidden], b: [hidden] }),
        carry: ({ hidden }) => ({ h: [hidden] }),
        init: () => init as never,
        step: ({ a, b }, { h }) => [{ h: add(mul(a, h), b) }, h],
      })({ inputs: 1, hidden: 2 })
    const { a, b } = make({ a: uniform(0.5), b: glorot() }).init(3).params as { a: Tensor; b: Tensor }
    expect(a.data.every(value => value !== 0 && Math.abs(value) <= 0.5)).toBe(true)
    expect(b.data.every(value => value !== 0)).toBe(true)
    expect((make({ a: zeros() }).init(3).params as { a: Tensor }).a.data).toEqual(new Float64Array(2))
    expect(failure(() => make({ c: zeros() }))).toEqual([
      'cell-init',
      "cell: init names 'c', which is no parameter; parameters are a, b",
    ])
    expect(failure(() => make({ a: () => new Float64Array(3) }).init(0))).toEqual([
      'cell-init',
      'init: an initialiser gives 3 numbers for the shape [2]; it gives one per element',
    ])
    expect(failure(() => make({ a: uniform(Number.NaN) }).init(0))).toEqual([
      'cell-init',
      'init: an initialiser gives NaN; start values are finite numbers',
    ])
    expect(failure(() => make({ a: uniform(1) }).init(-1))[0]).toBe('bad-coin')
  })
})

/** A leaky unit that learns its own time constant: as the tour writes it. */
const leaky = cell({
  params: ({ inputs, hidden }) => ({ U: [hidden, inputs], W: [hidden, hidden], a: [hidden] }),
  carry: ({ hidden }) => ({ h: [hidden] }),
  step({ U, W, a }, { h }, x) {
    const rate = sigmoid(a)
    const next = add(mul(sub(1, rate), h), mul(rate, tanh(add(linear(x, U), linear(h, W)))))
    return [{ h: next }, next] // [carry, output]
  },
})

describe('a cell of one’s own', () => {
  test('is typed by what it declares', () => {
    cell({
      params: ({ inputs, hidden }) => ({ in: { U: [hidden, inputs] }, b: [hidden] }),
      carry: ({ hidden }) => ({ h: [hidden] }),
      step(params, carry, x) {
        expectTypeOf(params.in.U).toExtend<Ref>()
        expectTypeOf(carry).toExtend<{ readonly h: Ref }>()
        expectTypeOf<keyof typeof carry>().toEqualTypeOf<'h'>()
        expectTypeOf(x).toExtend<Ref>()
        // @ts-expect-error: no such parameter
        expect(params.W).toBeUndefined()
        return [carry, linear(x, params.in.U, params.b)]
      },
    })({ inputs: 2, hidden: 3 })
    expectTypeOf(leaky).returns.toEqualTypeOf<Cell>()
  })

  test('runs and learns like any other', () => {
    const model = withReadout(leaky({ inputs: 3, hidden: 4 }), { outputs: 1 })
    expect([model.input, model.output]).toEqual([[3], [1]])
    const values = {
      params: randomTree(model.params, 1),
      carry: zeroCarry(model),
      xs: random([5, 3], 2),
      targets: random([5, 1], 3),
    }
    const made = slopes(unroll(model, { steps: 5, loss: squaredError }).graph, ['params'], values)
    const { a } = (made['gradient'] as { params: { a: Tensor } }).params
    const loss = (shift: number): number => {
      const params = values.params as unknown as { a: Tensor }
      const moved = {
        ...params,
        a: { shape: [4], data: params.a.data.map((v, i) => (i === 2 ? v + shift : v)) },
      }
      const out = evaluate(unroll(model, { steps: 5, loss: squaredError }).graph, {
        ...values,
        params: moved,
      } as never) as unknown as { loss: Tensor }
      return out.loss.data[0]!
    }
    expect(a.data[2]).toBeCloseTo((loss(1e-6) - loss(-1e-6)) / 2e-6, 7)
  })

  test('may have no carry, no parameters, or a carry that is one value', () => {
    const free = cell({
      name: 'free',
      params: ({ inputs, hidden }) => ({ U: [hidden, inputs] }),
      carry: () => ({}),
      step: ({ U }, carry, x) => {
        expect(carry).toEqual({})
        return [{}, tanh(linear(x, U))]
      },
    })({ inputs: 2, hidden: 2 })
    const bare = cell({
      name: 'bare',
      params: () => ({}),
      carry: ({ hidden }) => [hidden],
      step: (params, h, x) => {
        expect(params).toEqual({})
        return [tanh(add(h, x)), h]
      },
    })({ inputs: 2, hidden: 2 })
    const model = stack([free, bare])
    for (const one of [free, bare, model]) {
      const values = {
        params: one.init(1).params,
        carry: randomTree(one.carry, 1),
        xs: random([3, 2], 2),
        targets: random([3, 2], 3),
      }
      const made = (['flat', 'folded'] as const).map(form =>
        slopes(unroll(one, { steps: 3, form, loss: squaredError }).graph, ['xs'], values),
      )
      expect(difference(made[0], made[1])).toBeLessThanOrEqual(1e-14)
    }
  })

  const broken = (step: unknown): (() => Cell) => {
    const declared = {
      name: 'mine',
      params: () => ({ W: [2, 2] }),
      carry: () => ({ h: [2], c: [2] }),
      step: step as never,
    }
    return () => cell(declared)({ inputs: 2, hidden: 2 })
  }
  type Carry = { readonly h: Ref; readonly c: Ref }

  test.each([
    [
      'a carry of another shape',
      (_: unknown, { h, c }: Carry, x: Ref) => [{ h, c: stackUp(c) }, x],
      'cell-carry',
      "mine: carry 'c' is declared [2] and leaves the step as [2, 2]; a carry keeps its name and shape\nhint: declare it as [2, 2], or let the step return [2]",
    ],
    [
      'a carry that is missing',
      (_: unknown, { h }: Carry, x: Ref) => [{ h }, x],
      'cell-carry',
      "mine: carry 'c' is declared [2] and is missing from what the step returns; a carry keeps its name and shape\nhint: return every part of the carry, also one that stays as it is",
    ],
    [
      'a carry that is not declared',
      (_: unknown, { h, c }: Carry, x: Ref) => [{ h, c, m: x }, x],
      'cell-carry',
      "mine: the step returns carry 'm', which is not declared; a carry keeps its name and shape\nhint: declare 'm' in carry, as [2]",
    ],
    [
      'no output',
      (_: unknown, carry: Carry) => [carry],
      'cell-output',
      'mine: the step returns no value as its output; a step returns [carry, y]',
    ],
  ])('is refused with %s', (_, step, code, message) => {
    expect(failure(broken(step))).toEqual([code, message])
  })

  test('is refused with sizes that are none', () => {
    expect(failure(() => lstm({ inputs: 0, hidden: 2 }))).toEqual([
      'bad-size',
      'lstm: inputs is 0; a size is a whole number ≥ 1',
    ])
    for (const hidden of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(failure(() => gru({ inputs: 1, hidden }))).toEqual([
        'bad-size',
        `gru: hidden is ${hidden}; a size is a whole number ≥ 1`,
      ])
  })
})

/** [2] → [2, 2]. */
const stackUp = (x: Ref): Ref => add(x, mul(x, { shape: [2, 1], data: Float64Array.of(1, 2) }))

describe('composition', () => {
  test('names layers, and hands outputs up in the same step', () => {
    const below = linearNet({ inputs: 2, hidden: 2, outputs: 3 })
    const above = elman({ inputs: 3, hidden: 1 })
    const model = stack([below, above])
    expect(Object.keys(shapesOf(model))).toEqual([
      'l0.U',
      'l0.W',
      'l0.V',
      'l1.weight_ih',
      'l1.weight_hh',
      'l1.bias_ih',
      'l1.bias_hh',
    ])
    expect([model.name, model.input, model.output]).toEqual(['stack(linear, elman)', [2], [1]])
    const params = randomTree(model.params, 3) as { l0: never; l1: never }
    const carry = randomTree(model.carry, 4) as { l0: never; l1: never }
    const xs = random([4, 2], 5)
    const run = (one: Cell, values: object): Record<string, Tensor> =>
      evaluate(unroll(one, { steps: 4 }).graph, values as never) as unknown as Record<string, Tensor>
    const whole = run(model, { params, carry, xs })
    const middle = run(below, { params: params.l0, carry: carry.l0, xs })
    const top = run(above, { params: params.l1, carry: carry.l1, xs: middle['ys'] })
    expect(whole['ys']).toEqual(top['ys'])
  })

  test('draws the start values of a layer as the layer itself would bound them', () => {
    const model = stack([lstm({ inputs: 1, hidden: 4 }), lstm({ inputs: 4, hidden: 100 })])
    const { l0, l1 } = model.init(0).params as unknown as Record<'l0' | 'l1', { weight_hh: Tensor }>
    const top = ({ data }: Tensor): number => Math.max(...data.map(Math.abs))
    expect(top(l0.weight_hh)).toBeGreaterThan(0.4)
    expect(top(l1.weight_hh)).toBeLessThanOrEqual(0.1)
  })

  test('looks symbols up and reads out linearly', () => {
    const model = withReadout(withEmbedding(elman({ inputs: 2, hidden: 3 }), { symbols: 7 }), { outputs: 4 })
    expect(model.name).toBe('embedding+elman+readout')
    expect([model.input, model.output]).toEqual([[], [4]])
    expect(shapesOf(model)).toMatchObject({
      'embedding.weight': [7, 2],
      'readout.weight': [4, 3],
      'readout.bias': [4],
    })
    const { embedding, readout } = model.init(0).params as unknown as Record<string, Record<string, Tensor>>
    expect(Math.max(...embedding!['weight']!.data.map(Math.abs))).toBeLessThanOrEqual(1)
    expect(Math.max(...readout!['weight']!.data.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(3))
    const line = unroll(model, { steps: 2 })
    const values = { params: model.init(0).params, carry: zeroCarry(model), xs: [3, 7] }
    expect(() => evaluate(line.graph, values as never)).toThrow(/id 7 at position \d is not a row of 7/)
  })

  test('refuses what does not fit', () => {
    const net = elman({ inputs: 2, hidden: 3 })
    expect(failure(() => withReadout(net, { outputs: 0 }))).toEqual([
      'bad-size',
      'withReadout: outputs is 0; a size is a whole number ≥ 1',
    ])
    expect(failure(() => withEmbedding(net, { symbols: 2.5 }))).toEqual([
      'bad-size',
      'withEmbedding: symbols is 2.5; a size is a whole number ≥ 1',
    ])
    expect(failure(() => withReadout(withReadout(net, { outputs: 1 }), { outputs: 1 }))).toEqual([
      'duplicate-name',
      "elman+readout: already has params named 'readout'; names are unique",
    ])
  })

  test('makes zero carries of any batch', () => {
    const model = stack([lstm({ inputs: 1, hidden: 2 }), gru({ inputs: 2, hidden: 3 })])
    const shapes = (batch?: number): unknown =>
      leaves<Tensor>(zeroCarry(model, batch), isTensor, 'test').map(([name, { shape }]) => [name, shape])
    expect(shapes()).toEqual([
      ['l0.h', [2]],
      ['l0.c', [2]],
      ['l1.h', [3]],
    ])
    expect(shapes(4)).toEqual([
      ['l0.h', [4, 2]],
      ['l0.c', [4, 2]],
      ['l1.h', [4, 3]],
    ])
  })
})
