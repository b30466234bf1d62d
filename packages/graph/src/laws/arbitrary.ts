import fc from 'fast-check'
import type { Graph, OpSpec } from '../graph.js'
import { ops as builtIn } from '../ops/all.js'
import { print } from '../print.js'
import type { Shape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { arbitraryCode } from './program/code.js'
import { menu, type Program, programOf } from './program/program.js'
import { drawTensor, randomFrom } from './random.js'

/** What random programs are made of. */
export interface ProgramOptions {
  /** Ops to apply, all of this package by default; give your own beside them to have it stand in whole programs. */
  readonly ops?: readonly OpSpec[]
  /** Most instructions, 10 by default; a loop counts as one. */
  readonly size?: number
  /** Loops, and loops in loops; true by default. */
  readonly scans?: boolean
  /** How often a program has gates, whose derivative is not that of the value: in `[0, 1]`, 0 by default. */
  readonly gates?: number
}

/**
 * Random programs with values for their inputs: fan-out, shared weights, dead code, constants, several outputs, nested
 * names, named axes, loops with carries and captured values. Well conditioned: every op is fed inside its domain.
 * Shrinks to few nodes, and prints as the graph.
 */
export function arbitraryProgram(options: ProgramOptions = {}): fc.Arbitrary<Program> {
  const ops = (options.ops ?? builtIn).filter(spec => spec.samples.cases.length > 0)
  const { size = 10, scans = true, gates = 0 } = options
  const smooth = ops.filter(spec => spec.analytic)
  return fc
    .record({
      inputs: fc.array(fc.nat(menu.length - 1), { minLength: 1, maxLength: 4 }),
      code: arbitraryCode({ size, scans }),
      outputs: fc.array(fc.nat(15), { maxLength: 2 }),
      gates: gates === 0 ? fc.constant(false) : fc.nat(999).map(k => k >= 1000 * (1 - gates)),
      seed: fc.nat(0xffff),
    })
    .map(recipe => printable(programOf(recipe, recipe.gates ? ops : smooth)))
}

/** Random programs without the values: see `arbitraryProgram`. */
export function arbitraryGraph(options: ProgramOptions = {}): fc.Arbitrary<Graph> {
  return arbitraryProgram(options).map(({ graph }) => shown(graph, graph))
}

/** Shapes of rank 0 to 3, with fixed and named axes. */
export function arbitraryShape(): fc.Arbitrary<Shape> {
  return fc.constantFrom(...menu)
}

/** Tensors of a shape, with numbers from an interval; shrinks to other draws. */
export function arbitraryTensor(
  shape: readonly number[],
  domain: readonly [low: number, high: number] = [-1, 1],
): fc.Arbitrary<Tensor> {
  return fc.nat().map(seed => drawTensor(randomFrom(seed), shape, domain))
}

/** How fast-check is told to print a value. */
function shown<T extends object>(value: T, graph: Graph): T {
  return Object.defineProperty(value, fc.toStringMethod, { value: () => print(graph), enumerable: false })
}

const printable = (program: Program): Program => shown(program, program.graph)
