import type { Attrs } from './attrs.js'
import { GraphError } from './error.js'
import type { ApplyNode, Graph, Node, OpSpec, Port } from './graph.js'
import { type Home, isRef, Ref, type Term } from './ref.js'
import { checkShape, type Shape } from './shape.js'
import { isTensor, type Tensor, tensor } from './tensor.js'

/** A table that grows by appending. The body of a loop has a builder of its own, whose `parent` is the graph around it. */
export class Builder implements Home {
  readonly nodes: Node[] = []
  readonly shapes: Shape[] = []
  readonly inputs: Port[] = []
  readonly depth: number
  /** Values of the graph around this one, in the order they were first used here. */
  readonly captured: Ref[] = []
  readonly #parent: Home | undefined
  readonly #constants = new Map<number, Tensor>()
  readonly #scalars = new Map<number, Ref>()
  readonly #captures = new Map<number, Ref>()

  constructor(parent?: Home) {
    this.#parent = parent
    this.depth = parent === undefined ? 0 : parent.depth + 1
  }

  /** Appends an input. */
  input(name: string, shape: Shape): Ref {
    const value = this.#value(checkShape(shape, `input '${name}'`))
    this.nodes.push({ kind: 'input', name, outputs: [value] })
    this.inputs.push({ name, value })
    return new Ref(this, value)
  }

  /** Appends a constant; equal scalars share one node. */
  constant(value: Tensor | number): Ref {
    const scalar = scalarToShare(value)
    const known = scalar === undefined ? undefined : this.#scalars.get(scalar)
    if (known !== undefined) return known
    const fixed = tensor(value)
    const id = this.#value(fixed.shape)
    this.nodes.push({ kind: 'constant', value: fixed, outputs: [id] })
    this.#constants.set(id, fixed)
    const ref = new Ref(this, id)
    if (scalar !== undefined) this.#scalars.set(scalar, ref)
    return ref
  }

  /** Appends an application, without folding. */
  apply(op: OpSpec, inputs: readonly Ref[], attrs: Attrs): readonly Ref[] {
    const given = inputs.map(ref => ref.shape)
    const shapes = op.shapes(given, attrs)
    const outputs = shapes.map(shape =>
      this.#value(given.includes(shape) ? shape : checkShape(shape, op.name)),
    )
    this.nodes.push({ kind: 'apply', op, inputs: inputs.map(ref => ref.id), attrs, outputs })
    return outputs.map(id => new Ref(this, id))
  }

  /** Appends an application that stands in another graph, whose `shapes` are known: here it has inputs of the same shapes. */
  copy(
    { op, attrs, outputs: old }: ApplyNode,
    inputs: readonly Ref[],
    shapes: readonly Shape[],
  ): readonly Ref[] {
    const outputs = old.map(id => this.#value(shapes[id]!))
    this.nodes.push({ kind: 'apply', op, inputs: inputs.map(ref => ref.id), attrs, outputs })
    return outputs.map(id => new Ref(this, id))
  }

  /** The term as a value of this graph: constants are added, values of a graph around this one are captured. */
  adopt(term: Term, where: string): Ref {
    if (!isRef(term)) return this.constant(term)
    if (term.builder === this) return term
    if (this.#parent === undefined || term.builder.depth >= this.depth)
      throw new GraphError(
        'foreign-node',
        where,
        'reads a value of another graph; ops join values of one graph',
        'return the value from its graph, or pass it in as an input',
      )
    return this.#capture(term, where)
  }

  /** The table as a graph. */
  build(outputs: readonly Port[]): Graph {
    return { nodes: this.nodes, shapes: this.shapes, inputs: this.inputs, outputs }
  }

  constantAt(id: number): Tensor | undefined {
    return this.#constants.get(id)
  }

  #value(shape: Shape): number {
    return this.shapes.push(shape) - 1
  }

  #capture(term: Ref, where: string): Ref {
    const outer = this.#parent!.adopt(term, where)
    if (outer.constant !== undefined && outer.shape.length === 0)
      return this.constant(outer.constant.data[0]!)
    const known = this.#captures.get(outer.id)
    if (known !== undefined) return known
    const inner = this.input(`const.${this.captured.length}`, outer.shape)
    this.#captures.set(outer.id, inner)
    this.captured.push(outer)
    return inner
  }
}

/** The number in a scalar; none for −0, which a map does not tell from 0. */
function scalarToShare(value: Tensor | number): number | undefined {
  const scalar = typeof value === 'number' ? value : value.shape.length === 0 ? value.data[0] : undefined
  return Object.is(scalar, -0) ? undefined : scalar
}

/**
 * Applies an op to terms: in the innermost graph that one of them belongs to, folded where the op knows a cheaper equal value.
 * @throws GraphError `no-graph` where every term is a constant.
 */
export function applyOp(op: OpSpec, terms: readonly Term[], attrs: Attrs): readonly Ref[] {
  const builder = homeOf(op, terms)
  const inputs = terms.map(term => builder.adopt(checkTerm(op, term), op.name))
  const folded = op.fold?.(inputs, attrs)
  return folded === undefined ? builder.apply(op, inputs, attrs) : [folded]
}

function homeOf(op: OpSpec, terms: readonly Term[]): Home {
  let home: Home | undefined
  for (const term of terms)
    if (isRef(term) && (home === undefined || term.builder.depth > home.depth)) home = term.builder
  if (home !== undefined) return home
  throw new GraphError(
    'no-graph',
    op.name,
    'every input is a constant, so there is no graph to add to; at least one input is a value of the graph',
    'compute constants in plain JavaScript',
  )
}

function checkTerm(op: OpSpec, term: Term): Term {
  if (isRef(term) || typeof term === 'number' || isTensor(term)) return term
  throw new GraphError(
    'bad-term',
    op.name,
    `an input is ${Array.isArray(term) ? 'a list' : String(term)}; inputs are values of the graph, numbers or tensors`,
    'wrap a list in tensor(…)',
  )
}
