import {
  add,
  compile,
  filled,
  type Graph,
  graph,
  inline,
  mul,
  type Program,
  pad,
  type Ref,
  type Refs,
  slice,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  valueAndGradient,
} from '@bptt/graph'
import { type Cell, cell, type Schedule, unroll } from '@bptt/unroll'

/** Entries of v that are +1, and that are −1; the state has as many. */
const positive = 10
const negative = 13
const size = positive + negative

/** θ at which the state rests with s₁ = 1: s₁ rests at 2 θ (p − n). */
export const optimum: number = 1 / (2 * (positive - negative))

/** θ before the first update. */
export const start = 0.5

/**
 * Influence balancing [tallec-ollivier2017, Eqs. 15–16]: s' = A s + θ v, A = ½ on the diagonal and beside it, v ten times +1,
 * then thirteen times −1. The positive influences of θ on s₁ come first, the negative ones are more.
 * Param theta []; carry s [23]; the output is s'₁ []; the input is not read.
 */
export function balancing(): Cell {
  return cell({
    name: 'influence balancing',
    params: () => ({ theta: [] as const }),
    carry: ({ hidden }) => ({ s: [hidden] as const }),
    input: () => [],
    step({ theta }, { s }) {
      const axis = s.shape.length - 1 // behind the batch
      const after = pad(slice(s, { axis, start: 1, size: size - 1 }), { axis, start: 0, length: size })
      const next = add(mul(add(s, after), 0.5), mul(theta, s.builder.constant(signs())))
      return [{ s: next }, first(next)]
    },
  })({ inputs: 1, hidden: size })
}

const signs = (): Tensor => tensor(Array.from({ length: size }, (_, i) => (i < positive ? 1 : -1)))

const first = (s: Ref): Ref => sum(slice(s, { axis: s.shape.length - 1, start: 0, size: 1 }), { axis: -1 })

/** The influence of θ on s₁ through the last K steps, K = 1 … `most`, by the engine: G(K), what BPTT(K; 1) sees. */
export function influences(most: number): readonly number[] {
  const line = unroll(balancing(), { steps: 'T' }).graph
  const goal = graph(inputs, given => ({ s1: first(parts(inline(line, given)).carry.s) }))
  const program: Program<{ gradient: { params: { theta: Tensor } } }> = compile(
    valueAndGradient(goal as Graph, { of: 's1', by: ['params.theta'] }) as Graph,
    { dtype: 'float64' },
  ) as never
  return Array.from({ length: most }, (_, k) => {
    const values = { params: { theta: start }, carry: { s: filled([size], 1) }, xs: filled([k + 1], 0) }
    return program.run(values).gradient.params.theta.data[0]!
  })
}

/** G(K) in closed form: Σ_{j<K} 2^−j (Σ_{i<10} C(j, i) − Σ_{10≤i<23} C(j, i)). */
export function influencesClosed(most: number): readonly number[] {
  let row = [1]
  let total = 0
  return Array.from({ length: most }, () => {
    const net = row.slice(0, size).reduce((sum, chance, i) => sum + (i < positive ? chance : -chance), 0)
    row = [...row, 0].map((chance, i) => (chance + (row[i - 1] ?? 0)) / 2)
    total += net
    return total
  })
}

const inputs = { params: { theta: [] }, carry: { s: [size] }, xs: ['T'] } as const
const segmentInputs = { ...inputs, credit: ['T'], rate: [] } as const

interface Parts {
  readonly ys: Ref
  readonly carry: { readonly s: Ref }
  readonly loss: Ref
  readonly gradient: { readonly params: { readonly theta: Ref } }
}
const parts = (made: unknown): Parts => made as Parts

/** One segment as a program: loss ½ (s₁ − 1)² at every step, its gradient under the given credit, one step of SGD. */
export function segmentProgram(): Program {
  const line = unroll(balancing(), { steps: 'T', credit: { kind: 'input', each: false } }).graph
  const { rate: _rate, ...sources } = segmentInputs
  const goal = graph(sources, given => {
    const { ys, carry } = parts(inline(line, given))
    return { carry, loss: sum(mul(square(sub(ys, 1)), 0.5)) }
  })
  const slope = valueAndGradient(goal as Graph, { of: 'loss', by: ['params.theta'] }) as Graph
  const update = graph(segmentInputs, given => {
    const { rate, ...rest } = given as Refs<typeof segmentInputs>
    const { carry, gradient } = parts(inline(slope, rest))
    return { carry, theta: sub(given.params.theta, mul(rate, gradient.params.theta)) }
  })
  return compile(update as Graph, { dtype: 'float64', keep: { carry: 'carry', theta: 'params.theta' } })
}

/** How the rate η = 3·10⁻⁴/√(1 + t) counts t: the steps processed, or the updates made before. */
export type Clock = 'steps' | 'updates'

/** A run of SGD. */
export interface Descent {
  readonly schedule: Schedule
  readonly steps: number
  readonly clock: Clock
}

/** Where SGD stands after an update. */
export interface Reached {
  readonly step: number
  readonly updates: number
  readonly theta: number
  /** Steps of the segment that led to the update. */
  readonly length: number
}

/** |θ| from which a run counts as diverged and ends. */
export const overflow = 1e6

/** SGD from θ = ½ and a state of ones: an update at every cut, and at the end; the state goes on, credit does not. */
export function* descend(program: Program, { schedule, steps, clock }: Descent): Generator<Reached> {
  program.bind({ T: 1 })
  program.view('params.theta')[0] = start
  program.view('carry.s').fill(1)
  let credit = [1]
  for (let step = 1, updates = 0; step <= steps; step++) {
    const weight = schedule.weight({ t: step, age: credit.length, stream: 0 })
    if (weight !== 0 && step < steps) {
      credit.push(weight)
      continue
    }
    const theta = update(program, credit, 3e-4 / Math.sqrt(1 + (clock === 'steps' ? step : updates)))
    yield { step, updates: ++updates, theta, length: credit.length }
    if (!(Math.abs(theta) < overflow)) return
    credit = [1]
  }
}

/** One segment in the program's own memory; θ after it. */
function update(program: Program, credit: readonly number[], rate: number): number {
  program.bind({ T: credit.length })
  program.view('credit').set(credit)
  program.view('rate')[0] = rate
  program.step()
  return program.view('params.theta')[0]!
}
