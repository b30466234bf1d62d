import { Builder } from '../builder.js'
import { add } from '../elementwise.js'
import { type LinearizedGraph, linearizeGraph } from '../gradient.js'
import type { ApplyNode, Graph, Linearized, OpSpec, Port } from '../graph.js'
import { zeros } from '../linear.js'
import type { Home, Ref } from '../ref.js'
import { activeInputs } from './activity.js'
import type { ScanAttrs } from './attrs.js'

/**
 * The derivative of a loop: the forward scan, made to save what the way back reads (residuals), and a scan over
 * those in the opposite direction, whose carry is the cotangent of the carry and the sums for the constants.
 */
export function linearizeScan(
  spec: OpSpec,
  inputs: readonly Ref[],
  attrs: ScanAttrs,
  wants: readonly boolean[],
): Linearized {
  const active = activeInputs(attrs, wants)
  const step = linearizeStep(attrs, active)
  const saved = planResiduals(step, attrs)
  const outer = inputs[0]!.builder
  const kept = attrs.body.outputs.map((port, i) => ({ name: port.name, value: step.outputs[i]!.id }))
  const body = { ...step.forward, outputs: [...kept, ...saved.stacked] }
  const outputs = outer.apply(spec, inputs, { ...attrs, body })
  return {
    outputs: outputs.slice(0, attrs.body.outputs.length),
    pullback: cotangents =>
      backwardScan({ spec, outer, inputs, outputs, attrs, wants, active, step, saved, cotangents }),
  }
}

/** The table of one step, forward nodes first, then the nodes that pull back. */
interface Step {
  readonly forward: Pick<Graph, 'nodes' | 'shapes' | 'inputs'>
  readonly outputs: readonly Ref[]
  readonly backward: readonly ApplyNode[]
  readonly builder: Builder
  /** Per body output: the cotangent that enters there, where one can. */
  readonly seeds: readonly (Ref | null)[]
  /** Per body input: the cotangent that leaves there. */
  readonly cotangents: readonly (Ref | null)[]
}

function linearizeStep({ body }: ScanAttrs, active: readonly boolean[]): Step {
  const builder = new Builder()
  const inputs = body.inputs.map(port => builder.input(port.name, body.shapes[port.value]!))
  const line: LinearizedGraph = linearizeGraph(builder, body, inputs, active)
  const forward = { nodes: [...builder.nodes], shapes: [...builder.shapes], inputs: [...builder.inputs] }
  const seeds = body.outputs.map((port, i) =>
    line.active[i]! ? builder.input(`bar.${port.name}`, line.outputs[i]!.shape) : null,
  )
  const cotangents = line.pullback(seeds)
  const made = builder.nodes.slice(forward.nodes.length)
  const backward = made.filter(node => node.kind === 'apply')
  return { forward, outputs: line.outputs, backward, builder, seeds, cotangents }
}

/** Where the backward body finds a forward value: a sequence or a constant of the loop, or a stacked extra output. */
interface Residuals {
  /** Forward values to stack, as further outputs of the forward body. */
  readonly stacked: readonly Port[]
  /** Value id of the step → position among all outputs of the forward scan. */
  readonly positions: ReadonlyMap<number, number>
  /** Value id of the step → position among the loop's inputs (an xs or a constant). */
  readonly reused: ReadonlyMap<number, number>
}

function planResiduals(
  { forward, backward, outputs, builder, cotangents }: Step,
  attrs: ScanAttrs,
): Residuals {
  const reused = new Map(
    forward.inputs.flatMap((port, i) => (i < attrs.carry ? [] : [[port.value, i] as const])),
  )
  const positions = new Map<number, number>()
  outputs.forEach((ref, i) => {
    if (i >= attrs.carry && !reused.has(ref.id)) positions.set(ref.id, i)
  })
  const stacked: Port[] = []
  const need = (id: number): void => {
    if (id >= forward.shapes.length || reused.has(id) || positions.has(id) || builder.constantAt(id)) return
    positions.set(id, attrs.body.outputs.length + stacked.length)
    stacked.push({ name: `saved.${stacked.length}`, value: id })
  }
  for (const node of backward) node.inputs.forEach(need)
  for (const ref of cotangents) if (ref) need(ref.id)
  return { stacked, positions, reused }
}

interface Way {
  readonly spec: OpSpec
  readonly outer: Home
  readonly inputs: readonly Ref[]
  readonly outputs: readonly Ref[]
  readonly attrs: ScanAttrs
  readonly wants: readonly boolean[]
  readonly active: readonly boolean[]
  readonly step: Step
  readonly saved: Residuals
  readonly cotangents: readonly (Ref | null)[]
}

function backwardScan(way: Way): readonly (Ref | null)[] {
  const { attrs, active, wants, step, outer, spec } = way
  const isConst = (i: number): boolean => i >= attrs.carry + attrs.xs
  const carried = attrs.body.inputs.flatMap((_, i) =>
    (i < attrs.carry ? active[i] : isConst(i) && wants[i]) ? [i] : [],
  )
  const stacked = attrs.body.inputs.flatMap((_, i) =>
    i >= attrs.carry && !isConst(i) && wants[i] ? [i] : [],
  )
  const back = new BackwardBody(way, carried)
  const sums = carried.map((i, k) =>
    isConst(i) ? back.sum(k, step.cotangents[i]!) : back.value(i, step.cotangents[i]!),
  )
  const parts = stacked.map(i => back.value(i, step.cotangents[i]!))
  const outputs = [
    ...sums.map((ref, k) => ({ name: `carry.bar.${k}`, value: ref.id })),
    ...parts.map((ref, k) => ({ name: `y.bar.${k}`, value: ref.id })),
  ]
  const start = carried.map(
    i => (i < attrs.carry ? way.cotangents[i] : null) ?? zeros(outer.constant(0), way.inputs[i]!.shape),
  )
  const body = back.builder.build(outputs)
  const made = outer.apply(spec, [...start, ...back.sequences, ...back.consts], {
    body,
    carry: carried.length,
    xs: back.sequences.length,
    length: attrs.length,
    reverse: !attrs.reverse,
  } satisfies ScanAttrs)
  return attrs.body.inputs.map((_, i) => {
    if (!wants[i]) return null
    return made[carried.includes(i) ? carried.indexOf(i) : carried.length + stacked.indexOf(i)]!
  })
}

/** Builds the body of the backward scan: the pullback nodes of the step, reading residuals instead of forward values. */
class BackwardBody {
  readonly builder = new Builder()
  readonly sequences: Ref[] = []
  readonly consts: Ref[] = []
  readonly #way: Way
  readonly #sums: readonly Ref[]
  readonly #refs = new Map<number, Ref>()

  constructor(way: Way, carried: readonly number[]) {
    this.#way = way
    const { attrs, step } = way
    this.#sums = carried.map(i =>
      this.builder.input(`carry.bar.${attrs.body.inputs[i]!.name}`, way.inputs[i]!.shape),
    )
    this.#seed(carried)
    const values = [
      ...step.backward.flatMap(node => node.inputs),
      ...step.cotangents.flatMap(ref => (ref ? [ref.id] : [])),
    ]
    for (const id of values) this.#sequence(id)
    for (const id of values) this.#constant(id)
    for (const node of step.backward) this.#copy(node)
  }

  /** The cotangent of input i, zero where the step gives none. */
  value(i: number, cotangent: Ref | null): Ref {
    if (cotangent !== null) return this.#refs.get(cotangent.id)!
    return zeros(
      this.builder.constant(0),
      this.#way.attrs.body.shapes[this.#way.attrs.body.inputs[i]!.value]!,
    )
  }

  /** The running sum of a constant's cotangent. */
  sum(k: number, cotangent: Ref | null): Ref {
    const sum = this.#sums[k]!
    return cotangent === null ? sum : add(sum, this.#refs.get(cotangent.id)!)
  }

  /** Cotangents enter the step through the carry, and through the stacked outputs that have one. */
  #seed(carried: readonly number[]): void {
    const { attrs, step, cotangents, outer, outputs } = this.#way
    step.seeds.forEach((seed, i) => {
      if (seed === null) return
      if (i < attrs.carry) this.#refs.set(seed.id, this.#sums[carried.indexOf(i)]!)
      else {
        this.sequences.push(cotangents[i] ?? zeros(outer.constant(0), outputs[i]!.shape))
        this.#refs.set(seed.id, this.builder.input(`x.${attrs.body.outputs[i]!.name}`, seed.shape))
      }
    })
  }

  /** Forward values that differ from step to step become sequences of the backward scan. */
  #sequence(id: number): void {
    const { attrs, step, saved, inputs, outputs } = this.#way
    if (id >= step.forward.shapes.length || this.#refs.has(id)) return
    const position = saved.positions.get(id)
    const input = saved.reused.get(id)
    if (position === undefined && (input === undefined || input >= attrs.carry + attrs.xs)) return
    this.sequences.push(position === undefined ? inputs[input!]! : outputs[position]!)
    this.#refs.set(id, this.builder.input(`x.saved.${id}`, step.forward.shapes[id]!))
  }

  /** Constants of the loop stay constants; literals are written again. */
  #constant(id: number): void {
    const { step, saved, inputs } = this.#way
    if (this.#refs.has(id)) return
    const literal = step.builder.constantAt(id)
    if (literal !== undefined) this.#refs.set(id, this.builder.constant(literal))
    const input = saved.reused.get(id)
    if (input === undefined) return
    this.consts.push(inputs[input]!)
    this.#refs.set(id, this.builder.input(`const.${id}`, step.forward.shapes[id]!))
  }

  #copy(node: ApplyNode): void {
    const made = this.builder.apply(
      node.op,
      node.inputs.map(id => this.#refs.get(id)!),
      node.attrs,
    )
    node.outputs.forEach((id, k) => this.#refs.set(id, made[k]!))
  }
}
