import { type Graph, graph, index, isShape, mapTree, type Ref, type Shape, sum, type Tree } from '@bptt/graph'
import { checkGradients, type GradientReport } from '@bptt/graph/laws'
import type { Cell } from '@bptt/unroll'
import { lawLoss } from '@bptt/unroll/laws'

/** What finite differences say of a cell, and where. */
export interface Differences {
  readonly report: GradientReport
  /** The parameter of the worst derivative, as `W[0, 1]`; also a part of the carry or the input. */
  readonly parameter: string | undefined
  /** The step whose copy of the parameter it is; undefined for the carry before step 1. */
  readonly step: number | undefined
}

/** Compares the derivatives of a cell over `steps` steps with finite differences, by a copy of the parameters for every step. */
export function differencesOf(cell: Cell, steps: number, seed: number, symbols?: number): Differences {
  const integers = symbols === undefined ? {} : { xs: symbols }
  const whole = copies(cell, steps)
  const by = filled(cell.params) ? ['copies'] : filled(cell.carry) ? ['carry'] : ['xs']
  const report = checkGradients(whole, { seed, integers, by })
  const worst = report.worst
  const [, at, name] = /^copies\.s(\d+)\.(.+)$/.exec(worst?.input ?? '') ?? []
  if (worst === undefined || worst.input === '*') return { report, parameter: undefined, step: undefined }
  if (name !== undefined) return { report, parameter: `${name}[${worst.index.join(', ')}]`, step: Number(at) }
  const step = worst.input === 'xs' ? worst.index[0]! + 1 : undefined
  return { report, parameter: `${worst.input}[${worst.index.join(', ')}]`, step }
}

interface Inputs {
  readonly copies?: Readonly<Record<string, Tree<Ref>>>
  readonly carry?: Tree<Ref>
  readonly xs: Ref
  readonly targets: Ref
}

/** The cell unrolled, each step with parameters of its own: `copies.s1`, `copies.s2`, …; output the sum of the losses. */
function copies(cell: Cell, steps: number): Graph {
  const times = Array.from({ length: steps }, (_, i) => i + 1)
  const along = (shape: Shape): Shape => [steps, ...shape]
  const inputs = {
    ...(filled(cell.params) && { copies: Object.fromEntries(times.map(t => [`s${t}`, cell.params])) }),
    ...(filled(cell.carry) && { carry: cell.carry }),
    xs: along(cell.input),
    targets: along(cell.output),
  }
  return graph(inputs as Tree<Shape>, refs => {
    const given = refs as unknown as Inputs
    let carry: Tree<Ref> = given.carry ?? {}
    const losses = times.map(t => {
      const [next, y] = cell.step(given.copies?.[`s${t}`] ?? {}, carry, index(given.xs, { at: t - 1 }))
      carry = next
      return sum(lawLoss(0)(y, index(given.targets, { at: t - 1 })))
    })
    return { losses: Object.fromEntries(losses.map((loss, i) => [`t${i + 1}`, loss])) }
  }) as Graph
}

const filled = (tree: Tree<Shape>): boolean =>
  isShape(tree) || Object.keys(mapTree(tree, isShape, shape => shape) as object).length > 0
