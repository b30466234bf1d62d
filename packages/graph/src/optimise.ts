import type { Graph } from './graph.js'
import { hoist } from './hoist.js'
import { lower } from './lower.js'
import { prune } from './prune.js'
import { joinGates } from './rewrite/gates/join.js'
import { share } from './rewrite/share.js'

/** The graph as it is exported: in simpler ops, equal nodes merged, work taken out of loops, and nothing that is not needed. */
export const optimised = (graph: Graph): Graph => prune(hoist(share(lower(graph))))

/** The graph as it is compiled: also with the products of gates joined. */
export const compilable = (graph: Graph): Graph => joinGates(optimised(graph))
