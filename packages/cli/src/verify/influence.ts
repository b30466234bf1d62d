import {
  add,
  evaluate,
  filled,
  type Graph,
  halfSquaredError,
  isTensor,
  leaves,
  linear,
  mul,
  slice,
  type Tensor,
  valueAndGradient,
} from '@bptt/graph'
import { type Cell, type Credit, cell, every, unroll, weightsOf } from '@bptt/unroll'
import { compare, type Finding, type Named, type Pair, pairOf, scalar } from './compare.js'
import { hazardAt } from './hazard.js'
import { field, fields, items, listAt, numberAt, optional, type Spot, tensorAt, wholeAt } from './read.js'

/** s' = A s + theta v; the output is the first entry of s', the input is not read. */
interface System {
  readonly name: string
  readonly cell: Cell
  readonly A: Tensor
  readonly v: Tensor
  readonly start: Tensor
}

/** Influence balancing: gradients by theta under several truncations, and traces of SGD. */
export function checkInfluence(spot: Spot, name: string): readonly Finding[] {
  const system = systemAt(spot, name)
  const gradients = optional(spot, 'gradients')
  const traces = optional(spot, 'traces')
  const fixedPoint = optional(spot, 'fixed_point')
  return [
    ...(fixedPoint === undefined ? [] : [checkFixedPoint(system, fixedPoint)]),
    ...(gradients === undefined ? [] : items(gradients).flatMap(at => checkSum(system, at))),
    ...(traces === undefined
      ? []
      : items(traces).map(at => checkTrace(system, at, numberAt(field(spot, 'theta0'))))),
  ]
}

function systemAt(spot: Spot, name: string): System {
  const n = wholeAt(field(spot, 'n'))
  return {
    name,
    cell: balancing(n),
    A: tensorAt(field(spot, 'A'), [n, n]),
    v: tensorAt(field(spot, 'v'), [n]),
    start: tensorAt(field(spot, 'state0'), [n]),
  }
}

function balancing(n: number): Cell {
  return cell({
    name: 'influence balancing',
    params: () => ({ A: [n, n] as const, v: [n] as const, theta: [] as const }),
    carry: () => ({ s: [n] as const }),
    input: () => [],
    step({ A, v, theta }, { s }) {
      const next = add(linear(s, A), mul(theta, v))
      return [{ s: next }, slice(next, { axis: 0, start: 0, size: 1 })]
    },
  })({ inputs: 1, hidden: n })
}

interface Made {
  readonly loss: number
  readonly losses: Tensor
  readonly state: Tensor
  readonly slope: number
}

/** Loss and its derivative by theta over `steps` steps, compiled once. */
function runnerOf(
  { cell, A, v }: System,
  steps: number,
  credit: Credit,
): (theta: number, state: Tensor) => Made {
  const line = unroll(cell, { steps, loss: halfSquaredError, credit })
  const graph: Graph = valueAndGradient(line.graph, { of: 'loss', by: ['params.theta'] as const })
  const fixed = { xs: filled([steps], 0), targets: filled([steps, 1], 1) }
  return (theta, state) => {
    const results = evaluate(graph, { params: { A, v, theta }, carry: { s: state }, ...fixed })
    const found: Named = new Map(leaves(results, isTensor, 'influence'))
    const number = (name: string): number => found.get(name)!.data[0]!
    return {
      loss: number('loss'),
      losses: found.get('losses')!,
      state: found.get('carry.s')!,
      slope: number('gradient.params.theta'),
    }
  }
}

/** Where the first entry of the state ends for theta = 1, and the theta that brings it to 1. */
function checkFixedPoint(system: System, spot: Spot): Finding {
  const n = system.start.data.length
  const { state } = runnerOf(system, 40 * n, { kind: 'full' })(1, system.start)
  const rest = state.data[0]!
  return compare(system.name, 'fixed point', [
    pairOf('s1_per_theta', rest, numberAt(field(spot, 's1_per_theta'))),
    pairOf('theta_star', 1 / rest, numberAt(field(spot, 'theta_star'))),
  ])
}

function checkSum(system: System, spot: Spot): readonly Finding[] {
  const steps = wholeAt(field(spot, 'T'))
  const theta = numberAt(field(spot, 'theta'))
  const title = `T=${steps} theta=${theta}`
  const made = (credit: Credit): Made => runnerOf(system, steps, credit)(theta, system.start)
  const slope = (credit: Credit, at: Spot): Pair =>
    pairOf('grad_theta', made(credit).slope, numberAt(field(at, 'grad_theta')))
  const weights = (of: readonly number[]): Credit => ({ kind: 'weights', weights: of })
  return [
    compare(system.name, `gradient ${title}`, exactPairs(made({ kind: 'full' }), spot)),
    ...listed(spot, 'block').map(at => {
      const K = wholeAt(field(at, 'K'))
      return compare(system.name, `block K=${K} ${title}`, [slope(weights(weightsOf(every(K), steps)), at)])
    }),
    ...listed(spot, 'gates').map(at => {
      const gates = [...listAt(field(at, 'gates'), steps - 1).data]
      const hazard = optional(at, 'hazard')
      return compare(system.name, `gates (${hazard ? hazardAt(hazard).text : 'given'}) ${title}`, [
        slope(weights(gates), at),
      ])
    }),
  ]
}

const listed = (spot: Spot, name: string): readonly Spot[] => {
  const list = optional(spot, name)
  return list === undefined ? [] : items(list)
}

function exactPairs({ loss, losses, state, slope }: Made, spot: Spot): readonly Pair[] {
  return [
    pairOf('loss', loss, numberAt(field(spot, 'loss'))),
    { name: 'step_losses', got: losses, expected: tensorAt(field(spot, 'step_losses'), losses.shape) },
    { name: 'final_state', got: state, expected: tensorAt(field(spot, 'final_state'), state.shape) },
    pairOf('grad_theta', slope, numberAt(field(spot, 'grad_theta'))),
  ]
}

/** theta, state and the losses met so far, after some steps of SGD. */
interface Reached {
  readonly theta: number
  readonly state: Tensor
  readonly lossSum: number
}

function checkTrace(system: System, spot: Spot, theta0: number): Finding {
  const [K, steps] = [wholeAt(field(spot, 'K')), wholeAt(field(spot, 'steps'))]
  const reached = descend(system, { K, steps, eta0: numberAt(field(spot, 'eta0')), theta0 })
  const thetas = listAt(field(spot, 'theta_after_update'), reached.length)
  const got = { shape: thetas.shape, data: Float64Array.from(reached, ({ theta }) => theta) }
  const points = fields(field(spot, 'at_step')).flatMap(([step, at]) =>
    pointPairs(step, at, reached[Number(step) / K - 1]),
  )
  return compare(system.name, `trace K=${K}`, [
    { name: 'theta_after_update', got, expected: thetas },
    ...points,
  ])
}

/** SGD with an update every K steps; theta is fixed within them, the state goes on. */
function descend(
  system: System,
  {
    K,
    steps,
    eta0,
    theta0,
  }: { readonly K: number; readonly steps: number; readonly eta0: number; readonly theta0: number },
): readonly Reached[] {
  const run = runnerOf(system, K, { kind: 'full' })
  const reached: Reached[] = []
  let now: Reached = { theta: theta0, state: system.start, lossSum: 0 }
  for (let t = K; t <= steps; t += K) {
    const { slope, state, loss } = run(now.theta, now.state)
    now = { theta: now.theta - (eta0 / Math.sqrt(t)) * slope, state, lossSum: now.lossSum + loss }
    reached.push(now)
  }
  return reached
}

function pointPairs(step: string, spot: Spot, reached: Reached | undefined): readonly Pair[] {
  const missing = { theta: Number.NaN, state: scalar(Number.NaN), lossSum: Number.NaN }
  const { theta, state, lossSum } = reached ?? missing
  return [
    pairOf(`step ${step}: theta`, theta, numberAt(field(spot, 'theta'))),
    { name: `step ${step}: state`, got: state, expected: tensorAt(field(spot, 'state')) },
    pairOf(`step ${step}: loss_sum`, lossSum, numberAt(field(spot, 'loss_sum'))),
  ]
}
