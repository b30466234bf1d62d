import {
  add,
  type Dim,
  dot,
  type Graph,
  graph,
  grow,
  isRef,
  isShape,
  type Loss,
  leaves,
  mapTree,
  mul,
  type Ref,
  type Shape,
  sum,
  type Tree,
  valueAndGradient,
} from '@bptt/graph'
import type { Cell } from './cell.js'
import { type Now, stepOnce } from './edge.js'
import { copyPart, levelsOf, refsOf } from './part.js'

/** One step of a batch, taken apart: what it does, and the way back from what it saved. */
export interface SplitStep {
  /**
   * Inputs params, carry [batch, ...], x, target, and per example credit, reset and mask [batch]. Outputs the next `carry`, `loss`
   * [batch], and `saved`: what the way back reads beside the parameters.
   */
  readonly forward: Graph
  /** Inputs params, `saved`, and cotangents `seed.carry` and `seed.loss`. Outputs the cotangents of `params` and `carry`. */
  readonly backward: Graph
  /** Shapes of `saved`. */
  readonly saved: Readonly<Record<string, Shape>>
}

/**
 * Takes a step of a cell apart, so that its forward part need not run again for the backward one: the values that the way back
 * reads become outputs. Values of parameters alone are not saved but computed anew, from the parameters of that time.
 */
export function splitStep(
  cell: Cell,
  { loss, batch }: { readonly loss: Loss; readonly batch: number },
): SplitStep {
  const joint = jointGraph(cell, loss, batch)
  const levels = levelsOf(joint, levelOf)
  const saves = savesOf(joint, levels)
  const saved = Object.fromEntries(saves.map((id, i) => [`s${i}`, joint.shapes[id]!]))
  const forward = graph(inputsOf(joint, name => !name.startsWith('seed.')) as Tree<Shape>, given => {
    const refs = copyPart(joint, { inputs: refsOf(given, 'splitStep'), wanted: id => levels[id] !== BACK })
    const results = joint.outputs.filter(({ name }) => /^(carry|loss)(\.|$)/.test(name))
    return grow([
      ...results.map(({ name, value }) => [name, refs[value]!] as const),
      ...saves.map((id, i) => [`saved.s${i}`, refs[id]!] as const),
    ])
  })
  const backward = graph({ ...inputsOf(joint, isOfBack), saved } as Tree<Shape>, given => {
    const inputs = refsOf(given, 'splitStep')
    const known = new Map(saves.map((id, i) => [id, inputs.get(`saved.s${i}`)!] as const))
    const refs = copyPart(joint, { inputs, known, wanted: id => levels[id] !== FORWARD })
    return grow(
      joint.outputs.flatMap(({ name, value }) =>
        name.startsWith('gradient.') ? [[name.slice('gradient.'.length), refs[value]!] as const] : [],
      ),
    )
  })
  return { forward: forward as Graph, backward: backward as Graph, saved }
}

const isOfBack = (name: string): boolean => /^(params|seed)(\.|$)/.test(name)

/** A step and its way back in one graph. */
function jointGraph(cell: Cell, loss: Loss, batch: number): Graph {
  const front = (shape: Shape): Shape => [batch, ...shape]
  const carry = mapTree(cell.carry, isShape, front)
  const each: readonly Dim[] = [batch]
  const inputs = {
    params: cell.params,
    carry,
    x: front(cell.input),
    target: front(loss.target?.(cell.output) ?? cell.output),
    ...{ credit: each, reset: each, mask: each },
    seed: { carry, loss: each },
  }
  const made = graph(inputs as Tree<Shape>, refs => {
    const { params = {}, carry: before = {}, target, seed, ...now } = refs as unknown as JointRefs
    const [after, y] = stepOnce(cell, { steps: 1, batch }, params, before, now)
    const losses = loss(y, target)
    const seeds = new Map(leaves(seed.carry ?? {}, isRef, cell.name))
    const pulled = leaves(after, isRef, cell.name).map(([name, value]) => sum(mul(value, seeds.get(name)!)))
    return { carry: after, loss: losses, total: pulled.reduce((a, b) => add(a, b), dot(losses, seed.loss)) }
  })
  const by = ['params', 'carry'].filter(part => made.inputs.some(({ name }) => name.startsWith(part)))
  return valueAndGradient(made as Graph, { of: 'total', by }) as Graph
}

/** A graph has no empty branches. */
interface JointRefs extends Now {
  readonly params?: Tree<Ref>
  readonly carry?: Tree<Ref>
  readonly target: Ref
  readonly seed: { readonly carry?: Tree<Ref>; readonly loss: Ref }
}

/** What a value depends on at most: parameters, the step's inputs, cotangents. */
const [FIXED, FORWARD, BACK] = [0, 1, 2]

const levelOf = (input: string): number =>
  input.startsWith('seed.') ? BACK : isOfBack(input) ? FIXED : FORWARD

/** Values of the forward part that the way back reads, or gives back as they are. */
function savesOf(joint: Graph, levels: readonly number[]): readonly number[] {
  const read = joint.nodes.flatMap(node =>
    node.kind === 'apply' && levels[node.outputs[0]!] === BACK ? [...node.inputs] : [],
  )
  const given = joint.outputs.flatMap(({ name, value }) => (name.startsWith('gradient.') ? [value] : []))
  return [...new Set([...read, ...given])].filter(id => levels[id] === FORWARD)
}

function inputsOf({ inputs, shapes }: Graph, wanted: (name: string) => boolean): object {
  return grow(
    inputs.flatMap(({ name, value }) => (wanted(name) ? [[name, shapes[value]!] as const] : [])),
  ) as object
}
