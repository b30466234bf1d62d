import { evaluate, type Graph, type Tensor, type Values } from '@bptt/graph'
import type { Cell } from '../cell.js'
import { localTraces, snap } from '../forward/index.js'
import { flatState } from '../forward/step.js'
import { snapMask } from '../forward/support.js'
import { uoro } from '../forward/uoro.js'
import { combined, rowsOf, tensorsOf, under } from '../numbers.js'
import {
  besideStates,
  firstGradient,
  flattened,
  injections,
  type Link,
  type Matrix,
  plus,
  rowsFrom,
  runLinks,
  single,
  smallState,
  startOf,
  throughStates,
  times,
  total,
  transposed,
  type Vector,
} from './chain.js'
import { apart, type CellLaw, firstOf } from './compare.js'
import { type Found, lawLoss, type Subject } from './subject.js'

/** Sign patterns that enumeration runs through at most. */
const MOST_SIGNS = 16

/** The gradient by params of a forward-mode graph, as vectors, for the first `steps` steps of the first example. */
function slopeOf(graph: Graph, subject: Subject, steps: number, more: object = {}): Found {
  const given = { ...(single(subject, steps) as object), ...more }
  return flattened(under(tensorsOf(evaluate(graph, given as Values)), 'gradient.params'))
}

const signed: CellLaw = {
  name: 'UORO is BPTT in the mean over its signs, whatever the ratios (40)',
  skip: smallState,
  broken: subject => {
    const size = startOf(subject).length
    const fixed = Math.min(subject.steps, Math.floor((MOST_SIGNS - 1) / size))
    const normed = Math.min(subject.steps, Math.floor(Math.log2(MOST_SIGNS) / size))
    const ratios = [0.5 + (subject.seed % 3), 0.4 + (subject.seed % 5)] as const
    return firstOf([
      fixed < 1 ? undefined : unbiasedSigns(subject, fixed, pairwise(fixed * size), { ratios }),
      normed < 1 ? undefined : unbiasedSigns(subject, normed, allSigns(normed * size), {}),
    ])
  },
}

function unbiasedSigns(
  subject: Subject,
  steps: number,
  patterns: readonly Vector[],
  options: { readonly ratios?: readonly [number, number] },
): string | undefined {
  const graph = uoro(subject.cell, { steps, loss: lawLoss(1), ...options })
  const size = startOf(subject).length
  const made = patterns.map(signs => {
    const given = { shape: [steps, size], data: Float64Array.from(signs) }
    return [1 / patterns.length, slopeOf(graph, subject, steps, { signs: given })] as const
  })
  const exact = firstGradient(subject, steps).params
  return apart(
    `the mean of UORO ${JSON.stringify(options)} over ${patterns.length} patterns of signs and BPTT`,
    combined(made),
    exact,
    1e-8,
  )
}

/** Signs of which any two are independent: rows of a Hadamard matrix without its first column. Enough for means of products of two. */
function pairwise(length: number): readonly Vector[] {
  const rows = 2 ** Math.ceil(Math.log2(length + 1))
  return Array.from({ length: rows }, (_, row) => Array.from({ length }, (_, i) => parity(row & (i + 1))))
}

/** All 2^length patterns of signs. */
const allSigns = (length: number): readonly Vector[] =>
  Array.from({ length: 2 ** length }, (_, row) => Array.from({ length }, (_, i) => parity(row & (1 << i))))

/** −1 for an odd number of bits. */
function parity(bits: number): number {
  let sign = 1
  for (let rest = bits; rest !== 0; rest &= rest - 1) sign = -sign
  return sign
}

const sparse: CellLaw = {
  name: 'SnAp of an order as great as the state is BPTT; SnAp-1, where parameters act on one unit, passes credit from a unit to itself alone (41)',
  skip: smallState,
  broken: subject => {
    const { cell, steps } = subject
    const options = { steps, loss: lawLoss(1) }
    const whole = snap(cell, { ...options, order: startOf(subject).length })
    const one = actOnOneUnit(subject) ? slopeOf(snap(cell, options), subject, steps) : undefined
    return firstOf([
      apart(
        'SnAp of the highest order and BPTT',
        slopeOf(whole, subject, steps),
        firstGradient(subject).params,
        1e-8,
      ),
      one && apart('SnAp-1 and credit within units', one, withinUnits(subject), 1e-8),
    ])
  },
}

/** True where every number of the parameters acts directly on all numbers of one unit, and on no others. */
function actOnOneUnit({ cell }: Subject): boolean {
  const units = sameUnit(cell).map(row => row.join())
  return [...snapMask(cell, 1).values()].every(mask =>
    transposed(rowsFrom(mask)).every(column => column.every(x => x === 0) || units.includes(column.join())),
  )
}

/** 1 where two numbers of the state have one place on the last axes of their parts. */
function sameUnit(cell: Cell): Matrix {
  const places = flatState(cell).parts.flatMap(({ size, shape }) =>
    Array.from({ length: size }, (_, i) => i % (shape.at(-1) ?? 1)),
  )
  return places.map(a => places.map(b => (a === b ? 1 : 0)))
}

/** BPTT whose credit passes the recurrent edge from a unit to itself alone: d_t = q_t + (J∘U)ᵀ d_(t+1), U = 1 within units. */
function withinUnits(subject: Subject): Found {
  const [links, units] = [runLinks(subject), sameUnit(subject.cell)]
  const credit = swept(links, J => masked(J, units))
  return total(throughStates(links, credit), besideStates(links))
}

const masked = (J: Matrix, mask: Matrix): Matrix => J.map((row, i) => row.map((x, j) => x * mask[i]![j]!))

/** d_t = q_t + f(J_(t+1))ᵀ d_(t+1), last step first. */
function swept(links: readonly Link[], f: (J: Matrix) => Matrix): readonly Vector[] {
  const credit: Vector[] = []
  injections(links).reduceRight<Vector | undefined>((later, q, t) => {
    const d = later === undefined ? q : plus(q, times(transposed(f(links[t + 1]!.J)), later))
    credit.unshift(d)
    return d
  }, undefined)
  return credit
}

const local: CellLaw = {
  name: 'local traces are BPTT whose credit passes from a unit to itself alone (41)',
  skip: smallState,
  broken: subject => {
    const { cell, steps } = subject
    const made = slopeOf(localTraces(cell, { steps, loss: lawLoss(1) }), subject, steps)
    return apart('local traces and credit within units', made, withinUnits(subject), 1e-8)
  },
}

const eligibility: CellLaw = {
  name: 'local traces times the true learning signal, credit from the losses and from other units, are BPTT (42)',
  skip: smallState,
  broken: subject => {
    const [links, units] = [runLinks(subject), sameUnit(subject.cell)]
    const [direct, credit] = [injections(links), swept(links, J => J)]
    const others = units.map(row => row.map(x => 1 - x))
    const signals = direct.map((q, t) => {
      const later = links[t + 1]
      return later === undefined ? q : plus(q, times(transposed(masked(later.J, others)), credit[t + 1]!))
    })
    const traces = tracesOf(subject).map((M, t) => ({ ...links[t]!, M }))
    const made = total(throughStates(traces, signals), besideStates(links))
    return apart('signals times traces and BPTT', made, firstGradient(subject).params, 1e-8)
  },
}

/** The traces [S, P] after each step, as the graph carries them on from step to step. */
function tracesOf(subject: Subject): readonly Found[] {
  const { cell, steps } = subject
  const step = localTraces(cell, { steps: 1, loss: lawLoss(1), carried: true })
  const { xs, targets, ...start } = single(subject) as unknown as Record<string, Tensor>
  const params = [...under(tensorsOf(start), 'params')]
  const zeros = params.map(([, { data }], i) => {
    const shape = [startOf(subject).length, data.length]
    return [`influence.p${i}`, { shape, data: new Float64Array(shape[0]! * shape[1]!) }] as const
  })
  let now: object = { ...start, ...Object.fromEntries(zeros) }
  return Array.from({ length: steps }, (_, t) => {
    const at = { ...now, xs: rowsOf(xs!, t, t + 1), targets: rowsOf(targets!, t, t + 1) }
    const made = tensorsOf(evaluate(step, at as Values))
    const next = [...made].filter(([name]) => name.startsWith('carry.') || name.startsWith('influence.'))
    now = { ...now, ...Object.fromEntries(next) }
    return new Map(params.map(([name], i) => [name, made.get(`influence.p${i}`)!]))
  })
}

/** Laws of the forward-mode relatives of BPTT, against BPTT and against plain sweeps over Jacobians. */
export const relativeLaws: readonly CellLaw[] = [signed, sparse, local, eligibility]
