// A stranger's program in TypeScript. Its types are what is tested: it is checked, not run.
import {
  add,
  evaluate,
  gradient,
  graph,
  linear,
  mul,
  sigmoid,
  squaredError,
  sub,
  sum,
  tanh,
} from '@bptt/graph'
import { opLaws } from '@bptt/graph/laws'
import { elementwise } from '@bptt/graph/op'
import { adam, nextStep, trainer } from '@bptt/stream'
import { artbp, cell, withReadout } from '@bptt/unroll'
import { map, range } from 'rxjs'

const cubed = elementwise({
  name: 'cubed',
  inputs: ['x'],
  saves: ['x'],
  f: x => x ** 3,
  partials: { x: ({ x }) => mul(3, mul(x, x)) },
})
export const lawful: boolean = opLaws(cubed).ok

const slope = gradient(
  graph({ x: [3] }, ({ x }) => ({ loss: sum(cubed(x)) })),
  { of: 'loss', by: ['x'] },
)
export const numbers: Float64Array = evaluate(slope, { x: [1, 2, 3] }).x.data
// @ts-expect-error the graph has no output of this name
evaluate(slope, { x: [1, 2, 3] }).y

const leaky = cell({
  params: ({ inputs, hidden }) => ({ U: [hidden, inputs], W: [hidden, hidden], a: [hidden] }),
  carry: ({ hidden }) => ({ h: [hidden] }),
  step({ U, W, a }, { h }, x) {
    const rate = sigmoid(a)
    const next = add(mul(sub(1, rate), h), mul(rate, tanh(add(linear(x, U), linear(h, W)))))
    return [{ h: next }, next]
  },
})

const online = trainer({
  model: withReadout(leaky({ inputs: 1, hidden: 8 }), { outputs: 1 }),
  loss: squaredError,
  estimator: artbp({ mean: 20, tail: 4, seed: 7 }),
  optimizer: adam(1e-2),
})
range(0, 10)
  .pipe(
    map(t => [Math.sin(t)]),
    nextStep(),
    online.train(),
  )
  .subscribe(({ loss }) => {
    const total: number = loss
    return total
  })
