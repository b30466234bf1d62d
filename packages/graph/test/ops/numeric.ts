import {
  add,
  evaluate,
  type Graph,
  gradient,
  graph,
  inline,
  mul,
  type Ref,
  type Shape,
  sum,
  type Tensor,
  type Tree,
  tangent,
} from '@bptt/graph'
import { applyOp } from '../../src/builder.js'
import type { OpSpec } from '../../src/graph.js'
import { sizeOf } from '../../src/shape.js'

type Case = OpSpec['samples']['cases'][number]

/** The values of `build` at these inputs, flat. */
export function valuesOf(build: (...refs: Ref[]) => Ref, ...inputs: Tensor[]): number[] {
  return [...outcome(build, inputs).data]
}

/** The result of `build` at these inputs. */
export function outcome(build: (...refs: Ref[]) => Ref, inputs: readonly Tensor[]): Tensor {
  const made = program(
    build,
    inputs.map(input => input.shape),
  )
  return (evaluate(made, named(inputs)) as unknown as { y: Tensor }).y
}

/** The gradient of Σ build(x) by its first input, flat. */
export function slopeOf(build: (...refs: Ref[]) => Ref, ...inputs: Tensor[]): number[] {
  const made = program(
    (...refs) => sum(build(...refs)),
    inputs.map(input => input.shape),
  )
  const slopes = gradient(made as Graph, { of: 'y', by: ['x0'] })
  return [...(evaluate(slopes, named(inputs)) as unknown as { x0: Tensor }).x0.data]
}

function program(build: (...refs: Ref[]) => Ref, shapes: readonly Shape[]): Graph {
  const inputs = Object.fromEntries(shapes.map((shape, i) => [`x${i}`, shape] as const))
  return graph(inputs as Tree<Shape>, refs => {
    const all = refs as Record<string, Ref>
    return { y: build(...shapes.map((_, i) => all[`x${i}`]!)) }
  }) as Graph
}

const named = (inputs: readonly Tensor[]): Record<string, Tensor> =>
  Object.fromEntries(inputs.map((input, i) => [`x${i}`, input]))

/** Numbers in [0, 1) from a seed, for points to test at. */
export function draws(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** A point in an op's domain, for a case. */
export function pointOf({ samples }: OpSpec, { shapes }: Case, next: () => number): Tensor[] {
  const [low, high] = samples.domain
  return shapes.map((shape, i) => {
    const bound = samples.integers?.[i]
    const data = Float64Array.from({ length: sizeOf(shape as number[]) }, () =>
      bound === undefined ? low + (high - low) * next() : Math.floor(bound * next()),
    )
    return { shape: shape as number[], data }
  })
}

/** Σ w · op(x) for fixed weights w, as a graph of the op's inputs. */
export function projected(spec: OpSpec, { shapes, attrs = {} }: Case, next: () => number): Graph {
  return program((...refs) => {
    const y = applyOp(spec, refs, attrs)[0]!
    const data = Float64Array.from({ length: sizeOf(y.shape as number[]) }, () => next() - 0.5)
    return sum(mul(y, { shape: y.shape as number[], data }))
  }, shapes)
}

/** The derivative of a graph's scalar y along a direction, by central differences. */
export function differenceAlong(made: Graph, point: readonly Tensor[], along: readonly Tensor[]): number {
  const step = 1e-5
  const at = (size: number): number => {
    const moved = point.map((x, i) => ({
      shape: x.shape,
      data: x.data.map((v, k) => v + size * along[i]!.data[k]!),
    }))
    return (evaluate(made, named(moved)) as { y: Tensor }).y.data[0]!
  }
  return (at(step) - at(-step)) / (2 * step)
}

/** The derivative of a graph's scalar y along a direction, in reverse mode and in forward mode. */
export function slopesAlong(
  made: Graph,
  point: readonly Tensor[],
  along: readonly Tensor[],
): { reverse: number; forward: number } {
  const by = point.map((_, i) => `x${i}`)
  const bars = evaluate(gradient(made, { of: 'y', by }), named(point)) as unknown as Record<string, Tensor>
  const values = { ...named(point), tangent: named(along) } as Tree<Tensor>
  const pushed = evaluate(tangent(made, { by }), values) as unknown as { tangent: { y: Tensor } }
  const reverse = along.reduce((total, dot, i) => total + inner(dot, bars[`x${i}`]!), 0)
  return { reverse, forward: pushed.tangent.y.data[0]! }
}

const inner = (a: Tensor, b: Tensor): number => a.data.reduce((total, v, i) => total + v * b.data[i]!, 0)

/** A direction that leaves whole-number inputs alone. */
export function directionOf({ samples }: OpSpec, point: readonly Tensor[], next: () => number): Tensor[] {
  return point.map((x, i) => ({
    shape: x.shape,
    data: x.data.map(() => (samples.integers?.[i] === undefined ? 2 * next() - 1 : 0)),
  }))
}

/** The gradient of `made` along a fixed direction: its gradient is a Hessian-vector product. */
export function slopeGraph(made: Graph, along: readonly Tensor[]): Graph {
  const by = along.map((_, i) => `x${i}`)
  const slopes = gradient(made, { of: 'y', by })
  const shapes = along.map(dot => dot.shape)
  return program((...refs) => {
    const inputs = Object.fromEntries(refs.map((ref, i) => [`x${i}`, ref]))
    const bars = inline(slopes, inputs) as Record<string, Ref>
    return along.map((dot, i) => sum(mul(bars[`x${i}`]!, dot))).reduce((a, b) => add(a, b))
  }, shapes)
}
