import { bindAxes } from '../evaluate.js'
import { selectInputs } from '../gradient.js'
import type { Graph } from '../graph.js'
import type { Ref } from '../ref.js'
import type { Shape } from '../shape.js'
import { type Refs, graph as trace } from '../trace.js'
import type { Tree } from '../tree.js'
import { blame } from './blame.js'
import { type Comparison, compareAlong, compareElements, type Mode, type Problem } from './compare.js'
import { mappingOf, pullbackGraph } from './mapping.js'
import { type PointOptions, pointOf } from './point.js'
import { drawTensor, randomFrom } from './random.js'
import { positionOf, unit, type Vector } from './vectors.js'

/** What to check, and where. */
export interface GradientOptions extends PointOptions {
  /** Outputs to differentiate, all by default; they need not be scalars. */
  readonly of?: readonly string[]
  /** Inputs to differentiate by (a name, or the prefix of several), all but the integers by default. */
  readonly by?: readonly string[]
  /** Every element of the Jacobian instead of random projections of it. */
  readonly full?: boolean
  /** Also the derivative of the gradient, in both modes. */
  readonly second?: boolean
  /** Random directions to try, 3 by default. */
  readonly directions?: number
  /** Largest relative error, 1e-6 by default. */
  readonly tolerance?: number
  readonly seed?: number
}

/** A derivative beside the finite difference it should equal. */
export interface Mismatch extends Comparison {
  /** The first node whose own derivative is wrong at the values met, as it is printed. */
  readonly node?: string
}

/** What `checkGradients` found. */
export interface GradientReport {
  readonly ok: boolean
  /** The comparison with the largest error, also where all is well. */
  readonly worst: Mismatch | undefined
  /** Derivatives compared. */
  readonly checked: number
  /** Places where the function has no derivative, so that nothing was compared. */
  readonly kinks: readonly Comparison[]
  /** Repeats the same check. */
  readonly seed: number
}

/**
 * Compares the derivatives of a graph, or of a plain function over `inputs`, with central differences in float64.
 *
 * Random projections ⟨w, J v⟩ by default, in reverse and forward mode; where one disagrees, element by element, and
 * then node by node, to name the input, the index and the node. Kinks are reported and are no failure.
 *
 * @throws GraphError `unknown-input`, `unknown-output`, and what evaluation throws.
 */
export function checkGradients(graph: Graph, options?: GradientOptions): GradientReport
export function checkGradients<const In extends Tree<Shape>>(
  build: (refs: Refs<In>) => Tree<Ref>,
  options: GradientOptions & { readonly inputs: In },
): GradientReport
export function checkGradients(
  source: Graph | ((refs: never) => Tree<Ref>),
  options: GradientOptions & { readonly inputs?: Tree<Shape> } = {},
): GradientReport {
  const whole = typeof source === 'function' ? trace(options.inputs ?? {}, source as never) : source
  const graph = restrict(whole, options.of)
  const seed = options.seed ?? 1
  const next = randomFrom(seed)
  const inputs = pointOf(graph, options, next)
  const found = problemsOf(graph, inputs, options, next).flatMap(problem => examine(problem, options, next))
  return reportOf(found, seed, () => blame({ graph, inputs, bindings: bindAxes(graph, inputs), seed }))
}

function reportOf(
  found: readonly Comparison[],
  seed: number,
  findNode: () => string | undefined,
): GradientReport {
  const wrong = found.filter(({ verdict }) => verdict === 'wrong')
  const compared = found.filter(({ verdict }) => verdict !== 'kink')
  const worst = worstOf(wrong.length > 0 ? wrong : compared)
  const node = wrong.length > 0 ? findNode() : undefined
  return {
    ok: wrong.length === 0,
    worst: worst === undefined || node === undefined ? worst : { ...worst, node },
    checked: compared.length,
    kinks: found.filter(({ verdict }) => verdict === 'kink'),
    seed,
  }
}

function restrict(graph: Graph, of: readonly string[] | undefined): Graph {
  if (of === undefined) return graph
  const ports = { ...graph, inputs: graph.outputs }
  const wanted = selectInputs(ports, of)
  return { ...graph, outputs: graph.outputs.filter((_, i) => wanted[i]) }
}

/** The first derivative, and where it is asked for the derivative of that. */
function problemsOf(
  graph: Graph,
  inputs: Vector,
  { by, integers = {}, second = false }: GradientOptions,
  next: () => number,
): readonly Problem[] {
  const chosen = by === undefined ? graph.inputs.map(() => true) : selectInputs(graph, by)
  const wanted = graph.inputs.map((port, i) => chosen[i]! && !(port.name in integers))
  const first: Problem = { mapping: mappingOf(graph, wanted), inputs, wanted, modes: ['reverse', 'forward'] }
  if (!second) return [first]
  const slopes = pullbackGraph(graph, wanted)
  const seeds = first.mapping.call(inputs).map(output => drawTensor(next, output.shape))
  const alsoWanted = slopes.inputs.map((_, i) => wanted[i] ?? false)
  const modes: readonly [Mode, Mode] = ['reverse over reverse', 'forward over reverse']
  const mapping = mappingOf(slopes, alsoWanted)
  return [first, { mapping, inputs: [...inputs, ...seeds], wanted: alsoWanted, modes }]
}

function examine(problem: Problem, options: GradientOptions, next: () => number): readonly Comparison[] {
  const tolerance = options.tolerance ?? 1e-6
  const outputs = problem.mapping.call(problem.inputs)
  if (options.full) return everyOutput(problem, outputs, tolerance)
  const directions = Array.from({ length: options.directions ?? 3 }, () => ({
    v: problem.inputs.map(input => drawTensor(next, input.shape)),
    w: outputs.map(output => drawTensor(next, output.shape)),
  }))
  return directions.flatMap(({ v, w }) => {
    const found = compareAlong(problem, v, w, tolerance)
    if (found.every(({ verdict }) => verdict === 'agrees')) return found
    const elements = compareElements(problem, w, tolerance)
    return elements.every(({ verdict }) => verdict === 'agrees') ? found : elements
  })
}

function everyOutput(problem: Problem, outputs: Vector, tolerance: number): readonly Comparison[] {
  return outputs.flatMap((output, k) =>
    Array.from(output.data, (_, at) => {
      const name = problem.mapping.graph.outputs[k]!.name
      const place = { output: name, outputIndex: positionOf(output.shape, at) }
      return compareElements(problem, unit(outputs, k, at), tolerance).map(found => ({ ...found, ...place }))
    }).flat(),
  )
}

function worstOf(found: readonly Comparison[]): Comparison | undefined {
  return found.reduce<Comparison | undefined>(
    (worst, one) => (worst === undefined || one.error > worst.error ? one : worst),
    undefined,
  )
}
