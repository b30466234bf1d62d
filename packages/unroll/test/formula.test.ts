import { evaluate, isTensor, leaves, type Tensor, type Tree, type Values } from '@bptt/graph'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Cell, elman, gru, lstm, unroll } from '../src/index.js'
import { random, randomTree } from './support.js'

type Params = Readonly<Record<'weight_ih' | 'weight_hh' | 'bias_ih' | 'bias_hh', Tensor>>
type State = Readonly<Record<string, readonly number[]>>

const sigma = (x: number): number => 1 / (1 + Math.exp(-x))

/** Row `row` of W x + b. */
const affine = (W: Tensor, b: Tensor, x: readonly number[], row: number): number =>
  x.reduce((sum, value, j) => sum + W.data[row * x.length + j]! * value, b.data[row]!)

/** One step of PyTorch's cells, unit by unit, from its documentation. */
const formulas = {
  elman: ({ weight_ih, weight_hh, bias_ih, bias_hh }: Params, { h }: State, x: readonly number[]): State => ({
    h: h!.map((_, k) => Math.tanh(affine(weight_ih, bias_ih, x, k) + affine(weight_hh, bias_hh, h!, k))),
  }),
  gru: ({ weight_ih, weight_hh, bias_ih, bias_hh }: Params, { h }: State, x: readonly number[]): State => {
    const n = h!.length
    const parts = (k: number, gate: number): [number, number] => [
      affine(weight_ih, bias_ih, x, gate * n + k),
      affine(weight_hh, bias_hh, h!, gate * n + k),
    ]
    return {
      h: h!.map((old, k) => {
        const [r, z] = [0, 1].map(gate => sigma(parts(k, gate)[0] + parts(k, gate)[1])) as [number, number]
        const [xn, hn] = parts(k, 2)
        return (1 - z) * Math.tanh(xn + r * hn) + z * old
      }),
    }
  },
  lstm: (
    { weight_ih, weight_hh, bias_ih, bias_hh }: Params,
    { h, c }: State,
    x: readonly number[],
  ): State => {
    const n = h!.length
    const gate = (k: number, block: number): number =>
      affine(weight_ih, bias_ih, x, block * n + k) + affine(weight_hh, bias_hh, h!, block * n + k)
    const memory = c!.map((old, k) => sigma(gate(k, 1)) * old + sigma(gate(k, 0)) * Math.tanh(gate(k, 2)))
    return { h: memory.map((value, k) => sigma(gate(k, 3)) * Math.tanh(value)), c: memory }
  },
}

const cells: Readonly<Record<keyof typeof formulas, (sizes: { inputs: number; hidden: number }) => Cell>> = {
  elman,
  gru,
  lstm,
}

describe('a cell of PyTorch', () => {
  test.each(['elman', 'gru', 'lstm'] as const)('runs by the formula of its documentation: %s', name => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }), fc.nat(1e6))
    fc.assert(
      fc.property(sizes, ([inputs, hidden, seed]) => {
        const model = cells[name]({ inputs, hidden })
        const [params, carry] = [randomTree(model.params, seed), randomTree(model.carry, seed + 1)]
        const xs = random([4, inputs], seed + 2)
        const made = evaluate(unroll(model, { steps: 4 }).graph, { params, carry, xs } as Values) as {
          ys: Tensor
          carry: Tree<Tensor>
        }
        let state: State = states(carry)
        const ys: number[] = []
        for (let t = 0; t < 4; t++) {
          const x = [...xs.data.slice(t * inputs, (t + 1) * inputs)]
          state = formulas[name](params as unknown as Params, state, x)
          ys.push(...state['h']!)
        }
        ys.forEach((y, i) => expect(made.ys.data[i]).toBeCloseTo(y, 13))
        for (const [key, values] of Object.entries(states(made.carry)))
          values.forEach((value, i) => expect(value).toBeCloseTo(state[key]![i]!, 13))
      }),
      { numRuns: 30 },
    )
  })
})

const states = (tree: Tree<Tensor>): State =>
  Object.fromEntries(leaves<Tensor>(tree, isTensor, 'test').map(([key, { data }]) => [key, [...data]]))
