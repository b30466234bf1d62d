import { GraphError } from '../error.js'
import { type DocumentApply, type DocumentNode, type GraphDocument, isDocument } from './document.js'

/** True where values are numbered in the order in which they are made and all that is read is made, in inner documents too. */
export function inOrder(document: GraphDocument): boolean {
  let made = 0
  const ordered = document.nodes.every(
    node =>
      listOf(node as DocumentApply, 'outputs').every(id => id === made++) &&
      innerDocuments(node).every(inOrder),
  )
  const exists = (id: number): boolean => id >= 0 && id < made
  return (
    ordered &&
    document.nodes.every(node => node.kind !== 'apply' || listOf(node, 'inputs').every(exists)) &&
    [...document.inputs, ...document.outputs].every(port => exists(port.value))
  )
}

/**
 * Numbers values in the order in which they are made, in place.
 * @throws GraphError `duplicate-value`, `missing-value`
 */
export function renumber(document: GraphDocument): void {
  const ids = orderOf(document)
  document.nodes.forEach((node, i) => {
    const where = `${node.kind === 'apply' ? node.op : node.kind} #${i}`
    if (node.kind === 'apply') move(node.inputs, ids, where)
    move(listOf(node as DocumentApply, 'outputs'), ids, where)
    for (const inner of innerDocuments(node)) renumber(inner)
  })
  for (const port of [...document.inputs, ...document.outputs]) {
    const to = placeOf(port.value, ids, `'${port.name}'`)
    if (to !== port.value) port.value = to
  }
}

function orderOf(document: GraphDocument): ReadonlyMap<number, number> {
  const ids = new Map<number, number>()
  for (const node of document.nodes)
    for (const id of listOf(node as DocumentApply, 'outputs')) {
      if (ids.has(id))
        throw new GraphError(
          'duplicate-value',
          'edit',
          `two nodes make value #${id}; a new value takes a number that is not in use`,
        )
      ids.set(id, ids.size)
    }
  return ids
}

function move(list: number[], ids: ReadonlyMap<number, number>, where: string): void {
  list.forEach((id, k) => {
    const to = placeOf(id, ids, where)
    if (to !== id) list[k] = to
  })
}

function placeOf(id: number, ids: ReadonlyMap<number, number>, where: string): number {
  const to = ids.get(id)
  if (to !== undefined) return to
  throw new GraphError('missing-value', where, `reads value #${String(id)}, which no node makes`)
}

function listOf(node: Partial<DocumentApply>, key: 'inputs' | 'outputs'): number[] {
  const list = node?.[key]
  if (Array.isArray(list)) return list
  const rule = 'a node names the values it makes, and an application those it reads'
  throw new GraphError('ill-formed', 'edit', `a node has no list '${key}'; ${rule}`)
}

const innerDocuments = (node: DocumentNode): readonly GraphDocument[] =>
  node.kind === 'apply' ? Object.values(node.attrs ?? {}).filter(isDocument) : []
