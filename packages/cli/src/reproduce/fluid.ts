import {
  compile,
  filled,
  type Graph,
  graph,
  inline,
  mul,
  type Ref,
  square,
  sub,
  sum,
  type Tensor,
  valueAndGradient,
} from '@bptt/graph'
import { burgers, unroll } from '@bptt/unroll'
import { sparkline } from './chart.js'
import type { Claim, Course, Part } from './course.js'
import { difference, length } from './vector.js'
import { digits } from './view.js'

/** How much is run. */
export interface FluidOptions {
  /** Steps of gradient descent. */
  readonly iterations: number
}

/** Grid cells on a ring of length 2, time steps, and their lengths. */
const [cells, steps] = [64, 40] as const
const dx = 2 / cells
const dt = dx / 4

const centres = (): readonly number[] => Array.from({ length: cells }, (_, i) => -1 + (i + 0.5) * dx)
const hidden = (): readonly number[] => centres().map(x => -Math.sin(Math.PI * x))

/** J, the last state, and the adjoints ∂J/∂u⁰ [64] and ∂J/∂a [40, 64] of the control. */
interface Adjoint {
  readonly J: number
  readonly last: readonly number[]
  readonly byStart: readonly number[]
  readonly byControl: readonly number[]
}

/** Initial state of Burgers' equation, found from its state 40 steps later by the adjoint; the adjoint against golden numbers. */
export function* fluid({ iterations }: FluidOptions): Course {
  const run = adjoint()
  const golden = goldenPart(run)
  yield golden.part
  const wanted = run(hidden(), filled([cells], 0).data).last
  const misfits: number[] = []
  const errors: number[] = []
  let u: readonly number[] = new Array<number>(cells).fill(0)
  for (let i = 0; i < iterations; i++) {
    const { J, byStart } = run(u, wanted)
    misfits.push(J)
    errors.push(difference(u, hidden()))
    // dividing by dx makes the gradient that of functions on the ring, whatever the grid
    u = u.map((value, k) => value - (rate * byStart[k]!) / dx)
    if (i % 32 === 0)
      yield { kind: 'advance', done: i + 1, total: iterations, unit: 'iterations', what: `J ${digits(J, 2)}` }
  }
  misfits.push(run(u, wanted).J)
  errors.push(difference(u, hidden()))
  yield descentPart(misfits, errors)
  yield statePart(u)
  return [...golden.claims, ...descentClaims(misfits, errors)]
}

/** Of gradient descent. */
const rate = 0.3

/** J = (dx/2) Σ (u⁴⁰ − target)² and its adjoints, without control, as a program of the initial state and the target. */
function adjoint(): (u: ArrayLike<number>, target: ArrayLike<number>) => Adjoint {
  const line = unroll(burgers({ cells, dx, dt, viscosity: 0.01 }), { steps }).graph
  const goal = graph(
    { carry: { u: [cells] }, xs: [steps, cells], target: [cells] },
    ({ carry, xs, target }) => {
      const { u: last } = (inline(line, { carry, xs }) as unknown as { readonly carry: { readonly u: Ref } })
        .carry
      return { last, J: mul(sum(square(sub(last, target))), dx / 2) }
    },
  )
  const slope = valueAndGradient(goal as Graph, { of: 'J', by: ['carry.u', 'xs'] }) as Graph
  const program = compile(slope, { dtype: 'float64' })
  const control = filled([steps, cells], 0)
  return (u, target) => {
    const values = { carry: { u: column(u) }, xs: control, target: column(target) }
    const made = program.run(values as never) as unknown as {
      readonly J: Tensor
      readonly last: Tensor
      readonly gradient: { readonly carry: { readonly u: Tensor }; readonly xs: Tensor }
    }
    const { carry, xs } = made.gradient
    return {
      J: made.J.data[0]!,
      last: [...made.last.data],
      byStart: [...carry.u.data],
      byControl: [...xs.data],
    }
  }
}

const column = (values: ArrayLike<number>): Tensor => ({
  shape: [values.length],
  data: Float64Array.from(values),
})

/** Numbers of an adjoint written by hand and checked by complex steps, and the digits they are given to. */
const golden: readonly (readonly [
  name: string,
  of: (found: Adjoint) => number,
  wanted: number,
  tolerance: number,
])[] = [
  ['J', ({ J }) => J, 0.5071211073978853, 1e-15],
  ['|∂J/∂u⁰|', ({ byStart }) => length(byStart), 0.17026874471538, 1e-14],
  ['∂J/∂u⁰, cell 0', ({ byStart }) => byStart[0]!, 0.010283259824354, 1e-15],
  ['∂J/∂u⁰, cell 31', ({ byStart }) => byStart[31]!, -0.008464403399585, 1e-15],
  ['∂J/∂u⁰, cell 63', ({ byStart }) => byStart[63]!, 0.007316394088717, 1e-15],
  ['∂J/∂a¹, cell 0', ({ byControl }) => byControl[0]!, 8.02735278e-5, 1e-13],
  ['∂J/∂a¹, cell 1', ({ byControl }) => byControl[1]!, 1.00437097e-4, 1e-13],
]

function goldenPart(run: ReturnType<typeof adjoint>): {
  readonly part: Part
  readonly claims: readonly Claim[]
} {
  const found = run(
    hidden(),
    centres().map(x => 0.3 * Math.cos(Math.PI * x)),
  )
  const rows = golden.map(([name, of, wanted, tolerance]) => ({ name, value: of(found), wanted, tolerance }))
  const off = rows.filter(({ value, wanted, tolerance }) => !(Math.abs(value - wanted) <= tolerance))
  const apart = rows.map(({ value, wanted }) => Math.abs(value - wanted))
  return {
    part: {
      kind: 'part',
      name: 'golden',
      title: `Adjoint of Burgers' equation: ${cells} cells, ${steps} steps, u⁰ = −sin πx, target 0.3 cos πx`,
      table: {
        head: ['quantity', 'here', 'golden', 'apart'],
        rows: rows.map(({ name, value, wanted }, i) => [
          name,
          digits(value, 14),
          digits(wanted, 14),
          digits(apart[i]!, 2),
        ]),
      },
      records: rows.map(({ name, value, wanted, tolerance }) => ({
        quantity: name,
        value,
        golden: wanted,
        tolerance,
      })),
    },
    claims: [
      {
        claim: 'the adjoint is the golden one, to all digits given',
        held: off.length === 0,
        found: `apart by at most ${digits(Math.max(...apart), 2)}`,
      },
    ],
  }
}

function descentPart(misfits: readonly number[], errors: readonly number[]): Part {
  const last = misfits.length - 1
  const shown = [...new Set([0, 1, 10, 100, 1000, last].filter(i => i <= last))].sort((a, b) => a - b)
  const logs = (values: readonly number[]): string => sparkline(values.map(Math.log10), 32)
  return {
    kind: 'part',
    name: 'descent',
    title: `The hidden u⁰ = −sin πx from its state ${steps} steps later, by gradient descent from 0  log J ${logs(misfits)}`,
    table: {
      head: ['iteration', 'J', '|u⁰ − hidden| / |hidden|'],
      rows: shown.map(i => [`${i}`, digits(misfits[i]!, 4), digits(errors[i]!, 4)]),
    },
    records: misfits.map((J, iteration) => ({ iteration, J, error: errors[iteration] })),
  }
}

function statePart(found: readonly number[]): Part {
  return {
    kind: 'part',
    name: 'state',
    title: 'The initial state',
    table: {
      head: ['', 'u⁰ over the ring'],
      rows: [
        ['found', sparkline(found, cells, [-1, 1])],
        ['hidden', sparkline(hidden(), cells, [-1, 1])],
      ],
    },
    records: centres().map((x, i) => ({ x, found: found[i], hidden: hidden()[i] })),
  }
}

function descentClaims(misfits: readonly number[], errors: readonly number[]): readonly Claim[] {
  const fall = misfits[0]! / misfits.at(-1)!
  return [
    {
      claim: 'gradient descent on it fits the last state',
      held: fall > 1e4,
      found: `J falls ${digits(fall, 2)} times`,
    },
    {
      claim: 'and recovers the initial one',
      held: errors.at(-1)! < 0.05,
      found: `to ${digits(100 * errors.at(-1)!, 2)} %`,
    },
  ]
}
