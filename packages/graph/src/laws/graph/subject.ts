import { Builder } from '../../builder.js'
import { gradient } from '../../gradient.js'
import type { Graph, OpSpec } from '../../graph.js'
import type { Ref } from '../../ref.js'
import { isRef } from '../../ref.js'
import type { Shape } from '../../shape.js'
import { inline } from '../../trace.js'
import { leaves, type Tree } from '../../tree.js'
import { caller, type Mapping, mappingOf } from '../mapping.js'
import type { Program } from '../program/program.js'
import { drawTensor, randomFrom } from '../random.js'
import { type Gap, gapOf, type Vector } from '../vectors.js'

/** A program under test: its derivatives, built once for all laws, and what a law draws from. */
export interface Subject extends Program {
  readonly mapping: Mapping
  /** Uniform numbers in [0, 1), from the program's seed. */
  readonly next: () => number
  /** Ops that further programs may be grown from. */
  readonly ops: readonly OpSpec[]
  /** ∂loss by all inputs, by `gradient`. */
  readonly slopes: () => Vector
}

/** A law of graphs. */
export interface GraphLaw {
  readonly name: string
  /** True where it needs derivatives that are those of the value: no gates. */
  readonly analytic: boolean
  /** What is wrong, with numbers; undefined where the law holds. */
  readonly broken: (subject: Subject) => string | undefined
}

/** A program as a subject of laws. */
export function subjectOf(program: Program, ops: readonly OpSpec[]): Subject {
  let slopes: Vector | undefined
  const { graph, inputs } = program
  return {
    ...program,
    mapping: mappingOf(graph),
    next: randomFrom(program.seed),
    ops: ops.filter(spec => spec.samples.cases.length > 0 && (program.recipe.gates || spec.analytic)),
    slopes: () => {
      slopes ??= lossSlopes(graph, inputs)
      return slopes
    },
  }
}

/** ∂loss by every input, in order. */
export function lossSlopes(graph: Graph, inputs: Vector): Vector {
  return caller(lossGradient(graph))(inputs)
}

/** The graph of ∂loss by every input. */
export function lossGradient(graph: Graph): Graph {
  return gradient(graph, { of: 'loss', by: namesOf(graph) })
}

/** Names of the inputs. */
export function namesOf(graph: Graph): readonly string[] {
  return graph.inputs.map(port => port.name)
}

/** A random vector in the shapes of another. */
export function drawLike(subject: Subject, like: Vector): Vector {
  return like.map(part => drawTensor(subject.next, part.shape))
}

/** The graph applied to refs, by `inline`; its outputs in order. */
export function applied(graph: Graph, inputs: readonly Ref[]): readonly Ref[] {
  const given = Object.fromEntries(graph.inputs.map((port, i) => [port.name, inputs[i]!]))
  const made = leaves<Ref>(inline(graph, given) as Tree<Ref>, isRef, 'laws')
  return made.map(([, ref]) => ref)
}

/** A graph with the inputs of another and more, whose `loss` (and further outputs) `build` makes. */
export function around(
  graph: Graph,
  build: (inputs: readonly Ref[], more: readonly Ref[]) => readonly Ref[],
  more: readonly Shape[] = [],
): Graph {
  const builder = new Builder()
  const inputs = graph.inputs.map(port => builder.input(port.name, graph.shapes[port.value]!))
  const further = more.map((shape, k) => builder.input(`more.${k}`, shape))
  const outputs = build(inputs, further)
  return builder.build(outputs.map((ref, k) => ({ name: k === 0 ? 'loss' : `out.${k}`, value: ref.id })))
}

/** A sentence about two vectors that should be equal; undefined where they are, up to rounding. */
export function unequal(what: string, left: Vector, right: Vector, tolerance = 1e-9): string | undefined {
  const gap: Gap = gapOf(left, right)
  if (gap.error <= tolerance) return undefined
  return `${what}: part ${gap.part}, element ${gap.at}: ${gap.left} and ${gap.right}`
}
