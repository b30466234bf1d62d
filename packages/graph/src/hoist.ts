import { Builder } from './builder.js'
import { add } from './elementwise.js'
import type { ApplyNode, Graph, Node } from './graph.js'
import { expand, sumTo } from './linear.js'
import type { Ref } from './ref.js'
import { rewritten } from './rewrite/nodes.js'
import type { ScanAttrs } from './scan/attrs.js'
import { type HoistPlan, planHoist } from './scan/hoist-plan.js'
import { mapOp } from './scan/map-op.js'
import { type Shape, showShape } from './shape.js'

/**
 * The graph with work taken out of its loops, where one op over all steps does it: products of what the carry does
 * not reach go before the loop, products that only stacked outputs need go after it, and sums over the steps
 * (the gradients of weights) become one product over all steps' rows. Same value and derivative; the order of
 * summation differs, so the last bits may.
 */
export function hoist<In, Out>(graph: Graph<In, Out>): Graph<In, Out> {
  const zero = zeroValues(graph)
  return rewritten(graph, (node, refs, builder) => {
    const inputs = refs.map((ref, i) => ({ ref, zero: zero.has(node.inputs[i]!) }))
    return hoisted(builder, node, inputs, graph.shapes)
  })
}

/** Values known to be zero everywhere: constants, and other looks at them. */
function zeroValues({ nodes }: Graph): ReadonlySet<number> {
  const zero = new Set<number>()
  for (const node of nodes)
    if (node.kind === 'constant' ? node.value.data.every(value => Object.is(value, 0)) : isLookAt(node, zero))
      for (const id of node.outputs) zero.add(id)
  return zero
}

const isLookAt = (node: Node, zero: ReadonlySet<number>): boolean =>
  node.kind === 'apply' && node.op.emission?.kind === 'view' && node.inputs.every(id => zero.has(id))

/** An input of a loop, and whether it is known to be zero. */
interface LoopInput {
  readonly ref: Ref
  readonly zero: boolean
}

function hoisted(
  builder: Builder,
  node: ApplyNode,
  inputs: readonly LoopInput[],
  shapes: readonly Shape[],
): readonly Ref[] {
  const { op, attrs } = node
  if (op.emission?.kind !== 'loop')
    return builder.copy(
      node,
      inputs.map(({ ref }) => ref),
      shapes,
    )
  const inner = { ...attrs, body: hoist(attrs['body'] as Graph) } as ScanAttrs
  return new Hoisting(builder, op, inner, inputs).run()
}

/** A value as it is outside the loop: with the steps as a first axis, or the same at every step. */
interface Outside {
  readonly ref: Ref
  readonly mapped: boolean
}

/** One loop being taken apart. */
class Hoisting {
  readonly #builder: Builder
  readonly #op: ApplyNode['op']
  readonly #attrs: ScanAttrs
  readonly #inputs: readonly Ref[]
  readonly #starts: readonly LoopInput[]
  readonly #plan: HoistPlan
  /** Values of the body that are known outside: before the loop is made, then also after. */
  readonly #outside = new Map<number, Outside>()
  /** Sums over the steps, by term and shape: the biases of an LSTM both add up the same cotangents. */
  readonly #totals = new Map<string, Ref>()

  constructor(builder: Builder, op: ApplyNode['op'], attrs: ScanAttrs, inputs: readonly LoopInput[]) {
    this.#builder = builder
    this.#op = op
    this.#attrs = attrs
    this.#inputs = inputs.map(({ ref }) => ref)
    this.#starts = inputs
    this.#plan = planHoist(attrs)
  }

  run(): readonly Ref[] {
    this.#before()
    const made = this.#loop()
    for (const node of this.#plan.after) this.#apply(node)
    const { body, carry } = this.#attrs
    return body.outputs.map(({ value }, i) => {
      if (i >= carry) return this.#stacked(value)
      return this.#plan.sums.has(i) ? this.#sum(i) : made[i]!
    })
  }

  /** Inputs and literals of the body, and what is computed before the loop. */
  #before(): void {
    const { body, carry, xs } = this.#attrs
    body.inputs.forEach((port, i) => {
      if (i >= carry) this.#outside.set(port.value, { ref: this.#inputs[i]!, mapped: i < carry + xs })
    })
    for (const node of body.nodes)
      if (node.kind === 'constant')
        this.#outside.set(node.outputs[0], {
          ref: this.#builder.constant(node.value),
          mapped: false,
        })
    for (const node of this.#plan.before) this.#apply(node)
  }

  /** Applies a node of the body over all steps at once. */
  #apply(node: ApplyNode): void {
    const inputs = node.inputs.map(id => this.#outside.get(id)!)
    const refs = inputs.map(({ ref }) => ref)
    const mapped = inputs.map(input => input.mapped)
    const any = mapped.includes(true)
    const made = any
      ? [mapOp(node.op, refs, mapped, node.attrs)]
      : this.#builder.apply(node.op, refs, node.attrs)
    node.outputs.forEach((id, k) => this.#outside.set(id, { ref: made[k]!, mapped: any }))
  }

  /** A value with the steps as its first axis. */
  #stacked(value: number): Ref {
    const { ref, mapped } = this.#outside.get(value)!
    if (mapped) return ref
    return expand(ref, { shape: [this.#attrs.length, ...ref.shape] })
  }

  /** The final value of a carry that only sums: its start plus one sum per term over all steps. */
  #sum(i: number): Ref {
    const start = this.#starts[i]!
    const sums = this.#plan.sums.get(i)!.map(term => this.#total(term, start.ref.shape))
    return (start.zero ? sums : [start.ref, ...sums]).reduce((total, part) => add(total, part))
  }

  #total(term: number, shape: Shape): Ref {
    const key = `${term} ${showShape(shape)}`
    const made = this.#totals.get(key) ?? this.#sumOf(term, shape)
    this.#totals.set(key, made)
    return made
  }

  #sumOf(term: number, shape: Shape): Ref {
    const node = this.#plan.maker(term)
    if (node === undefined || !this.#plan.accumulates(term)) return sumTo(this.#stacked(term), { shape })
    const inputs = node.inputs.map(id => this.#stacked(id))
    return node.op.accumulate!(inputs, node.attrs)
  }

  /** The loop with what is left of its body; the refs of its carries by their old positions. */
  #loop(): readonly (Ref | undefined)[] {
    const { body, carry } = this.#attrs
    const { stays, needed } = this.#plan
    const kept = body.inputs.map((_, i) => i).filter(i => i < carry && !this.#plan.sums.has(i))
    const inner = new Builder()
    const refs = new Map<number, Ref>()
    const enter = (value: number, name: string): void => {
      refs.set(value, inner.input(name, body.shapes[value]!))
    }
    for (const i of kept) enter(body.inputs[i]!.value, body.inputs[i]!.name)
    const read = this.#plan.read.filter(value => !this.#isLiteral(value))
    const xs = read.filter(value => this.#outside.get(value)!.mapped)
    const consts = read.filter(value => !this.#outside.get(value)!.mapped)
    xs.forEach(value => enter(value, `x.${value}`))
    consts.forEach(value => enter(value, `const.${value}`))
    for (const node of stays) this.#copy(inner, node, refs)
    const ref = (value: number): Ref => refs.get(value) ?? this.#literal(inner, value)
    const outputs = [
      ...kept.map(i => ({ name: body.outputs[i]!.name, value: ref(body.outputs[i]!.value).id })),
      ...needed.map(value => ({ name: `y.${value}`, value: ref(value).id })),
    ]
    const inputs = [
      ...kept.map(i => this.#inputs[i]!),
      ...[...xs, ...consts].map(value => this.#outside.get(value)!.ref),
    ]
    if (outputs.length === 0) return []
    const attrs = { ...this.#attrs, body: inner.build(outputs), carry: kept.length, xs: xs.length }
    const made = this.#builder.apply(this.#op, inputs, attrs)
    needed.forEach((value, k) => this.#outside.set(value, { ref: made[kept.length + k]!, mapped: true }))
    const carries: (Ref | undefined)[] = body.inputs.map(() => undefined)
    kept.forEach((i, k) => {
      carries[i] = made[k]
    })
    return carries
  }

  #isLiteral(value: number): boolean {
    const outside = this.#outside.get(value)
    return outside !== undefined && !outside.mapped && outside.ref.constant !== undefined
  }

  #literal(inner: Builder, value: number): Ref {
    const fixed = this.#outside.get(value)!.ref.constant!
    return inner.constant(fixed)
  }

  #copy(inner: Builder, node: ApplyNode, refs: Map<number, Ref>): void {
    const inputs = node.inputs.map(id => refs.get(id) ?? this.#literal(inner, id))
    const made = inner.copy(node, inputs, this.#attrs.body.shapes)
    made.forEach((ref, k) => refs.set(node.outputs[k]!, ref))
  }
}
