import {
  compile,
  type Graph,
  GraphError,
  halfSquaredError,
  isTensor,
  leaves,
  softmaxCrossEntropy,
  type Tensor,
  type Tree,
  type Values,
  valueAndGradient,
} from '@bptt/graph'
import { checkGradients } from '@bptt/graph/laws'
import { describe, expect, test } from 'vitest'
import {
  bidirectional,
  elman,
  fromTorch,
  gru,
  lstm,
  padded,
  stack,
  toTorch,
  type WindowModel,
  withEmbedding,
  withReadout,
  zeroCarry,
} from '../src/index.js'
import { combine, difference, numbers, random, randomTree, slopes } from './support.js'

const both = (inputs: number, hidden: number): WindowModel =>
  bidirectional(elman({ inputs, hidden }), elman({ inputs, hidden }))
/** Two layers, as `nn.RNN(2, 3, num_layers=2, bidirectional=True)`: layer 1 reads 2 · 3 numbers. */
const model = stack([both(2, 3), both(6, 3)])

type Rows = readonly (readonly number[])[]
type Weights = Readonly<Record<'weight_ih' | 'weight_hh' | 'bias_ih' | 'bias_hh', Tensor>>

const rowsOf = ({ shape, data }: Tensor): number[][] =>
  Array.from({ length: shape[0]! }, (_, i) => [...data.slice(i * shape[1]!, (i + 1) * shape[1]!)])
const product = (A: Rows, x: readonly number[]): number[] =>
  A.map(row => row.reduce((sum, a, j) => sum + a * x[j]!, 0))
const transposed = (A: Rows): number[][] => A[0]!.map((_, j) => A.map(row => row[j]!))
const plus = (...all: readonly (readonly number[])[]): number[] =>
  all.reduce<number[]>((a, b) => a.map((x, i) => x + b[i]!), new Array<number>(all[0]!.length).fill(0))

/** A tanh layer in one direction, by hand: its states, and from credit on them the gradients and the credit on what it reads. */
function layer(
  w: Weights,
  xs: Rows,
  start: readonly number[],
): {
  states: number[][]
  back: (credit: Rows) => { gradient: Record<keyof Weights, number[]>; xs: number[][]; start: number[] }
} {
  const [U, W] = [rowsOf(w.weight_ih), rowsOf(w.weight_hh)]
  const states: number[][] = []
  for (const x of xs)
    states.push(
      plus(product(U, x), product(W, states.at(-1) ?? start), [...w.bias_ih.data], [...w.bias_hh.data]).map(
        Math.tanh,
      ),
    )
  const back = (credit: Rows): ReturnType<ReturnType<typeof layer>['back']> => {
    const [dU, dW] = [U, W].map(A => A.map(row => row.map(() => 0)))
    const db = U.map(() => 0)
    const dx: number[][] = []
    let dh = U.map(() => 0)
    for (let t = xs.length - 1; t >= 0; t--) {
      const da = plus(credit[t]!, dh).map((d, i) => d * (1 - states[t]![i]! ** 2))
      const before = states[t - 1] ?? start
      da.forEach((d, i) => {
        db[i]! += d
        xs[t]!.forEach((x, j) => (dU![i]![j]! += d * x))
        before.forEach((h, j) => (dW![i]![j]! += d * h))
      })
      dx.unshift(product(transposed(U), da))
      dh = product(transposed(W), da)
    }
    const gradient = { weight_ih: dU!.flat(), weight_hh: dW!.flat(), bias_ih: db, bias_hh: db }
    return { gradient, xs: dx, start: dh }
  }
  return { states, back }
}

type Pair<T> = { readonly forward: T; readonly backward: T }

/** A bidirectional layer by hand: outputs side by side, and back from credit on them. */
function pairOf(w: Pair<Weights>, xs: Rows, start: Pair<{ h: Tensor }>) {
  const there = layer(w.forward, xs, [...start.forward.h.data])
  const back = layer(w.backward, xs.toReversed(), [...start.backward.h.data])
  const behind = back.states.toReversed()
  return {
    ys: there.states.map((h, t) => [...h, ...behind[t]!]),
    back: (credit: Rows) => {
      const n = there.states[0]!.length
      const one = there.back(credit.map(row => row.slice(0, n)))
      const two = back.back(credit.map(row => row.slice(n)).toReversed())
      const turned = two.xs.toReversed()
      return {
        gradient: { forward: one.gradient, backward: two.gradient },
        start: { forward: one.start, backward: two.start },
        xs: one.xs.map((row, t) => plus(row, turned[t]!)),
      }
    },
  }
}

const flat = (tree: unknown, prefix = ''): Map<string, Float64Array> =>
  new Map(
    Object.entries(tree as object).flatMap(([name, value]) => [
      ...(Array.isArray(value)
        ? new Map([[`${prefix}${name}`, Float64Array.from(value.flat() as number[])]])
        : flat(value, `${prefix}${name}.`)),
    ]),
  )

describe('stacked bidirectional layers', () => {
  const values = {
    params: randomTree(model.params, 1),
    carry: randomTree(model.carry, 2),
    xs: random([5, 2], 3),
    targets: random([5, 6], 4),
  }

  test('have the outputs and gradients of the plain formula, layer on layer', () => {
    expect([model.name, model.input, model.output]).toEqual([
      'stack(bidirectional(elman, elman), bidirectional(elman, elman))',
      [2],
      [6],
    ])
    const made = slopes(model.window({ steps: 5, loss: halfSquaredError }), ['params', 'carry', 'xs'], values)
    const w = values.params as unknown as Record<string, Pair<Weights>>
    const start = values.carry as unknown as Record<string, Pair<{ h: Tensor }>>
    const below = pairOf(w['l0']!, rowsOf(values.xs), start['l0']!)
    const above = pairOf(w['l1']!, below.ys, start['l1']!)
    const error = above.ys.map((row, t) => row.map((y, i) => y - values.targets.data[6 * t + i]!))
    const top = above.back(error)
    const bottom = below.back(top.xs)
    const wanted = flat({
      params: { l0: bottom.gradient, l1: top.gradient },
      xs: bottom.xs,
    })
    const found = numbers(made['gradient'])
    for (const [name, data] of wanted) expect.soft([...found.get(name)!], name).toEqual(closeTo(data))
    for (const [name, part] of Object.entries({ l0: bottom.start, l1: top.start }))
      for (const [side, data] of Object.entries(part))
        expect([...found.get(`carry.${name}.${side}.h`)!]).toEqual(closeTo(data))
    expect([...(made['ys'] as Tensor).data]).toEqual(closeTo(above.ys.flat()))
  })

  const closeTo = (data: Iterable<number>): unknown[] => [...data].map(x => expect.closeTo(x, 12))

  test('have the same gradients flat, folded and compiled, for a batch and named axes, and those of differences', () => {
    const by = ['params', 'carry', 'xs']
    const batch = {
      params: values.params,
      carry: randomTree(model.carry, 2, [2]),
      xs: random([4, 2, 2], 3),
      targets: random([4, 2, 6], 4),
    }
    const window = (form: 'flat' | 'folded'): Graph =>
      model.window({ steps: 4, batch: 2, form, loss: halfSquaredError })
    const folded = slopes(window('folded'), by, batch)
    expect(difference(slopes(window('flat'), by, batch), folded)).toBeLessThan(1e-13)
    const named = model.window({ steps: 'T', batch: 'B', loss: halfSquaredError })
    const program = compile(valueAndGradient(named, { of: 'loss', by }), { dtype: 'float64' })
    expect(difference(program.run(batch as unknown as Values), folded)).toBeLessThan(1e-12)
    const report = checkGradients(window('folded'), { of: ['loss'], by, values: batch as unknown as Values })
    expect(report.worst).toMatchObject({ verdict: 'agrees' })
  })

  test('read sequences of different lengths as if each were alone: outputs, losses and gradients', () => {
    const tagger = withReadout(withEmbedding(stack([both(2, 3), both(6, 3)]), { symbols: 7 }), { outputs: 4 })
    const params = randomTree(tagger.params, 5)
    const lengths = [3, 5, 1]
    const words = lengths.map((T, b) => symbols(T, 7, b))
    const tags = lengths.map((T, b) => symbols(T, 4, b + 9))
    const one = (T: number): Graph => tagger.window({ steps: T, loss: softmaxCrossEntropy })
    const alone = lengths.map((T, b) =>
      slopes(one(T), ['params'], { params, carry: zeroCarry(tagger), xs: words[b], targets: tags[b] }),
    )
    const { values: xs, mask } = padded(words)
    const together = slopes(
      tagger.window({ steps: 'T', batch: 'B', masked: true, loss: softmaxCrossEntropy }),
      ['params'],
      { params, carry: zeroCarry(tagger, 3), xs, mask, targets: padded(tags).values },
    )
    const total = combine(alone.map(({ gradient }) => [1, gradient] as const))
    expect(difference(combine([[1, together['gradient']]]), total)).toBeLessThan(1e-12)
    const ys = together['ys'] as Tensor
    lengths.forEach((T, b) => {
      const row = (t: number): number[] => [...ys.data.slice((t * 3 + b) * 4, (t * 3 + b + 1) * 4)]
      const own = (alone[b]!['ys'] as Tensor).data
      for (let t = 0; t < 5; t++)
        expect(row(t)).toEqual(t < T ? closeTo(own.slice(t * 4, t * 4 + 4)) : [0, 0, 0, 0])
    })
    expect((together['losses'] as Tensor).data.filter(x => x !== 0)).toHaveLength(9)
    const odd = {
      params,
      carry: zeroCarry(tagger, 3),
      xs,
      targets: xs,
      mask: { ...mask, data: mask.data.map(x => x / 2) },
    }
    expect(() =>
      slopes(tagger.window({ steps: 5, batch: 3, masked: true, loss: softmaxCrossEntropy }), ['params'], odd),
    ).toThrow("input 'mask': is 0.5 at place 0")
  })

  const symbols = (T: number, below: number, seed: number): Tensor => {
    const { shape, data } = random([T], seed)
    return { shape, data: data.map(x => Math.floor(((x + 1) / 2) * below)) }
  }

  test('may stand on cells and under them, and draw their parameters apart', () => {
    const mixed = stack([
      lstm({ inputs: 2, hidden: 4 }),
      bidirectional(gru({ inputs: 4, hidden: 1 }), gru({ inputs: 4, hidden: 1 })),
      gru({ inputs: 2, hidden: 2 }),
    ])
    const { params, carry } = mixed.init(3)
    const drawn = leaves<Tensor>(params, isTensor, 'test')
    expect(drawn.map(([name]) => name).filter(name => name.endsWith('weight_hh'))).toEqual([
      'l0.weight_hh',
      'l1.forward.weight_hh',
      'l1.backward.weight_hh',
      'l2.weight_hh',
    ])
    const parts = new Map(drawn)
    expect(difference(parts.get('l1.forward.weight_ih'), parts.get('l1.backward.weight_ih'))).toBeGreaterThan(
      0.01,
    )
    const given = { params, carry, xs: random([3, 2], 1), targets: random([3, 2], 2) }
    const made = slopes(mixed.window({ steps: 3, loss: halfSquaredError }), ['params'], given)
    expect((made['ys'] as Tensor).shape).toEqual([3, 2])
    expect(Object.keys(made['carry'] as Tree<Tensor>)).toEqual(['l0', 'l1', 'l2'])
  })

  test('are refused where an output does not fit the next input', () => {
    const misfit = (): unknown => stack([both(2, 3), both(3, 3)])
    expect(misfit).toThrow(GraphError)
    expect(misfit).toThrow(
      'stack: bidirectional(elman, elman) gives [6] and bidirectional(elman, elman) takes [3]; an output fits the next input',
    )
  })
})

describe('the state_dict of stacked bidirectional layers', () => {
  const lstms = (inputs: number): WindowModel =>
    bidirectional(lstm({ inputs, hidden: 3 }), lstm({ inputs, hidden: 3 }))
  const tagger = withReadout(stack([lstms(2), lstms(6)]), { outputs: 4 })

  test('has PyTorch’s names and shapes, in its order: layer 1 takes 2 · hidden inputs', () => {
    const dict = toTorch(tagger.init(1).params, { recurrent: 'lstm', readout: 'fc' })
    expect(Object.entries(dict).map(([name, { shape }]) => `${name} ${shape.join('×')}`)).toEqual([
      'lstm.weight_ih_l0 12×2',
      'lstm.weight_hh_l0 12×3',
      'lstm.bias_ih_l0 12',
      'lstm.bias_hh_l0 12',
      'lstm.weight_ih_l0_reverse 12×2',
      'lstm.weight_hh_l0_reverse 12×3',
      'lstm.bias_ih_l0_reverse 12',
      'lstm.bias_hh_l0_reverse 12',
      'lstm.weight_ih_l1 12×6',
      'lstm.weight_hh_l1 12×3',
      'lstm.bias_ih_l1 12',
      'lstm.bias_hh_l1 12',
      'lstm.weight_ih_l1_reverse 12×6',
      'lstm.weight_hh_l1_reverse 12×3',
      'lstm.bias_ih_l1_reverse 12',
      'lstm.bias_hh_l1_reverse 12',
      'fc.weight 4×6',
      'fc.bias 4',
    ])
  })

  test('gives the parameters back, to the bit', () => {
    const { params } = tagger.init(2)
    const names = { recurrent: 'lstm', readout: 'fc' }
    const dict = Object.fromEntries(Object.entries(toTorch(params, names)).reverse())
    expect(fromTorch(tagger, dict, names)).toEqual(params)
    const { 'lstm.weight_ih_l1_reverse': _gone, ...rest } = dict
    expect(() => fromTorch(tagger, rest, names)).toThrow('missing lstm.weight_ih_l1_reverse [12, 6]')
  })
})
