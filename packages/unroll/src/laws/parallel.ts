import { evaluate, type Graph, type Values, valueAndGradient } from '@bptt/graph'
import { singularValues } from '../diagnose/dense.js'
import { combined, inner, tensorsOf, under } from '../numbers.js'
import { unroll } from '../unroll.js'
import { windows } from '../windows.js'
import {
  besideStates,
  firstGradient,
  injections,
  type Link,
  linksOf,
  type Matrix,
  plus,
  runLinks,
  single,
  smallState,
  squareOf,
  startOf,
  throughStates,
  times,
  total,
  transposed,
  type Vector,
} from './chain.js'
import { apart, type CellLaw, firstOf } from './compare.js'
import { type Found, lawLoss, type Subject } from './subject.js'

/** d ↦ A d + b: how credit passes back over a step. */
interface Affine {
  readonly A: Matrix
  readonly b: Vector
}

/** First `before`, then `after`: A A′ and A b′ + b. */
const combine = (after: Affine, before: Affine): Affine => ({
  A: transposed(transposed(before.A).map(column => times(after.A, column))),
  b: plus(times(after.A, before.b), after.b),
})

/** d_T, …, d_1 by halves, as a parallel machine would add them up: every prefix of maps, applied to zero. */
function scanned(maps: readonly Affine[]): readonly Affine[] {
  if (maps.length < 2) return maps
  const half = maps.length >> 1
  const [first, second] = [scanned(maps.slice(0, half)), scanned(maps.slice(half))]
  return [...first, ...second.map(map => combine(map, first.at(-1)!))]
}

/** How credit passes back, last step first: d_t = J_(t+1)ᵀ d_(t+1) + q_t. */
function passes(links: readonly Link[]): readonly Affine[] {
  const direct = injections(links)
  return links.map(({ J }, t) => ({ A: transposed(links[t + 1]?.J ?? J), b: direct[t]! })).toReversed()
}

/** The credit of all states by a scan over affine maps. */
const creditOf = (links: readonly Link[]): readonly Vector[] =>
  scanned(passes(links))
    .map(({ b }) => b)
    .toReversed()

const scans: CellLaw = {
  name: 'credit by an associative scan over the steps’ Jacobians is BPTT (22)',
  skip: smallState,
  broken: subject => {
    const links = runLinks(subject)
    const made = total(throughStates(links, creditOf(links)), besideStates(links))
    return firstOf([
      apart('by a scan and BPTT', made, firstGradient(subject).params, 1e-8),
      associative(passes(links)),
    ])
  },
}

/** (x · y) · z = x · (y · z), for steps next to each other. */
function associative(maps: readonly Affine[]): string | undefined {
  return firstOf(
    maps.slice(2).map((z, i) => {
      const [x, y] = [maps[i]!, maps[i + 1]!]
      return apart(
        'three steps, combined from either end',
        asFound(combine(combine(z, y), x)),
        asFound(combine(z, combine(y, x))),
        1e-8,
      )
    }),
  )
}

const asFound = ({ A, b }: Affine): Found =>
  new Map([...A, b].map((row, i) => [`row ${i}`, { shape: [row.length], data: Float64Array.from(row) }]))

const newton: CellLaw = {
  name: 'Newton’s method for all steps at once ends in the states of the run, and their gradient is BPTT (45)',
  skip: smallState,
  broken: subject => {
    const [states, link] = [newtonStates(subject), linksOf(subject)]
    const links = states.map((_, t) => link(t, t === 0 ? startOf(subject) : states[t - 1]!))
    const run = runLinks(subject).map(({ next }) => next)
    const made = total(throughStates(links, creditOf(links)), besideStates(links))
    return firstOf([
      apart('states by Newton and of the run', statesFound(states), statesFound(run), 1e-9),
      apart('the gradient there and BPTT', made, firstGradient(subject).params, 1e-8),
    ])
  },
}

const statesFound = (states: readonly Vector[]): Found =>
  new Map(states.map((state, t) => [`h_${t + 1}`, { shape: [state.length], data: Float64Array.from(state) }]))

/** h_t = f(g_(t−1)) + J(g_(t−1)) (h_(t−1) − g_(t−1)), again and again from the guess g = 0; T times are enough [lim2024]. */
function newtonStates(subject: Subject): readonly Vector[] {
  const [link, start] = [linksOf(subject), startOf(subject)]
  let guess: readonly Vector[] = Array.from({ length: subject.steps }, () => start.map(() => 0))
  for (let k = 0; k < subject.steps; k++) {
    const before = [start, ...guess]
    let state = start
    guess = guess.map((_, t) => {
      const { next, J } = link(t, before[t]!)
      const moved = state.map((x, i) => x - before[t]![i]!)
      state = plus(next, times(J, moved))
      return state
    })
  }
  return guess
}

const bounded: CellLaw = {
  name: 'what BPTT(K; 1) leaves out of a last loss is bounded by the norms of the Jacobians it would pass (18)',
  skip: smallState,
  broken: subject => {
    const { steps } = subject
    if (steps < 2) return undefined
    const links = runLinks(subject)
    const last = links.at(-1)!
    const credit = plus(times(transposed(last.J), last.direct.next), last.direct.carry)
    const r = Math.max(...links.map(({ J }) => singularValues(squareOf(J))[0]!))
    const local = Math.max(...links.map(({ M }) => Math.sqrt(inner(M, M))))
    const full = lastLoss(subject, steps)
    const slack = 1e-10 * Math.sqrt(inner(full, full)) + 1e-12
    return firstOf(
      Array.from({ length: steps - 1 }, (_, i) => {
        const [K, terms] = [i + 1, steps - i - 1]
        const powers = Array.from({ length: terms }, (_, k) => r ** (K + k - 1))
        const bound = Math.hypot(...credit) * local * powers.reduce((sum, power) => sum + power, 0)
        const left = combined([
          [1, full],
          [-1, lastLoss(subject, K)],
        ])
        const size = Math.sqrt(inner(left, left))
        if (size <= bound * (1 + 1e-9) + slack) return undefined
        return `BPTT(${K}; 1) leaves out ${size}, more than ${bound}`
      }),
    )
  },
}

/** The gradient of the last loss of the first example, over h lags. */
function lastLoss(subject: Subject, h: number): Found {
  const { cell, steps } = subject
  const line = windows(unroll(cell, { steps, loss: lawLoss(1), weighted: true }), { h })
  const slope = valueAndGradient(line.graph as Graph, { of: 'loss', by: ['params'] }) as Graph
  const weights = new Float64Array(steps).fill(1, steps - 1)
  const values = { ...(single(subject) as object), weights: { shape: [steps], data: weights } }
  return under(tensorsOf(evaluate(slope, values as Values)), 'gradient.params')
}

/** Laws of credit as products of Jacobians: scans, Newton's method, and what truncation can leave out. */
export const parallelLaws: readonly CellLaw[] = [scans, newton, bounded]
