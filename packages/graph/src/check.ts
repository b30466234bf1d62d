import { around, titleOf } from './check/lines.js'
import { nodeFault } from './check/node.js'
import { portsFault } from './check/ports.js'
import { GraphError } from './error.js'
import type { Graph } from './graph.js'
import { DEPTH } from './text/values.js'

/**
 * The graph, if it is well formed: every node reads values of earlier nodes, values are numbered in the order they
 * are made, ports have unique names and lead to values, and every shape is what the op's own rule says; in the bodies
 * of loops too.
 *
 * Holds for every graph that this package makes; a graph made or changed by hand may need it. O(nodes).
 *
 * @throws GraphError `ill-formed`, which names the first node that is not, and shows the lines around it.
 */
export function check<In, Out>(graph: Graph<In, Out>): Graph<In, Out> {
  try {
    checkTable(graph, '', 0)
  } catch (error) {
    if (error instanceof GraphError) throw error
    throw illFormed('graph', `cannot be read: ${String(error)}`)
  }
  return graph
}

function checkTable(graph: Graph, path: string, depth: number): void {
  const where = path || 'graph'
  if (depth > DEPTH) throw illFormed(where, `stands in ${depth} graphs; at most ${DEPTH} stand in each other`)
  for (const key of ['nodes', 'shapes', 'inputs', 'outputs'] as const)
    if (!Array.isArray(graph?.[key]))
      throw illFormed(where, `has no list '${key}'; a graph is a table of nodes`)
  let made = 0
  for (let at = 0; at < graph.nodes.length; at++) {
    const step = path === '' ? '' : `${path} › `
    checkNode(
      graph,
      at,
      made,
      (key, body) => checkTable(body, `${step}${titleOf(graph, at)} › ${key}`, depth + 1),
      step,
    )
    made += graph.nodes[at]!.outputs.length
  }
  if (graph.shapes.length !== made)
    throw illFormed(where, `has ${graph.shapes.length} shapes for ${made} values; every value has one`)
  const fault = portsFault(graph)
  if (fault !== undefined) throw illFormed(where, fault)
}

function checkNode(
  graph: Graph,
  at: number,
  made: number,
  checkBody: (key: string, body: Graph) => void,
  path: string,
): void {
  let fault: string | undefined
  try {
    fault = nodeFault(graph, at, made, checkBody)
  } catch (error) {
    if (error instanceof GraphError && error.code === 'ill-formed') throw error
    fault = `cannot be read: ${error instanceof Error ? error.message : String(error)}`
  }
  if (fault !== undefined) throw illFormed(`${path}${titleOf(graph, at)}`, `${fault}\n${around(graph, at)}`)
}

const illFormed = (where: string, detail: string): GraphError => new GraphError('ill-formed', where, detail)
