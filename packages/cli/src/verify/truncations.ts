import type { Tensor } from '@bptt/graph'
import { type Credit, every, reweight } from '@bptt/unroll'
import { type Case, gradsAt } from './case.js'
import { compare, type Finding, type Named, type Pair, pairOf, pairUp } from './compare.js'
import { type Hazard, hazardAt, patternOf } from './hazard.js'
import { field, items, listAt, numberAt, optional, type Spot, tensorAt, textAt, wholeAt } from './read.js'
import { gradientsWith, lineOf, runnerOf } from './run.js'
import { checkWindows } from './windows.js'

/** All truncations of a case. */
export function checkTruncations(of: Case): readonly Finding[] {
  const list = optional(of.spot, 'truncations')
  if (list === undefined) return []
  const kinds = {
    block: checkBlock,
    windows: checkWindows,
    gates: checkGates,
    gates_per_example: checkGatesEach,
  }
  return items(list).flatMap((spot, i) => {
    const kind = textAt(field(spot, 'kind'), Object.keys(kinds)) as keyof typeof kinds
    return kinds[kind](of, spot, i)
  })
}

/** `block`, `K`: by a schedule, and by weights. */
function checkBlock(of: Case, spot: Spot): readonly Finding[] {
  const K = wholeAt(field(spot, 'K'))
  const expected = gradsAt(field(spot, 'grads'), of)
  const weights = Array.from({ length: of.steps - 1 }, (_, t) => ((t + 1) % K === 0 ? 0 : 1))
  const scheduled = runnerOf(of, reweight(lineOf(of), every(K)))().gradients
  const pairs = [...pairUp(`every(${K}): `, scheduled, expected), ...weightedPairs(of, weights, expected)]
  return [compare(of.name, `block K=${K}`, pairs)]
}

function checkGates(of: Case, spot: Spot, i: number): readonly Finding[] {
  const gates = [...listAt(field(spot, 'gates'), of.steps - 1).data]
  const expected = gradsAt(field(spot, 'grads'), of)
  const entry = entryName('gates', spot, i)
  return [
    compare(of.name, entry, weightedPairs(of, gates, expected)),
    ...hazardOf(spot).map(hazard => compare(of.name, `hazard of ${entry}`, hazardPairs(hazard, spot, gates))),
  ]
}

function checkGatesEach(of: Case, spot: Spot, i: number): readonly Finding[] {
  const gates = tensorAt(field(spot, 'gates'), [of.steps - 1, of.batch])
  const expected = gradsAt(field(spot, 'grads'), of)
  const entry = entryName('gates per example', spot, i)
  return [
    compare(of.name, entry, weightedPairs(of, rowsOf(gates), expected)),
    ...hazardOf(spot).map(hazard =>
      compare(of.name, `hazard of ${entry}`, hazardPairsEach(hazard, spot, gates)),
    ),
  ]
}

const hazardOf = (spot: Spot): readonly Hazard[] =>
  [optional(spot, 'hazard')].flatMap(at => (at ? [hazardAt(at)] : []))

function entryName(kind: string, spot: Spot, i: number): string {
  const hazard = optional(spot, 'hazard')
  return `${kind} #${i} (${hazard === undefined ? 'given' : textAt(field(hazard, 'kind'))})`
}

type Weights = readonly number[] | readonly (readonly number[])[]

/** Gradients under weights of the edges, given when the timeline is built (both forms), and when it is run. */
function weightedPairs(of: Case, weights: Weights, expected: Named): readonly Pair[] {
  const credit: Credit = { kind: 'weights', weights }
  return [
    ...pairUp('folded: ', gradientsWith(of, 'folded', credit), expected),
    ...pairUp('flat: ', gradientsWith(of, 'flat', credit), expected),
    ...pairUp('at run time: ', gatedRunner(of, Array.isArray(weights[0]))(weights), expected),
  ]
}

/** Compiles gradients with the weights of the edges as an input, one an edge or one per edge and example (`each`). */
export function gatedRunner(of: Case, each: boolean = false): (weights: Weights) => Named {
  const run = runnerOf(of, lineOf(of, { credit: { kind: 'input', each } }))
  const first = new Array<number>(each ? of.batch : 1).fill(1)
  const shape = each ? [of.steps, of.batch] : [of.steps]
  return weights =>
    run(new Map([['credit', { shape, data: Float64Array.from([...first, ...weights.flat()]) }]])).gradients
}

function rowsOf({ shape, data }: Tensor): readonly (readonly number[])[] {
  const [count = 0, width = 0] = shape
  return Array.from({ length: count }, (_, t) => [...data.subarray(t * width, (t + 1) * width)])
}

/** Chances, probability and weights of a pattern, worked out anew from its cuts. */
export function hazardPairs(hazard: Hazard, spot: Spot, gates: readonly number[]): readonly Pair[] {
  const cuts = [...listAt(field(spot, 'cuts'), gates.length).data]
  const { chances, probability, gates: repaid, scheduled } = patternOf(hazard, cuts)
  const given = optional(spot, 'cut_probabilities')
  const total = optional(spot, 'pattern_probability') ?? optional(spot, 'probability')
  return [
    pairOf('gates', repaid, gates),
    ...(scheduled === undefined ? [] : [pairOf('artbp', scheduled, gates)]),
    ...(given === undefined
      ? []
      : [pairOf('cut_probabilities', chances, [...listAt(given, gates.length).data])]),
    ...(total === undefined ? [] : [pairOf('probability', probability, numberAt(total))]),
  ]
}

function hazardPairsEach(hazard: Hazard, spot: Spot, gates: Tensor): readonly Pair[] {
  const cuts = tensorAt(field(spot, 'cuts'), gates.shape)
  const column = (of: Tensor, b: number): readonly number[] => rowsOf(of).map(row => row[b]!)
  return Array.from({ length: gates.shape[1]! }, (_, b) => {
    const { gates: repaid, scheduled } = patternOf(hazard, column(cuts, b))
    const expected = column(gates, b)
    const pairs = [pairOf(`gates of example ${b}`, repaid, expected)]
    return scheduled === undefined ? pairs : [...pairs, pairOf(`artbp of example ${b}`, scheduled, expected)]
  }).flat()
}
