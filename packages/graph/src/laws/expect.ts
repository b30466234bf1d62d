import { GraphError } from '../error.js'
import type { Graph } from '../graph.js'
import type { Ref } from '../ref.js'
import type { Shape } from '../shape.js'
import type { Refs } from '../trace.js'
import type { Tree } from '../tree.js'
import { checkGradients, type GradientOptions, type GradientReport } from './gradients.js'

/**
 * As `checkGradients`, but throws where a derivative is wrong.
 * @throws GraphError `wrong-gradient`, with the worst place, both values and the seed.
 */
export function expectGradients(graph: Graph, options?: GradientOptions): GradientReport
export function expectGradients<const In extends Tree<Shape>>(
  build: (refs: Refs<In>) => Tree<Ref>,
  options: GradientOptions & { readonly inputs: In },
): GradientReport
export function expectGradients(
  source: Graph | ((refs: never) => Tree<Ref>),
  options?: GradientOptions,
): GradientReport {
  const report = checkGradients(source as Graph, options)
  if (report.ok) return report
  throw new GraphError(
    'wrong-gradient',
    'checkGradients',
    showReport(report),
    `seed ${report.seed} repeats it`,
  )
}

/** A report as one or two sentences. */
export function showReport({ ok, worst, checked, kinks }: GradientReport): string {
  const counts = `${checked} derivatives compared${kinks.length > 0 ? `, ${kinks.length} kinks left out` : ''}`
  if (worst === undefined) return `${counts}, none of them smooth`
  const { mode, analytic, numeric, error, node } = worst
  const place = worst.input === '*' ? 'a random direction' : `'${worst.input}'[${worst.index.join(', ')}]`
  const of = worst.output === undefined ? '' : ` of '${worst.output}'[${worst.outputIndex!.join(', ')}]`
  if (ok) return `${counts}; the largest error is ${error.toExponential(1)}, in ${mode} mode by ${place}${of}`
  const at = node === undefined ? '' : `, first wrong in \`${node}\``
  return `the ${mode} derivative${of} by ${place} is ${analytic} and finite differences give ${numeric}${at}; both agree where a derivative is right`
}
