import { add, mul, squaredError, type Tensor } from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  artbp,
  cell,
  elman,
  every,
  lagNorms,
  linearNet,
  reweight,
  type Timeline,
  unroll,
  windows,
} from '../src/index.js'
import { everyCellLaw, expectCellLaws } from '../src/laws/index.js'
import { combine, difference, random, randomTree, sequence, slopes } from './support.js'

type Params = Readonly<Record<string, Tensor>>

const paramsOf = (line: Timeline, values: object): Params =>
  (slopes(line.graph, ['params'], values)['gradient'] as { params: Params }).params

/** Rows, columns or both of a matrix, or places of a vector, in another order. */
const permuted = (
  { shape, data }: Tensor,
  order: readonly number[],
  rows: boolean,
  columns: boolean,
): Tensor => {
  const width = shape.length === 2 ? shape[1]! : 1
  const at = (i: number): number => {
    const [r, c] = [Math.floor(i / width), i % width]
    return data[(rows ? order[r]! : r) * width + (columns ? order[c]! : c)]!
  }
  return { shape, data: data.map((_, i) => at(i)) }
}

describe('hidden units', () => {
  test('in another order have their gradients in that order, and the same loss (identity 25)', () => {
    const model = elman({ inputs: 2, hidden: 4 })
    const orders = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 })
    fc.assert(
      fc.property(orders, fc.nat(1e6), fc.boolean(), (order, seed, cut) => {
        const swap = ({ weight_ih, weight_hh, bias_ih, bias_hh }: Params): Params => ({
          weight_ih: permuted(weight_ih!, order, true, false),
          weight_hh: permuted(weight_hh!, order, true, true),
          bias_ih: permuted(bias_ih!, order, true, false),
          bias_hh: permuted(bias_hh!, order, true, false),
        })
        const params = randomTree(model.params, seed) as Params
        const targets = random([5, 4], seed + 1)
        const line = unroll(model, { steps: 5, loss: squaredError })
        const used = cut ? reweight(line, every(2)) : line
        const base = { carry: { h: random([4], 0, 0) }, xs: random([5, 2], seed + 2) }
        const here = paramsOf(used, { ...base, params, targets })
        const there = paramsOf(used, {
          ...base,
          params: swap(params),
          targets: permuted(targets, order, false, true),
        })
        expect(difference(there, swap(here))).toBeLessThan(1e-12)
      }),
      { numRuns: 30 },
    )
  })
})

describe('a linear net', () => {
  const net = linearNet({ inputs: 1, hidden: 3, outputs: 1 })
  const of = (W: readonly number[], steps: number): object => ({
    params: { ...(randomTree(net.params, 1) as Params), W: { shape: [3, 3], data: Float64Array.from(W) } },
    carry: { h: [0.3, -0.2, 0.5] },
    xs: random([steps, 1], 2),
    targets: random([steps, 1], 3),
  })

  test('with W³ = 0 needs three lags and no more, its own step included: BPTT(3; 1) is full (identity 26)', () => {
    const nilpotent = of([0, 2, -1, 0, 0, 3, 0, 0, 0], 8)
    const line = unroll(net, { steps: 8, loss: squaredError })
    const full = paramsOf(line, nilpotent)
    expect(difference(paramsOf(windows(line, { h: 4 }), nilpotent), full)).toBeLessThan(1e-12)
    expect(difference(paramsOf(windows(line, { h: 3 }), nilpotent)['U'], full['U'])).toBeLessThan(1e-12)
    expect(difference(paramsOf(windows(line, { h: 2 }), nilpotent)['U'], full['U'])).toBeGreaterThan(1e-3)
  })

  test('with an orthogonal W keeps the norm of credit over all lags, and a contraction lets it fall (identity 27)', () => {
    const [c, s] = [Math.cos(0.7), Math.sin(0.7)]
    const turn = [c, -s, 0, s, c, 0, 0, 0, 1]
    const norms = (W: readonly number[]): readonly number[] => {
      const { params } = of(W, 6) as { params: Params }
      const batch = {
        params,
        carry: { h: random([1, 3], 1) },
        xs: random([6, 1, 1], 2),
        targets: random([6, 1, 1], 3),
      }
      return lagNorms(net, batch, squaredError).norms.at(-1)!
    }
    const kept = norms(turn)
    for (const norm of kept) expect(norm).toBeCloseTo(kept[0]!, 12)
    const half = norms(turn.map(x => x / 2))
    half.slice(1).forEach((norm, k) => expect(norm / half[k]!).toBeCloseTo(0.5, 12))
  })
})

describe('randomized telescopes of lags', () => {
  test('by a single sample and by Russian roulette enumerate to full BPTT (identity 44)', () => {
    const model = elman({ inputs: 1, hidden: 2 })
    const line = unroll(model, { steps: 4, loss: squaredError })
    const values = sequence(model, [4])
    const upTo = [1, 2, 3, 4].map(h => paramsOf(windows(line, { h }), values))
    const terms = upTo.map((one, n) =>
      n === 0
        ? combine([[1, one]])
        : combine([
            [1, one],
            [-1, upTo[n - 1]],
          ]),
    )
    const q = [0.4, 0.3, 0.2, 0.1]
    const least = q.map((_, n) => q.slice(n).reduce((sum, x) => sum + x, 0))
    const full = combine([[1, paramsOf(line, values)]])
    const single = q.map((p, n) => [p, combine([[1 / p, terms[n]]])] as const)
    const roulette = q.map(
      (p, n) => [p, combine(terms.slice(0, n + 1).map((term, k) => [1 / least[k]!, term] as const))] as const,
    )
    expect(difference(combine(single), full)).toBeLessThan(1e-12)
    expect(difference(combine(roulette), full)).toBeLessThan(1e-12)
  })
})

describe('evolution strategies', () => {
  const leak = cell({
    name: 'leak',
    params: () => ({ theta: [1] }),
    carry: () => ({ s: [1] }),
    step: ({ theta }, { s }) => {
      const next = add(mul(s, 0.7), mul(theta, 0.4))
      return [{ s: next }, next]
    },
  })({ inputs: 1, hidden: 1 })

  test('have their known means for a linear system: persistent ones full BPTT, truncated ones BPTT(1; 1) (identity 43)', () => {
    const line = unroll(leak, { steps: 3, loss: (y, target) => mul(squaredError(y, target), 0.5) })
    const values = {
      params: { theta: [0.5] },
      carry: { s: [1] },
      xs: random([3, 1], 1),
      targets: [[1], [1], [1]],
    }
    const slope = (made: Timeline): number => paramsOf(made, values)['theta']!.data[0]!
    expect(slope(line)).toBeCloseTo(-0.347444, 12)
    expect(slope(windows(line, { h: 1 }))).toBeCloseTo(-0.1956, 12)
    const laws = everyCellLaw.filter(({ name }) => name.includes('(43)'))
    expect(expectCellLaws(leak, { laws, runs: 10 })).toMatchObject({ checked: 10, skipped: [] })
  })
})

describe('a timeline cut by coins', () => {
  test('accumulated segment by segment, from the carry before each, is the whole at once (identity 38)', () => {
    const model = elman({ inputs: 1, hidden: 2 })
    const values = sequence(model, [12])
    const line = reweight(unroll(model, { steps: 12, loss: squaredError }), artbp({ mean: 3, seed: 2 }))
    const weights = (line.credit as { weights: readonly number[] }).weights
    const ends = [...weights.flatMap((weight, i) => (weight === 0 ? [i + 1] : [])), 12]
    expect(ends.length).toBeGreaterThan(2)
    let [start, carry] = [0, values.carry as unknown]
    const parts = ends.map(end => {
      const rows = ({ shape, data }: Tensor): Tensor => ({
        shape: [end - start, shape[1]!],
        data: data.slice(start * shape[1]!, end * shape[1]!),
      })
      const credit = { kind: 'weights', weights: weights.slice(start, end - 1) } as const
      const made = slopes(
        unroll(model, { steps: end - start, loss: squaredError, credit }).graph,
        ['params'],
        { params: values.params, carry, xs: rows(values.xs), targets: rows(values.targets) },
      )
      ;[start, carry] = [end, made['carry']]
      return [1, (made['gradient'] as { params: Params }).params] as const
    })
    expect(difference(combine(parts), combine([[1, paramsOf(line, values)]]))).toBeLessThan(1e-13)
  })
})
