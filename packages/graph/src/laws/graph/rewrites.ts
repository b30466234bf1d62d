import { check } from '../../check.js'
import { valueAndGradient } from '../../gradient.js'
import type { Graph, OpSpec } from '../../graph.js'
import { parse } from '../../parse.js'
import { print } from '../../print.js'
import { prune } from '../../prune.js'
import { share } from '../../rewrite/share.js'
import { substitute } from '../../rewrite/substitute.js'
import { tangent } from '../../tangent.js'
import { caller, pullbackGraph } from '../mapping.js'
import {
  applied,
  around,
  type GraphLaw,
  lossGradient,
  lossSlopes,
  namesOf,
  type Subject,
  unequal,
} from './subject.js'

/** Value, derivative and well-formedness stay, and there are never more nodes. */
function kept(subject: Subject, what: string, after: Graph, exact = true): string | undefined {
  const { graph, inputs, mapping, slopes } = subject
  check(after)
  if (after.nodes.length > graph.nodes.length)
    return `${what} makes ${after.nodes.length} nodes of ${graph.nodes.length}`
  return (
    unequal(
      `values before and after ${what}`,
      mapping.call(inputs),
      caller(after)(inputs),
      exact ? 0 : 1e-12,
    ) ?? unequal(`gradients before and after ${what}`, slopes(), lossSlopes(after, inputs), 1e-9)
  )
}

function pruned(subject: Subject): string | undefined {
  const once = prune(subject.graph)
  const again = prune(once)
  if (again.nodes.length !== once.nodes.length) return 'pruning twice prunes more than once'
  return kept(subject, 'prune', once)
}

function shared(subject: Subject): string | undefined {
  const once = share(subject.graph)
  if (share(once).nodes.length !== once.nodes.length) return 'sharing twice shares more than once'
  return kept(subject, 'share', once)
}

function inlined(subject: Subject): string | undefined {
  return kept(
    subject,
    'inline',
    around(subject.graph, refs => applied(subject.graph, refs)),
  )
}

/** An input replaced by its value leaves the loss and the other inputs' gradients. */
function substituted({ graph, inputs, mapping, slopes }: Subject): string | undefined {
  if (inputs.length < 2 || graph.shapes.some(shape => shape.some(dim => typeof dim === 'string')))
    return undefined
  const after = substitute(graph, { [namesOf(graph)[0]!]: inputs[0]! })
  check(after)
  if (after.nodes.length > graph.nodes.length) return 'substitute adds nodes'
  const rest = inputs.slice(1)
  return (
    unequal('values before and after substitute', mapping.call(inputs), caller(after)(rest), 0) ??
    unequal('gradients before and after substitute', slopes().slice(1), lossSlopes(after, rest), 1e-9)
  )
}

/** Every transform of the graph gives a well-formed graph. */
function wellFormed({ graph, inputs }: Subject): string | undefined {
  const wanted = inputs.map(() => true)
  const by = namesOf(graph)
  const made = [
    graph,
    lossGradient(graph),
    valueAndGradient(graph, { of: 'loss', by }),
    tangent(graph, { by }),
    pullbackGraph(graph, wanted),
    lossGradient(around(graph, refs => applied(graph, refs).slice(0, 1))),
  ]
  for (const one of made) check(one)
  return undefined
}

/** parse(print(g)) = g, and again for its gradient: the same text, the same bits. */
function roundTrip({ graph, inputs }: Subject): string | undefined {
  for (const one of [graph, lossGradient(graph)]) {
    const text = print(one)
    const read = parse(text, { ops: specsOf(one) })
    if (print(read) !== text) return 'the graph read from its text prints another text'
    const found = unequal(
      'values before and after print and parse',
      caller(one)(inputs),
      caller(read)(inputs),
      0,
    )
    if (found !== undefined) return found
  }
  return undefined
}

/** The ops of a graph and of the bodies in it, which need not be those of this package. */
function specsOf(graph: Graph): readonly OpSpec[] {
  return graph.nodes.flatMap(node => {
    if (node.kind !== 'apply') return []
    const body = node.op.inner?.(node.attrs).graph
    return [node.op, ...(body === undefined ? [] : specsOf(body))]
  })
}

/** What every transform keeps, and what text keeps. */
export const rewriteLaws: readonly GraphLaw[] = [
  { name: 'prune keeps value and derivative', analytic: false, broken: pruned },
  { name: 'share keeps value and derivative', analytic: false, broken: shared },
  { name: 'inline keeps value and derivative', analytic: false, broken: inlined },
  { name: 'substitute keeps value and derivative', analytic: false, broken: substituted },
  { name: 'every transform gives a well-formed graph', analytic: false, broken: wellFormed },
  { name: 'parse(print(g)) = g', analytic: false, broken: roundTrip },
]
