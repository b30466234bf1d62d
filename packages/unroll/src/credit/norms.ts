import {
  add,
  expand,
  type Graph,
  GraphError,
  graph,
  grow,
  inline,
  isRef,
  leaves,
  type Ref,
  type Shape,
  sqrt,
  square,
  sum,
  type Tree,
  valueAndGradient,
} from '@bptt/graph'
import { leavesOf } from '../forward/step.js'
import type { Timeline } from '../timeline.js'
import { unroll } from '../unroll.js'

/**
 * Loss and gradient of a timeline, as `valueAndGradient` gives them, and `creditNorms` [T, batch], the 2-norm, over the whole carry,
 * of the credit that passes the edge into each step, weighted and before it is clipped. Row t is |∂L/∂h_{t−1}| from step t on.
 * @throws GraphError `bad-credit-norms` where the timeline has no loss, no carry, or windows.
 */
export function creditNorms(line: Timeline, { by }: { readonly by: readonly string[] }): Graph {
  checkLine(line)
  const { cell, options } = line
  const open = unroll(cell, { ...options, credit: line.credit, probed: true }).graph
  const slope = valueAndGradient(open, { of: 'loss', by: [...by, 'probe'] }) as Graph
  const rows = [options.steps, ...(options.batch === undefined ? [] : [options.batch])]
  const shapes = line.graph.inputs.map(({ name, value }) => [name, line.graph.shapes[value]!] as const)
  return graph(grow(shapes) as Tree<Shape>, refs => {
    const zero = (refs as { xs: Ref }).xs.builder.constant(0)
    const probe = grow(
      leavesOf(cell.carry, cell.name).map(
        ([name, shape]) => [name, expand(zero, { shape: [...rows, ...shape] })] as const,
      ),
    )
    const made = inline(slope, { ...(refs as object), probe } as Tree<Ref>) as Made
    const { probe: credit, ...gradient } = made.gradient
    return { ...made, gradient, creditNorms: normOf(credit!, rows.length) } as Tree<Ref>
  }) as Graph
}

function checkLine({ cell, options, windows }: Timeline): void {
  const carries = leavesOf(cell.carry, cell.name).length > 0
  if (options.loss !== undefined && carries && windows === undefined) return
  const lacks = windows ? 'windows' : carries ? 'no loss' : 'no carry'
  throw new GraphError(
    'bad-credit-norms',
    'creditNorms',
    `takes a timeline with a loss and a carry, without windows; this one has ${lacks}`,
    'unroll(cell, { steps, loss })',
  )
}

type Made = Readonly<Record<string, Tree<Ref>>> & { readonly gradient: Readonly<Record<string, Tree<Ref>>> }

/** √ Σ x² over all leaves, for every place of the first axes. */
function normOf(tree: Tree<Ref>, rows: number): Ref {
  const squares = leaves(tree, isRef, 'creditNorms').map(([, value]) => {
    const axis = value.shape.map((_, i) => i).slice(rows)
    return axis.length === 0 ? square(value) : sum(square(value), { axis })
  })
  return sqrt(squares.reduce((total, part) => add(total, part)))
}
