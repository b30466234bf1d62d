import {
  compile,
  describe,
  type Graph,
  graph,
  isShape,
  type Loss,
  leaves,
  print,
  type Ref,
  type Shape,
  showShape,
  softmaxCrossEntropy,
  squaredError,
  type Tree,
  toDot,
  toMermaid,
  valueAndGradient,
} from '@bptt/graph'
import { type Cell, print as printCredit, reweight, unroll } from '@bptt/unroll'
import type { View } from '../commands/inspect.js'
import type { Contender } from '../compare/contender.js'
import { Failure } from '../failure.js'
import { bytes } from '../format.js'
import type { Found } from '../module.js'

/** How a cell is unrolled to be looked at. */
export interface Unrolled {
  readonly steps: number
  readonly contenders: readonly Contender[]
}

/**
 * One view of a cell or a graph, as text.
 * @throws Failure where the kind has no such view.
 */
export function viewOf(found: Found, view: View, how: Unrolled): string {
  if (found.kind === 'op') throw new Failure(`'${found.name}' is an op; inspect looks at cells and graphs`)
  if (found.kind === 'graph') return graphView(found.name, found.graph, view)
  const { cell } = found
  if (view === 'credit') return creditText(cell, how)
  if (view === 'plan') return planText(slopeOf(cell, how.steps))
  if (view === 'describe') return cellText(cell, how.steps)
  return graphView(found.name, stepOf(cell), view)
}

function graphView(name: string, graph: Graph, view: View): string {
  if (view === 'credit') throw new Failure(`'${name}' is a graph; only a cell has edges of credit`)
  if (view === 'plan') return planText(graph)
  return { describe: (one: Graph) => describe(one).text, text: print, dot: toDot, mermaid: toMermaid }[view](
    graph,
  )
}

/** One step: `params`, `carry`, `x` → `carry`, `y`. */
function stepOf({ params, carry, input, step }: Cell): Graph {
  const inputs = { params, carry, x: input } as Tree<Shape>
  return graph(inputs, refs => {
    const at = refs as unknown as { params: Tree<Ref>; carry: Tree<Ref>; x: Ref }
    const [next, y] = step(at.params, at.carry, at.x)
    return { carry: next, y } as Tree<Ref>
  }) as Graph
}

/** The gradient of a timeline whose losses fit the output: cross-entropy for symbols, squared error for numbers. */
function slopeOf(cell: Cell, steps: number): Graph {
  const line = unroll(cell, { steps, batch: 1, loss: lossOf(cell) })
  return valueAndGradient(line.graph, { of: 'loss', by: ['params'] }) as Graph
}

const lossOf = ({ input }: Cell): Loss => (input.length === 0 ? softmaxCrossEntropy : squaredError)

function cellText(cell: Cell, steps: number): string {
  const shapes = leaves(cell.carry, isShape, 'carry').map(([name, shape]) => `${name} ${showShape(shape)}`)
  return [
    `cell        ${cell.name}`,
    `input       ${showShape(cell.input)}`,
    `output      ${showShape(cell.output)}`,
    `carry       ${shapes.join(', ') || 'none'}`,
    `over ${steps} ${steps === 1 ? 'step' : 'steps'}, with a loss at each:`,
    describe(unroll(cell, { steps, batch: 1, loss: lossOf(cell) }).graph).text,
  ].join('\n')
}

/** The state edges under each estimator, one line each. */
function creditText(cell: Cell, { steps, contenders }: Unrolled): string {
  const width = Math.max(...contenders.map(({ label }) => label.length))
  const line = unroll(cell, { steps })
  return contenders
    .map(({ label, means }) => {
      if (means.kind === 'cuts')
        return `${label.padEnd(width)}  ${printCredit(reweight(line, means.schedule))}`
      throw new Failure(
        `--view credit shows where credit is cut, but ${label} cuts none; it takes full, tbptt and artbp`,
      )
    })
    .join('\n')
}

/** The kernels of a compiled graph in the order they run, and the bytes it takes. */
function planText(graph: Graph): string {
  const { unbound } = describe(graph)
  const program = compile(graph)
  program.bind(Object.fromEntries(unbound.map(axis => [axis, 10])))
  const { module, memory } = program.size()
  return `${program.plan()}\nmodule ${bytes(module)}, memory ${bytes(memory)}`
}
