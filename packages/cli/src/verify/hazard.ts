import { artbp, type Schedule } from '@bptt/unroll'
import { bad, field, listAt, numberAt, type Spot, textAt } from './read.js'

/** How likely edges are cut: a function of the number of edges since the last cut, from 1. */
export interface Hazard {
  /** `constant c=0.25`. */
  readonly text: string
  readonly chance: (age: number) => number
  /** The same as a schedule of this library; the hazard by age has none. */
  readonly schedule: Schedule | undefined
}

/** The hazard at a place. */
export function hazardAt(spot: Spot): Hazard {
  const kind = textAt(field(spot, 'kind'), ['constant', 'age', 'power_law'])
  if (kind === 'constant') return constant(numberAt(field(spot, 'c')))
  if (kind === 'age') return byAge(field(spot, 'c'))
  const [alpha, L0] = [numberAt(field(spot, 'alpha')), numberAt(field(spot, 'L0'))]
  if (!(alpha > 2 && L0 > 1))
    throw bad(spot, 'alpha must be above 2 and L0 above 1', `alpha ${alpha}, L0 ${L0}`)
  return {
    text: `power_law alpha=${alpha} L0=${L0}`,
    chance: age => (alpha - 1) / ((alpha - 2) * L0 + age),
    schedule: artbp({ mean: L0, tail: alpha }),
  }
}

function constant(c: number): Hazard {
  const schedule = c > 0 && c < 1 ? artbp({ mean: 1 / c }) : undefined
  return { text: `constant c=${c}`, chance: () => c, schedule }
}

function byAge(spot: Spot): Hazard {
  const chances = listAt(spot).data
  if (chances.length === 0) throw bad(spot, 'it must have at least one chance', 'empty')
  const chance = (age: number): number => chances[Math.min(age, chances.length) - 1]!
  return { text: `age c=${chances.join(' ')}`, chance, schedule: undefined }
}

/** A pattern of cuts under a hazard. */
export interface Pattern {
  readonly chances: readonly number[]
  readonly probability: number
  /** 0 where an edge is cut, else 1/(1 − c). */
  readonly gates: readonly number[]
  /** What the library's schedule gives the edges that are not cut; undefined where it has none. */
  readonly scheduled: readonly number[] | undefined
}

/** What a hazard makes of cuts, one 0 or 1 an edge. */
export function patternOf({ chance, schedule }: Hazard, cuts: readonly number[]): Pattern {
  const ages = agesOf(cuts)
  const chances = ages.map(chance)
  return {
    chances,
    probability: chances.reduce((product, c, t) => product * (cuts[t] ? c : 1 - c), 1),
    gates: chances.map((c, t) => (cuts[t] ? 0 : 1 / (1 - c))),
    scheduled: schedule && ages.map((age, t) => (cuts[t] ? 0 : passing(schedule, t + 1, age))),
  }
}

function agesOf(cuts: readonly number[]): readonly number[] {
  let age = 0
  return cuts.map(cut => {
    age += 1
    const now = age
    if (cut) age = 0
    return now
  })
}

/** The weight of an edge that a random schedule lets through: that of the first stream whose coin does. */
function passing(schedule: Schedule, t: number, age: number): number {
  for (let stream = 0; stream < 10_000; stream++) {
    const weight = schedule.weight({ t, age, stream })
    if (weight !== 0) return weight
  }
  return Number.NaN
}
