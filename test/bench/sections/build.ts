import { type Graph, graph, mul, type Ref, tanh, valueAndGradient } from '@bptt/graph'
import type { Context } from '../context.js'
import { median } from '../statistics.js'

const steps = 20_000

/** Nodes a second: building a chain of 20,000 steps of two scalar ops, and differentiating it. */
export function build(context: Context): boolean {
  const made: Graph[] = []
  const building = times(() => made.push(chain()))
  const first = made[0]!
  const slopes: Graph[] = []
  const differentiating = times(() => slopes.push(valueAndGradient(first, { of: 'y', by: ['x'] }) as Graph))
  const row = (what: string, ms: number, { nodes }: Graph): Record<string, string | number> => ({
    what,
    nodes: nodes.length,
    ms,
    nodes_per_s: (1000 * nodes.length) / ms,
  })
  context.reporter.report('build', `Graphs: a chain of ${steps} scalar steps`, [
    row('build', building, first),
    row('build + derivative', differentiating, slopes[0]!),
  ])
  return true
}

function chain(): Graph {
  return graph({ x: [], w: [] }, ({ x, w }) => {
    let y: Ref = x
    for (let t = 0; t < steps; t++) y = tanh(mul(y, w))
    return { y }
  })
}

function times(run: () => void): number {
  const all = Array.from({ length: 5 }, () => {
    const began = performance.now()
    run()
    return performance.now() - began
  })
  return median(all)
}
