import { judge, slopeOf, type Verdict } from './difference.js'
import type { Mapping } from './mapping.js'
import { along, inner, positionOf, unit, type Vector, zerosLike } from './vectors.js'

/** How a derivative was computed. */
export type Mode = 'reverse' | 'forward' | 'reverse over reverse' | 'forward over reverse'

/** A derivative beside the finite difference at the same place. */
export interface Comparison {
  readonly mode: Mode
  /** Dotted name of the input; `*` for a random direction through all of them. */
  readonly input: string
  readonly index: readonly number[]
  /** With `full`: the output element; otherwise a random projection of all outputs was differentiated. */
  readonly output?: string
  readonly outputIndex?: readonly number[]
  readonly analytic: number
  readonly numeric: number
  /** |analytic − numeric| / max(1, |analytic|, |numeric|). */
  readonly error: number
  readonly verdict: Verdict
}

/** A mapping at a point, and the inputs that move. */
export interface Problem {
  readonly mapping: Mapping
  readonly inputs: Vector
  readonly wanted: readonly boolean[]
  readonly modes: readonly [reverse: Mode, forward: Mode]
}

/** ⟨w, J v⟩ in both modes against central differences. */
export function compareAlong(
  problem: Problem,
  direction: Vector,
  w: Vector,
  tolerance: number,
): readonly Comparison[] {
  const { mapping, inputs } = problem
  const v = moving(problem, direction)
  const slope = slopeOf(h => inner(w, mapping.call(along(inputs, h, v))))
  const reverse = inner(mapping.pull(inputs, w), onlyWanted(problem, v))
  const forward = inner(w, mapping.push(inputs, onlyWanted(problem, v)))
  const place = { input: '*', index: [], numeric: slope.value }
  return [reverse, forward].map((analytic, k) => ({
    mode: problem.modes[k]!,
    ...place,
    analytic,
    error: relative(analytic, slope.value),
    verdict: judge(analytic, slope, tolerance),
  }))
}

/** ∂⟨w, outputs⟩ by every element of every wanted input, in both modes. */
export function compareElements(problem: Problem, w: Vector, tolerance: number): readonly Comparison[] {
  const { mapping, inputs } = problem
  const slopes = mapping.pull(inputs, w)
  const parts = inputs.flatMap((_, i) => (problem.wanted[i] ? [i] : []))
  return parts.flatMap((i, k) =>
    Array.from(inputs[i]!.data, (_, at) => {
      const place = {
        input: mapping.graph.inputs[i]!.name,
        index: positionOf(inputs[i]!.shape, at),
      }
      const [reverse, forward] = compareAlong(problem, unit(inputs, i, at), w, tolerance)
      const analytic = slopes[k]!.data[at]!
      return [
        { ...reverse!, ...place, analytic },
        { ...forward!, ...place },
      ]
    }).flat(),
  )
}

const onlyWanted = ({ wanted }: Problem, v: Vector): Vector => v.filter((_, i) => wanted[i])

function moving({ wanted, inputs }: Problem, direction: Vector): Vector {
  const still = zerosLike(inputs)
  return direction.map((part, i) => (wanted[i] ? part : still[i]!))
}

/** |a − b| / max(1, |a|, |b|); infinite where it is no number. */
function relative(a: number, b: number): number {
  const error = Math.abs(a - b) / Math.max(1, Math.abs(a), Math.abs(b))
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error
}
