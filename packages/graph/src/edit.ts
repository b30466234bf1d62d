import { enablePatches, Immer, type Patch } from 'immer'
import { check } from './check.js'
import { type GraphDocument, OpNames, toDocument, toGraph } from './edit/document.js'
import { inOrder, renumber } from './edit/order.js'
import { GraphError } from './error.js'
import type { Graph, OpSpec } from './graph.js'
import { ops } from './ops/all.js'
import { sameData } from './rewrite/keys.js'

/** Ops that an edit may name, besides those of this package and those in the graph. */
export interface EditOptions {
  readonly ops?: readonly (OpSpec | { readonly spec: OpSpec })[]
}

/** An edited graph, and what changed, as data: patches of its document, and those that undo them. */
export interface Edited {
  readonly graph: Graph
  readonly patches: readonly Patch[]
  readonly inverse: readonly Patch[]
}

const immer = new Immer({ autoFreeze: false })

/**
 * A graph changed by hand: `change` gets the document of the graph and changes it in place; the result is checked.
 *
 * The document is plain data, the table of nodes with ops by name (see `GraphDocument`). Settings are changed,
 * inputs rewired, nodes inserted and removed like entries of any list. Shapes follow by the ops' own rules.
 * Patches name places of the document; `applyPatches(edited.graph, edited.inverse)` is the original graph again.
 *
 * Limits: tensors are replaced whole, never changed in place. Inserting or removing a node renumbers the values after
 * it, so that its patches grow with the graph. Make many changes in one edit: each costs O(nodes).
 *
 * @example
 * edit(g, draft => {
 *   const node = draft.nodes[3]
 *   if (node?.kind === 'apply') node.op = 'relu'
 * })
 * @throws GraphError `edited-in-place`, `unknown-op`, `missing-value`, `duplicate-value`, `late-value`, `ill-formed`, and
 * what the ops' shape rules throw.
 */
export function edit(
  graph: Graph,
  change: (draft: GraphDocument) => void,
  options: EditOptions = {},
): Edited {
  const names = namesOf(options)
  const before = toDocument(graph, names)
  enablePatches()
  const [changed, patches, inverse] = immer.produceWithPatches(before, draft => {
    change(draft)
  })
  checkTensors(graph, before)
  if (inOrder(changed)) return { graph: asGraph(changed, names), patches, inverse }
  const [after, more, back] = immer.produceWithPatches(changed, renumber)
  return { graph: asGraph(after, names), patches: [...patches, ...more], inverse: [...back, ...inverse] }
}

/**
 * A graph with patches applied that an edit gave, to the graph it was made from, or its inverse ones to its result.
 * @throws GraphError as `edit` does; `patch` where the patches do not fit the graph.
 */
export function applyPatches(graph: Graph, patches: readonly Patch[], options: EditOptions = {}): Graph {
  const names = namesOf(options)
  const before = toDocument(graph, names)
  enablePatches()
  let after: GraphDocument
  try {
    after = immer.applyPatches(before, patches)
  } catch (error) {
    throw new GraphError(
      'patch',
      'applyPatches',
      `the patches do not fit the graph: ${(error as Error).message}`,
      'apply patches to the graph that was edited, and inverse patches to the result',
    )
  }
  return asGraph(after, names)
}

/** Names of the ops that are known: the package's and the caller's; those of the graph follow. */
function namesOf(options: EditOptions): OpNames {
  const names = new OpNames()
  for (const op of ops) names.name(op)
  for (const op of options.ops ?? []) names.name('spec' in op ? op.spec : op)
  return names
}

/** A document that may lack anything, as a graph. */
function asGraph(document: GraphDocument, names: OpNames): Graph {
  let made: Graph
  try {
    made = toGraph(document, names)
  } catch (error) {
    if (error instanceof GraphError) throw error
    throw new GraphError('ill-formed', 'edit', `the document is incomplete: ${(error as Error).message}`)
  }
  return check(made)
}

/** Immer does not see changes inside typed arrays, so there may be none. */
function checkTensors(graph: Graph, before: GraphDocument): void {
  graph.nodes.forEach((node, i) => {
    const row = before.nodes[i]!
    if (node.kind !== 'constant' || row.kind !== 'constant' || sameData(node.value.data, row.value.data))
      return
    throw new GraphError(
      'edited-in-place',
      `constant #${i}`,
      'its numbers were changed in place; a tensor is replaced whole',
      'assign a new one: node.value = tensor([...])',
    )
  })
}
