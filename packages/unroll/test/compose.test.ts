import {
  add,
  compile,
  evaluate,
  type Graph,
  GraphError,
  isShape,
  leaves,
  linear,
  type Shape,
  softmaxCrossEntropy,
  squaredError,
  type Tensor,
  tanh,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { checkGradients } from '@bptt/graph/laws'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  beside,
  bidirectional,
  type Cell,
  cell,
  elman,
  gru,
  learnCarry,
  linearNet,
  lstm,
  residual,
  stack,
  unroll,
  withDropout,
  withEmbedding,
  withReadout,
  zeroCarry,
  zeros,
} from '../src/index.js'
import { difference, random, randomTree, slopes } from './support.js'

function failure(make: () => unknown): [string, string] {
  try {
    make()
  } catch (error) {
    if (error instanceof GraphError) return [error.code, error.message]
    throw error
  }
  throw new Error('nothing was thrown')
}

const run = (graph: Graph, values: unknown): Record<string, Tensor> =>
  evaluate(graph, values as Values) as unknown as Record<string, Tensor>
const names = (model: Pick<Cell, 'params'>): string[] =>
  leaves(model.params, isShape, 'test').map(([name]) => name)

/** Without parameters and without carry. */
const plus = cell({
  name: 'plus',
  params: () => ({}),
  carry: () => ({}),
  step: (_params, _carry, x) => [{}, add(x, 1)],
})

describe('residual', () => {
  test('adds the input to the output, and nothing else', () => {
    const inner = gru({ inputs: 3, hidden: 3 })
    const model = residual(inner)
    expect([model.name, model.input, model.output, names(model)]).toEqual([
      'residual(gru)',
      [3],
      [3],
      names(inner),
    ])
    expect(model.init(4)).toEqual(inner.init(4))
    const values = {
      params: randomTree(inner.params, 1),
      carry: randomTree(inner.carry, 2),
      xs: random([4, 3], 3),
    }
    const [plain, made] = [inner, model].map(one => run(unroll(one, { steps: 4 }).graph, values))
    made!['ys']!.data.forEach((y, i) => {
      expect(y).toBe(values.xs.data[i]! + plain!['ys']!.data[i]!)
    })
    expect(made!['carry']).toEqual(plain!['carry'])
  })

  test('is refused where the shapes differ', () => {
    expect(failure(() => residual(elman({ inputs: 2, hidden: 3 })))).toEqual([
      'cell-input',
      'residual: elman takes [2] and gives [3]; what is added has one shape\nhint: withReadout gives another width',
    ])
  })
})

describe('beside', () => {
  test('gives every cell the input, and the outputs one after the other', () => {
    const cells = [
      gru({ inputs: 2, hidden: 3 }),
      plus({ inputs: 2, hidden: 1 }),
      lstm({ inputs: 2, hidden: 1 }),
    ]
    const model = beside(cells)
    expect([model.name, model.input, model.output]).toEqual(['beside(gru, plus, lstm)', [2], [6]])
    expect(names(model)[0]).toBe('c0.weight_ih')
    const params = randomTree(model.params, 1) as Record<string, never>
    const carry = randomTree(model.carry, 2) as Record<string, never>
    const xs = random([4, 2], 3)
    const { ys } = run(unroll(model, { steps: 4 }).graph, { params, carry, xs })
    const parts = cells.map((one, k) =>
      run(unroll(one, { steps: 4 }).graph, {
        params: params[`c${k}`] ?? {},
        carry: carry[`c${k}`] ?? {},
        xs,
      }),
    )
    for (let t = 0; t < 4; t++) {
      const rows = parts.map(({ ys: part }) => {
        const width = part!.shape[1]!
        return [...part!.data.slice(t * width, (t + 1) * width)]
      })
      expect([...ys!.data.slice(6 * t, 6 * t + 6)]).toEqual(rows.flat())
    }
  })

  test('draws the start values of a cell as the cell itself would bound them', () => {
    const wide = beside([lstm({ inputs: 1, hidden: 4 }), lstm({ inputs: 1, hidden: 100 })])
    const { c0, c1 } = wide.init(0).params as unknown as Record<string, { weight_hh: Tensor }>
    const top = ({ data }: Tensor): number => Math.max(...data.map(Math.abs))
    expect(top(c0!.weight_hh)).toBeGreaterThan(0.4)
    expect(top(c1!.weight_hh)).toBeLessThanOrEqual(0.1)
  })

  test('is refused without cells, and where they do not fit', () => {
    expect(failure(() => beside([]))).toEqual([
      'empty-list',
      'beside: has no cell; at least one stands beside others\nhint: beside([elman({ inputs: 2, hidden: 3 })])',
    ])
    const square = cell({
      name: 'square',
      params: () => ({ bias: [2, 3] }),
      carry: () => ({}),
      input: () => [3] as Shape,
      step: ({ bias }, _carry, x) => [{}, add(bias, x)],
    })({ inputs: 3, hidden: 3 })
    expect(failure(() => beside([gru({ inputs: 3, hidden: 3 }), square]))).toEqual([
      'cell-input',
      'beside: gru gives [3] and square gives [2, 3]; outputs side by side differ in their last axis alone\nhint: give them outputs that differ in width alone',
    ])
    const scalar = cell({
      name: 'scalar',
      params: () => ({}),
      carry: () => ({}),
      input: () => [] as Shape,
      step: (_params, _carry, x) => [{}, add(x, 1)],
    })({ inputs: 1, hidden: 1 })
    expect(failure(() => beside([scalar]))).toEqual([
      'cell-input',
      "beside: the cell's values are []; they need a last axis\nhint: let it take and give vectors, [1] for one number",
    ])
  })
})

describe('learnCarry', () => {
  const inner = lstm({ inputs: 2, hidden: 3 })
  const model = learnCarry(inner)
  const params = randomTree(model.params, 1) as { readonly start: Record<string, Tensor> }
  const xs = random([5, 2], 3)

  test('starts from its parameters where the carry is zero', () => {
    expect(names(model).slice(-2)).toEqual(['start.h', 'start.c'])
    expect(leaves(model.carry, isShape, 'test').map(([name]) => name)).toEqual([
      'started',
      'state.h',
      'state.c',
    ])
    const made = run(unroll(model, { steps: 5 }).graph, { params, carry: zeroCarry(model), xs })
    const expected = run(unroll(inner, { steps: 5 }).graph, {
      params: without(params),
      carry: params.start,
      xs,
    })
    expect(made['ys']).toEqual(expected['ys'])
    expect(made['carry']).toEqual({
      started: { shape: [], data: Float64Array.of(1) },
      state: expected['carry'],
    })
    const own = { started: 1, state: randomTree(inner.carry, 9) }
    const elsewhere = run(unroll(model, { steps: 5 }).graph, { params, carry: own, xs })
    expect(elsewhere['ys']).toEqual(
      run(unroll(inner, { steps: 5 }).graph, { params: without(params), carry: own.state, xs })['ys'],
    )
  })

  const without = ({ start: _start, ...rest }: { start: unknown }): object => rest

  test('gives start the gradient of the carry before step 1, summed over the batch', () => {
    const options = { steps: 5, batch: 2, loss: squaredError } as const
    const rows = { xs: random([5, 2, 2], 4), targets: random([5, 2, 3], 5) }
    const twice = ({ shape, data }: Tensor): Tensor => ({
      shape: [2, ...shape],
      data: Float64Array.of(...data, ...data),
    })
    const carry = { h: twice(params.start['h']!), c: twice(params.start['c']!) }
    const expected = slopes(unroll(inner, options).graph, ['carry'], {
      params: without(params),
      carry,
      ...rows,
    })
    const made = slopes(unroll(model, options).graph, ['params'], {
      params,
      carry: zeroCarry(model, 2),
      ...rows,
    })
    const { start } = (made['gradient'] as { params: { start: Record<string, Tensor> } }).params
    const slope = (expected['gradient'] as { carry: Record<string, Tensor> }).carry
    for (const key of ['h', 'c'])
      start[key]!.data.forEach((value, i) => {
        expect(value).toBeCloseTo(slope[key]!.data[i]! + slope[key]!.data[i + 3]!, 12)
      })
  })

  test('starts again at a reset', () => {
    const options = { steps: 5, resets: true } as const
    const reset = [0, 0, 1, 0, 0]
    const { ys } = run(unroll(model, options).graph, { params, carry: zeroCarry(model), xs, reset })
    const rest = { shape: [3, 2], data: xs.data.slice(4) }
    const alone = run(unroll(model, { steps: 3 }).graph, { params, carry: zeroCarry(model), xs: rest })
    expect(ys!.data.slice(6)).toEqual(alone['ys']!.data)
  })

  test('is zero at first, or what it is told, and learns a carry that is one value too', () => {
    const { start } = model.init(1).params as unknown as { start: Record<string, Tensor> }
    expect([...start['h']!.data, ...start['c']!.data]).toEqual(new Array(6).fill(0))
    const told = learnCarry(inner, { c: () => Float64Array.of(1, 2, 3) }).init(1)
      .params as unknown as typeof params
    expect([...told.start['c']!.data]).toEqual([1, 2, 3])
    const bare = learnCarry(
      cell({
        name: 'bare',
        params: () => ({}),
        carry: ({ hidden }) => [hidden],
        step: (_params, h, x) => [tanh(add(h, x)), h],
      })({ inputs: 2, hidden: 2 }),
    )
    expect(names(bare)).toEqual(['start'])
    const made = run(unroll(bare, { steps: 2 }).graph, {
      params: { start: [0.3, -0.4] },
      carry: zeroCarry(bare),
      xs: random([2, 2], 1),
    })
    expect([...made['ys']!.data.slice(0, 2)]).toEqual([0.3, -0.4])
  })

  test('is refused without a carry, with a carry that is none, and twice', () => {
    expect(failure(() => learnCarry(plus({ inputs: 1, hidden: 1 })))).toEqual([
      'cell-carry',
      'learnCarry: plus has no carry; there is no start to learn',
    ])
    expect(failure(() => learnCarry(inner, { x: zeros() }))[0]).toBe('cell-init')
    expect(failure(() => learnCarry(model))).toEqual([
      'duplicate-name',
      "lstm+start: already has params named 'start'; names are unique",
    ])
  })
})

describe('withDropout', () => {
  const inner = plus({ inputs: 200, hidden: 1 })
  const ones = (steps: number, batch?: number): Tensor => {
    const shape = [steps, ...(batch === undefined ? [] : [batch]), 200]
    return { shape, data: new Float64Array(shape.reduce((a, b) => a * b)) }
  }
  const dropped = (options: { rate: number; seed?: number }, first = 0, steps = 20): Float64Array => {
    const model = withDropout(inner, options)
    return run(unroll(model, { steps }).graph, { carry: { step: first }, xs: ones(steps) })['ys']!.data
  }

  test('drops the share it is told and keeps the mean', () => {
    for (const rate of [0.1, 0.5, 0.8]) {
      const ys = dropped({ rate })
      const kept = ys.filter(value => value !== 0)
      for (const value of kept) expect(value).toBe(1 / (1 - rate))
      const error = Math.sqrt((rate * (1 - rate)) / ys.length)
      expect(Math.abs(1 - kept.length / ys.length - rate)).toBeLessThan(4 * error)
    }
  })

  test('has masks that only the seed, the step and the place decide', () => {
    const whole = dropped({ rate: 0.5, seed: 3 })
    expect(dropped({ rate: 0.5, seed: 3 })).toEqual(whole)
    expect(dropped({ rate: 0.5, seed: 3 }, 5, 15)).toEqual(whole.slice(1000))
    expect(dropped({ rate: 0.5, seed: 4 })).not.toEqual(whole)
    const steps = Array.from({ length: 20 }, (_, t) => whole.slice(200 * t, 200 * t + 200).join())
    expect(new Set(steps).size).toBe(20)
    expect(dropped({ rate: 0.5, seed: 3 }, 2 ** 14 - 1, 2).slice(200)).toEqual(whole.slice(0, 200))
  })

  test('drops each example of a batch apart', () => {
    const model = withDropout(inner, { rate: 0.5 })
    const values = { carry: zeroCarry(model, 2), xs: ones(1, 2) }
    const { ys } = run(unroll(model, { steps: 1, batch: 2 }).graph, values)
    expect(ys!.data.slice(0, 200)).not.toEqual(ys!.data.slice(200))
  })

  test('of rate 0 is the cell, with the same params and carry as at any rate', () => {
    const net = gru({ inputs: 2, hidden: 3 })
    const [off, on] = [withDropout(net, { rate: 0 }), withDropout(net, { rate: 0.4 })]
    expect([off.params, off.carry, off.name]).toEqual([on.params, on.carry, on.name])
    const params = randomTree(net.params, 1)
    const xs = random([4, 2], 2)
    const { ys } = run(unroll(off, { steps: 4 }).graph, { params, carry: zeroCarry(off), xs })
    expect(ys).toEqual(run(unroll(net, { steps: 4 }).graph, { params, carry: zeroCarry(net), xs })['ys'])
  })

  test('has the same masks in float32 programs', () => {
    const model = withDropout(inner, { rate: 0.5, seed: 1023 })
    const { graph } = unroll(model, { steps: 4 })
    const values = { carry: { step: 2 ** 14 - 2 }, xs: ones(4) } as unknown as Values
    const made = compile(graph).run(values) as unknown as { ys: Tensor }
    expect(made.ys.data).toEqual(run(graph, values)['ys']!.data)
  })

  test('is refused with a rate or a seed that is none', () => {
    const make =
      (options: { rate: number; seed?: number }): (() => Cell) =>
      () =>
        withDropout(inner, options)
    expect(failure(make({ rate: 1 }))).toEqual(['bad-setting', 'withDropout: rate is 1; a rate is in [0, 1)'])
    expect(failure(make({ rate: 0.1, seed: 1024 }))).toEqual([
      'bad-setting',
      'withDropout: seed is 1024; a seed is whole, in [0, 1024)',
    ])
  })
})

describe('bidirectional', () => {
  const [ahead, back] = [gru({ inputs: 2, hidden: 3 }), lstm({ inputs: 2, hidden: 1 })]
  const model = bidirectional(ahead, back)
  const params = randomTree(model.params, 1) as Record<string, never>
  const carry = randomTree(model.carry, 2, [2]) as Record<string, never>
  const values = { params, carry, xs: random([4, 2, 2], 3), targets: random([4, 2, 4], 4) }

  test('reads the window from both ends', () => {
    expect([model.name, model.input, model.output]).toEqual(['bidirectional(gru, lstm)', [2], [4]])
    const { targets: _targets, ...inputs } = values
    const { ys, carry: last } = run(model.window({ steps: 4, batch: 2 }), inputs)
    const order = [3, 2, 1, 0]
    const reversed = (x: Tensor): Tensor => {
      const size = x.data.length / 4
      return {
        shape: x.shape,
        data: Float64Array.of(...order.flatMap(t => [...x.data.slice(t * size, (t + 1) * size)])),
      }
    }
    const one = (net: Cell, name: string, xs: Tensor): Record<string, Tensor> =>
      run(unroll(net, { steps: 4, batch: 2 }).graph, { params: params[name], carry: carry[name], xs })
    const [there, mirrored] = [one(ahead, 'forward', values.xs), one(back, 'backward', reversed(values.xs))]
    const behind = reversed(mirrored['ys']!)
    for (let row = 0; row < 8; row++) {
      const expected = [...there['ys']!.data.slice(3 * row, 3 * row + 3), behind.data[row]]
      expect([...ys!.data.slice(4 * row, 4 * row + 4)]).toEqual(expected)
    }
    expect(last).toEqual({ forward: there['carry'], backward: mirrored['carry'] })
  })

  test('has the same gradients flat, folded and compiled, and those of its loss', () => {
    const by = ['params', 'carry', 'xs']
    const window = (form: 'flat' | 'folded'): Graph =>
      model.window({ steps: 4, batch: 2, form, loss: squaredError })
    const folded = slopes(window('folded'), by, values)
    expect(difference(slopes(window('flat'), by, values), folded)).toBeLessThan(1e-13)
    const program = compile(valueAndGradient(window('folded'), { of: 'loss', by }), { dtype: 'float64' })
    expect(difference(program.run(values as unknown as Values), folded)).toBeLessThan(1e-12)
    const report = checkGradients(window('folded'), { of: ['loss'], by, values: values as unknown as Values })
    expect(report.worst).toMatchObject({ verdict: 'agrees' })
  })

  test('runs windows of any length and batch, weighs its losses, and reads out', () => {
    const net = bidirectional(ahead, withEmbeddingOf(back), { outputs: 5 })
    expect([net.output, names(net).slice(-2)]).toEqual([[5], ['readout.weight', 'readout.bias']])
    const { params: drawn } = net.init(3)
    const window = net.window({ steps: 'T', batch: 'B', loss: softmaxCrossEntropy, weighted: true })
    for (const [T, B] of [
      [1, 1],
      [5, 2],
    ] as const) {
      const targets = { shape: [T, B], data: new Float64Array(T * B).map((_, i) => i % 5) }
      const weights = { shape: [T, B], data: new Float64Array(T * B).map((_, i) => i % 2) }
      const given = { params: drawn, carry: zeroCarry(net, B), xs: random([T, B, 2], 1), targets, weights }
      const { ys, losses, loss } = run(window, given)
      expect(ys!.shape).toEqual([T, B, 5])
      const total = losses!.data.reduce((sum, value, i) => sum + (i % 2) * value, 0)
      expect(loss!.data[0]).toBeCloseTo(total, 12)
    }
  })

  /** The cell behind a linear map, so that the two directions differ in kind. */
  const withEmbeddingOf = (net: Cell): Cell => stack([linearNet({ inputs: 2, hidden: 3, outputs: 2 }), net])

  test('draws two directions of one kind apart', () => {
    const { forward, backward } = bidirectional(ahead, ahead).init(1).params as unknown as Record<
      string,
      Record<string, Tensor>
    >
    expect(difference(forward, backward)).toBeGreaterThan(0.1)
  })

  test('may have no carry or parameters', () => {
    const free = bidirectional(plus({ inputs: 2, hidden: 1 }), plus({ inputs: 2, hidden: 1 }))
    const { ys } = run(free.window({ steps: 3 }), { xs: random([3, 2], 1) })
    expect(ys!.shape).toEqual([3, 4])
  })

  test('is refused where the directions do not fit', () => {
    expect(failure(() => bidirectional(ahead, gru({ inputs: 3, hidden: 3 })))).toEqual([
      'cell-input',
      'bidirectional: gru takes [2] and gru takes [3]; cells side by side read one input\nhint: make them for inputs of one shape',
    ])
    expect(failure(() => bidirectional(ahead, back, { outputs: 0 }))[0]).toBe('bad-size')
  })
})

describe('any composition', () => {
  const own = cell({
    name: 'own',
    params: ({ inputs, hidden }) => ({ U: [hidden, inputs], W: [hidden, hidden] }),
    carry: ({ hidden }) => ({ h: [hidden] }),
    step({ U, W }, { h }, x) {
      const next = tanh(add(linear(x, U), linear(h, W)))
      return [{ h: next }, next]
    },
  })({ inputs: 3, hidden: 3 })
  const around: readonly ((one: Cell) => Cell)[] = [
    one => residual(one),
    one => withDropout(one, { rate: 0.5, seed: 2 }),
    one => stack([own, one]),
    one => withReadout(beside([one, own]), { outputs: 3 }),
    one => learnCarry(one),
  ]

  test('of a cell of one’s own has the same gradients flat, folded and compiled', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 4 }), fc.nat(1000), (order, seed) => {
        const model = withEmbedding(
          order.reduce((one, k) => around[k]!(one), own),
          { symbols: 4 },
        )
        const values = {
          params: randomTree(model.params, seed),
          carry: zeroCarry(model, 2),
          xs: [
            [0, 3],
            [1, 1],
            [2, 0],
          ],
          targets: random([3, 2, ...(model.output as number[])], seed + 1),
        }
        const line = (form: 'flat' | 'folded'): Graph =>
          unroll(model, { steps: 3, batch: 2, form, loss: squaredError }).graph
        const folded = slopes(line('folded'), ['params'], values)
        expect(difference(slopes(line('flat'), ['params'], values), folded)).toBeLessThan(1e-12)
        const named = unroll(model, { steps: 'T', batch: 'B', loss: squaredError }).graph
        const program = compile(valueAndGradient(named, { of: 'loss', by: ['params'] }), { dtype: 'float64' })
        expect(difference(program.run(values as unknown as Values), folded)).toBeLessThan(1e-12)
      }),
      { numRuns: 25 },
    )
  })
})
