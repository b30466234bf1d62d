import {
  add,
  compile,
  filled,
  type Graph,
  graph,
  halfSquaredError,
  inline,
  linear,
  mul,
  type Program,
  type Ref,
  scan,
  slice,
  sum,
  type Tree,
  tensor,
  valueAndGradient,
} from '@bptt/graph'
import { chain, clipByGlobalNorm, sgd } from '@bptt/stream'
import type { Runner } from '../engine.js'
import { balancing, type Workload } from '../workloads.js'

interface State {
  readonly theta: Ref
  readonly s: Ref
}

/** Influence balancing as one program: a loop over windows around the loop over steps, with an update in each turn. */
export function balancingRunner({ hidden, rate }: Workload, flavour: 'portable' | 'fast'): Runner {
  const program: Program = compile(stepsOf(hidden, rate), { flavour, keep: { theta: 'theta' } })
  const s = filled([hidden], 0)
  let started = false
  return {
    step: () => {
      if (started) program.step()
      else program.run({ s, theta: balancing.theta } as never)
      started = true
      return program.view('loss')[0]!
    },
    close: () => {},
  }
}

function stepsOf(n: number, rate: number): Graph {
  const slope = valueAndGradient(windowOf(n), { of: 'loss', by: ['theta'] })
  const optimizer = chain(clipByGlobalNorm(1), sgd(rate))
  const window = ({ theta, s }: State): readonly [Tree<Ref>, Tree<Ref>] => {
    const made = inline(slope, { theta, s }) as unknown as {
      readonly gradient: { readonly theta: Ref }
      readonly loss: Ref
      readonly s: Ref
    }
    const site = { params: { theta }, slots: {}, count: theta }
    const { updates } = optimizer.update({ theta: made.gradient.theta }, site)
    const next = add(theta, (updates as { readonly theta: Ref }).theta)
    return [{ theta: next, s: made.s }, { loss: made.loss }]
  }
  return graph({ theta: [], s: [n] }, ({ theta, s }) => {
    const [end, ys] = scan(window as never, { carry: { theta, s }, length: balancing.windows })
    return {
      theta: (end as unknown as State).theta,
      loss: sum((ys as unknown as { readonly loss: Ref }).loss),
    }
  })
}

/** The losses of one window, and the state after it. */
function windowOf(n: number): Graph {
  const [A, v, target] = [balancing.A(n), balancing.v(n), tensor([1])]
  const step = ({ theta, s }: State): readonly [Tree<Ref>, Tree<Ref>] => {
    const next = add(linear(s, s.builder.constant(A)), mul(theta, v))
    const first = slice(next, { axis: 0, start: 0, size: 1 })
    return [{ theta, s: next }, { loss: halfSquaredError(first, s.builder.constant(target)) }]
  }
  return graph({ theta: [], s: [n] }, ({ theta, s }) => {
    const [end, ys] = scan(step as never, { carry: { theta, s }, length: balancing.window })
    const made = [end, ys] as unknown as readonly [State, { readonly loss: Ref }]
    return { s: made[0].s, loss: sum(made[1].loss) }
  })
}
