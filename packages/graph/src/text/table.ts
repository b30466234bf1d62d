import type { Attrs } from '../attrs.js'
import type { Graph, Node, OpSpec, Port } from '../graph.js'
import { checkShape, type Shape, sameShape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import type { Lexer, Token } from './lexer.js'
import { scalarKey } from './names.js'
import { nearest } from './nearest.js'
import { shapeText } from './words.js'

/** A value that a line makes: its name and the shape that is written. */
export interface Made {
  readonly name: Token
  readonly at: Token
  readonly shape: Shape
}

/** The table of a graph while its text is read. */
export class Table {
  readonly shapes: Shape[] = []
  readonly #lexer: Lexer
  readonly #nodes: Node[] = []
  readonly #names = new Map<string, number>()
  readonly #scalars = new Map<number | string, number>()
  /** Inputs in the order of the graph; those with a line of their own wait for it. */
  readonly #inputs: Token[] = []
  readonly #waiting = new Set<string>()

  constructor(lexer: Lexer) {
    this.#lexer = lexer
  }

  /** An input: made now where its shape is known. */
  declare(name: Token, shape: Shape | undefined): void {
    if (this.#names.has(name.text) || this.#waiting.has(name.text)) throw this.#twice(name)
    this.#inputs.push(name)
    if (shape === undefined) this.#waiting.add(name.text)
    else this.#input(name, shape)
  }

  /** Makes an input that was declared without a shape. */
  place(name: Token, shape: Shape): void {
    if (!this.#waiting.delete(name.text))
      throw this.#lexer.error(
        name,
        `${this.#lexer.show(name)} does not wait for its line; 'input' is for inputs that are listed without a shape`,
      )
    this.#input(name, shape)
  }

  /** A number that stands for an input: equal numbers are one value. */
  scalar(value: number): number {
    const known = this.#scalars.get(scalarKey(value))
    if (known !== undefined) return known
    const id = this.#constant({ shape: [], data: Float64Array.of(value) })
    this.#scalars.set(scalarKey(value), id)
    return id
  }

  /** A constant with a line of its own. */
  constant(name: Token, value: Tensor): void {
    this.#name(name, this.#constant(value))
  }

  /** An application, whose shapes by rule have to be those that are written. */
  apply(
    op: OpSpec,
    inputs: readonly number[],
    attrs: Attrs,
    made: readonly Made[],
    shapes: readonly Shape[],
  ): void {
    if (shapes.length !== made.length)
      throw this.#lexer.error(
        made[0]!.name,
        `${op.name} makes ${shapes.length === 1 ? 'one value' : `${shapes.length} values`}; this line names ${made.length}`,
      )
    made.forEach(({ at, shape }, k) => {
      if (!isShape(shapes[k]) || !sameShape(shapes[k], shape))
        throw this.#lexer.error(at, `${shapeText(shape)} is written, ${op.name} makes ${show(shapes[k])}`)
    })
    const outputs = made.map(({ shape }) => this.shapes.push(shape) - 1)
    this.#nodes.push({ kind: 'apply', op, inputs, attrs, outputs })
    made.forEach(({ name }, k) => {
      this.#name(name, outputs[k]!)
    })
  }

  /**
   * The value of this name; `line` are the names that the line itself makes.
   * @throws GraphError `parse` where it is not made before.
   */
  find(name: Token, line: readonly string[] = []): number {
    const id = this.#names.get(name.text)
    if (id !== undefined) return id
    const shown = this.#lexer.show(name)
    if (line.includes(name.text))
      throw this.#lexer.error(
        name,
        `${shown} reads itself; a node reads values of earlier lines`,
        'graphs have no cycles: repeat with scan',
      )
    if (this.#waiting.has(name.text) || this.#comesLater(name))
      throw this.#lexer.error(
        name,
        `${shown} is read before it is made; a node reads values of earlier lines`,
        'move the line that makes it up',
      )
    const near = nearest(name.text, this.#names.keys())
    throw this.#lexer.error(name, `${shown} is no value of this graph`, near && `did you mean ${near}?`)
  }

  /** The finished graph. @throws GraphError `parse` where an input was declared and not made. */
  graph(outputs: readonly Port[], end: Token): Graph {
    for (const name of this.#waiting)
      throw this.#lexer.error(
        end,
        `input '${name}' has no shape; give it in the head, or in a line '${name}: [...] = input'`,
      )
    const inputs = this.#inputs.map(({ text }) => ({ name: text, value: this.#names.get(text)! }))
    return { nodes: this.#nodes, shapes: this.shapes, inputs, outputs }
  }

  #input(name: Token, shape: Shape): void {
    const id = this.shapes.push(shape) - 1
    this.#nodes.push({ kind: 'input', name: name.text, outputs: [id] })
    this.#name(name, id)
  }

  #constant(value: Tensor): number {
    const id = this.shapes.push(value.shape) - 1
    this.#nodes.push({ kind: 'constant', value, outputs: [id] })
    return id
  }

  #name(name: Token, id: number): void {
    if (this.#names.has(name.text) || this.#waiting.has(name.text)) throw this.#twice(name)
    this.#names.set(name.text, id)
  }

  #twice(name: Token): Error {
    return this.#lexer.error(
      name,
      `the name ${this.#lexer.show(name)} stands twice; names are unique`,
      'rename one of them',
    )
  }

  /** True where a later line seems to make this name. */
  #comesLater({ start, end }: Token): boolean {
    const { text } = this.#lexer
    const written = text.slice(start, end)
    const from = text.indexOf('\n', end)
    if (from < 0) return false
    return [`\n`, ` `].some(before => text.indexOf(`${before}${written}: [`, from) >= 0)
  }
}

function isShape(shape: unknown): shape is Shape {
  if (!Array.isArray(shape)) return false
  try {
    checkShape(shape, '')
    return true
  } catch {
    return false
  }
}

const show = (shape: unknown): string => (isShape(shape) ? shapeText(shape) : 'no shape that can be')
