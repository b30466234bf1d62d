import type { ApplyNode, Graph } from '../../graph.js'
import { put } from '../../multimap.js'
import { contract } from '../../ops/contract.js'
import type { ScanAttrs } from '../../scan/attrs.js'
import { type Shape, sizeOf } from '../../shape.js'
import { Survey } from './survey.js'

/** Products that share an operand and differ in the other one, which can be joined along an axis that the output has too. */
export interface Siblings {
  readonly nodes: readonly ApplyNode[]
  /** Position of the operand they share. */
  readonly shared: 0 | 1
  /** The joined axis in the other operands, and in the outputs. */
  readonly from: number
  readonly to: number
  /** Elements of one product's matrix: a weight, or the gradient of one. */
  readonly size: number
  /** Those that stay apart, although their weights lie with the others. */
  readonly apart: ReadonlySet<ApplyNode>
}

/** Products that are only added up: Σ dz · W with the weights W [n, …] at one position, and the rows dz [1, n] at the other. */
export interface Terms {
  readonly nodes: readonly ApplyNode[]
  /** Position of the weights, which are joined along their first axis. */
  readonly weights: 0 | 1
  /** The joined axis in the rows. */
  readonly axis: number
  /** Elements of one weight. */
  readonly size: number
  /** True where the rows can be written side by side as they are made. */
  readonly movable: boolean
}

/** A sum with products to be joined in it, and the values it adds besides. */
export interface Sum {
  readonly groups: readonly Terms[]
  readonly rest: readonly number[]
}

/** What can be joined in a graph and in the bodies of its loops. */
export interface Found {
  readonly siblings: ReadonlyMap<ApplyNode, Siblings>
  /** By the last addition. */
  readonly sums: ReadonlyMap<ApplyNode, Sum>
  readonly loops: ReadonlyMap<ApplyNode, Found>
}

/** Products that may be joined; undefined where there are none. `loop` is given for the body of one. O(nodes). */
export function findGates(graph: Graph, loop?: ScanAttrs): Found | undefined {
  const loops = new Map<ApplyNode, Found>()
  for (const node of graph.nodes) {
    if (node.kind !== 'apply' || node.op.emission?.kind !== 'loop') continue
    const attrs = node.attrs as ScanAttrs
    const found = findGates(attrs.body, attrs)
    if (found !== undefined) loops.set(node, found)
  }
  const alike = alikeProducts(graph)
  if (alike.length === 0)
    return loops.size === 0 ? undefined : { siblings: new Map(), sums: new Map(), loops }
  const survey = new Survey(graph, loop, new Set(loops.keys()))
  const siblings = findSiblings(survey, alike)
  const sums = findSums(survey, alike)
  return siblings.size + sums.size + loops.size === 0 ? undefined : { siblings, sums, loops }
}

/** Products of equal spec and shapes, where there are several. */
function alikeProducts({ nodes, shapes }: Graph): readonly (readonly ApplyNode[])[] {
  const products = nodes.filter(
    (node): node is ApplyNode => node.kind === 'apply' && node.op === contract.spec,
  )
  return several(products, node => `${specOf(node)} ${node.inputs.map(id => shapes[id]!.join('×'))}`)
}

/** Things in groups of equal keys, where there are at least two; those without a key are left out. */
function several<T>(
  all: readonly T[],
  key: (one: T) => string | number | undefined,
): readonly (readonly T[])[] {
  const groups = new Map<string | number, T[]>()
  for (const one of all) {
    const name = key(one)
    if (name !== undefined) put(groups, name, one)
  }
  return [...groups.values()].filter(group => group.length > 1)
}

const specOf = ({ attrs }: ApplyNode): string => (attrs as { readonly spec: string }).spec

/** The letters of the operands and of the output. */
const lettersOf = (node: ApplyNode): readonly [string, string, string] =>
  specOf(node).split(/,|->/) as [string, string, string]

function findSiblings(
  survey: Survey,
  alike: readonly (readonly ApplyNode[])[],
): ReadonlyMap<ApplyNode, Siblings> {
  const found = new Map<ApplyNode, Siblings>()
  for (const products of alike)
    for (const shared of [0, 1] as const) {
      const axes = gateAxes(products[0]!, shared)
      if (axes === undefined) continue
      const fit = products.filter(node => fits(survey, node, shared, axes))
      for (const nodes of several(fit, node => node.inputs[shared])) {
        const size = matrixSize(survey, nodes[0]!, shared)
        const apart = new Set(
          nodes.filter(
            node => survey.still.has(node.inputs[1 - shared]!) && survey.isFactor(node.outputs[0]!),
          ),
        )
        for (const node of nodes) found.set(node, { nodes, shared, ...axes, size, apart })
      }
    }
  return found
}

interface GateAxes {
  readonly from: number
  readonly to: number
}

/** The one axis that is in the other operand and in the output only. */
function gateAxes(node: ApplyNode, shared: 0 | 1): GateAxes | undefined {
  const [a, b, y] = lettersOf(node)
  const [same, other] = shared === 0 ? [a, b] : [b, a]
  const gates = [...other].filter(letter => y.includes(letter) && !same.includes(letter))
  return gates.length === 1 ? { from: other.indexOf(gates[0]!), to: y.indexOf(gates[0]!) } : undefined
}

/** True where neither the joined operand nor a part of the joined output costs a copy. */
function fits(survey: Survey, node: ApplyNode, shared: 0 | 1, { from, to }: GateAxes): boolean {
  const other = node.inputs[1 - shared]!
  const [y] = node.outputs as [number]
  const shape = survey.shape(y)
  if (!survey.still.has(other)) return survey.isStack(other) && shape.slice(0, to).every(isOne)
  const row = shape.every((dim, axis) => axis === to || dim === 1 || (axis === 0 && survey.onlySteps(y)))
  return from === 0 && row
}

const isOne = (dim: unknown): boolean => dim === 1

/** Elements of the weight, or of its gradient. NaN where they are not known. */
function matrixSize(survey: Survey, node: ApplyNode, shared: 0 | 1): number {
  const other = node.inputs[1 - shared]!
  return sizeNow(survey.shape(survey.still.has(other) ? other : node.outputs[0]!))
}

const sizeNow = (shape: Shape): number =>
  sizeOf(shape.map(dim => (typeof dim === 'number' ? dim : Number.NaN)))

function findSums(survey: Survey, alike: readonly (readonly ApplyNode[])[]): ReadonlyMap<ApplyNode, Sum> {
  const groups = new Map<ApplyNode, Terms[]>()
  for (const products of alike)
    for (const weights of [0, 1] as const) {
      const axis = rowAxis(products[0]!, weights)
      if (axis === undefined) continue
      const size = sizeNow(survey.shape(products[0]!.inputs[weights]!))
      const fit = products.filter(node => adds(survey, node, weights, axis))
      for (const nodes of several(fit, node => survey.total(node)?.outputs[0])) {
        const total = survey.total(nodes[0]!)!
        const movable = nodes.every(node => isMovableRow(survey, node.inputs[1 - weights]!, axis))
        put(groups, total, { nodes, weights, axis, size, movable })
      }
    }
  return new Map([...groups].map(([total, all]) => [total, sumOf(survey, total, all)] as const))
}

function sumOf(survey: Survey, total: ApplyNode, groups: readonly Terms[]): Sum {
  const joined = new Set(groups.flatMap(({ nodes }) => nodes.flatMap(node => node.outputs)))
  return { groups, rest: survey.summands(total).filter(id => !joined.has(id)) }
}

/** The axis of the rows along which a product of weights sums, where it is the first one of the weights and the only one. */
function rowAxis(node: ApplyNode, weights: 0 | 1): number | undefined {
  const [a, b, y] = lettersOf(node)
  const [matrix, rows] = weights === 0 ? [a, b] : [b, a]
  const summed = [...matrix].filter(letter => rows.includes(letter) && !y.includes(letter))
  return summed.length === 1 && matrix[0] === summed[0] ? rows.indexOf(summed[0]!) : undefined
}

/** True for a term whose weight never changes and whose rows can be written side by side as they are made, or may lie so already. */
const adds = (survey: Survey, node: ApplyNode, weights: 0 | 1, axis: number): boolean =>
  survey.still.has(node.inputs[weights]!) &&
  (survey.isStack(node.inputs[1 - weights]!) || isMovableRow(survey, node.inputs[1 - weights]!, axis))

const isMovableRow = (survey: Survey, rows: number, axis: number): boolean =>
  survey.shape(rows).slice(0, axis).every(isOne) && survey.isMovable(rows)
