import { GraphError } from './error.js'
import type { Graph, OpSpec, Port } from './graph.js'
import { ops } from './ops/all.js'
import { checkShape, type Shape } from './shape.js'
import { Lexer, type Token } from './text/lexer.js'
import { nearest } from './text/nearest.js'
import {
  boundShape,
  define,
  readConstant,
  readNumber,
  readShape,
  readValue,
  seesNumber,
} from './text/read.js'
import { type Made, Table } from './text/table.js'
import { DEPTH } from './text/values.js'
import { shapeText } from './text/words.js'

/** How a text is read. */
export interface ParseOptions {
  /** Ops that the text may name, besides those of this package; one with the name of another takes its place. */
  readonly ops?: readonly (OpSpec | { readonly spec: OpSpec })[]
}

/**
 * The graph of a text that `print` wrote, or a person: `parse(print(g))` equals `g`, bodies of loops included.
 *
 * A line `a: [3] = mul(w, x)` names a value, its shape, the op, what the op reads, and its settings. Numbers that
 * stand for an input are constants. Line breaks are spaces; comments run from `//` to the end of the line. Every op's
 * own shape rule is asked, and has to agree with the shape that is written.
 *
 * @throws GraphError `parse`, with line:column: what was found and what was expected; unknown ops and values, values
 * read before they are made, names used twice, shapes that do not agree, settings an op does not take.
 */
export function parse(text: string, options: ParseOptions = {}): Graph {
  const given = (options.ops ?? []).map(op => ('spec' in op ? op.spec : op))
  const known = new Map([...ops, ...given].map(op => [op.name, op] as const))
  const parser = new Parser(new Lexer(text), known)
  return parser.program()
}

class Parser {
  readonly #lexer: Lexer
  readonly #ops: ReadonlyMap<string, OpSpec>

  constructor(lexer: Lexer, known: ReadonlyMap<string, OpSpec>) {
    this.#lexer = lexer
    this.#ops = known
  }

  /** A graph and nothing after it. */
  program(): Graph {
    const graph = this.#graph(0)
    if (this.#lexer.next.kind !== 'end') throw this.#lexer.unexpected('the end of the text')
    return graph
  }

  #graph(depth: number): Graph {
    if (!this.#lexer.seesWord('graph')) throw this.#lexer.unexpected("'graph('")
    this.#lexer.take()
    return this.#block(depth)
  }

  /** `(inputs) { lines return outputs }`, after the word before it. */
  #block(depth: number): Graph {
    const lexer = this.#lexer
    if (depth > DEPTH)
      throw lexer.error(lexer.next, `a loop stands in ${depth} others; at most ${DEPTH} stand in each other`)
    const table = new Table(lexer)
    this.#inputs(table)
    lexer.expect('{')
    while (!lexer.seesWord('return')) this.#line(table, depth)
    lexer.take()
    const outputs = this.#outputs(table)
    const end = lexer.expect('}', "',' or '}'")
    return table.graph(outputs, end)
  }

  #inputs(table: Table): void {
    const lexer = this.#lexer
    lexer.expect('(')
    while (!lexer.sees(')')) {
      const name = lexer.name('the name of an input')
      table.declare(name, lexer.accept(':') ? this.#shape() : undefined)
      if (!lexer.accept(',')) break
    }
    lexer.expect(')', "',' or ')'")
  }

  #outputs(table: Table): readonly Port[] {
    const lexer = this.#lexer
    const ports: Port[] = []
    const taken = new Set<string>()
    while (!lexer.sees('}')) {
      const name = lexer.name('the name of an output')
      if (taken.has(name.text))
        throw lexer.error(
          name,
          `output ${lexer.show(name)} stands twice; names are unique`,
          'rename one of them',
        )
      taken.add(name.text)
      ports.push({ name: name.text, value: lexer.accept(':') ? this.#term(table) : table.find(name) })
      if (!lexer.accept(',')) break
    }
    return ports
  }

  /** A value by its name, or a number. */
  #term(table: Table): number {
    if (seesNumber(this.#lexer)) return table.scalar(readNumber(this.#lexer))
    return table.find(this.#lexer.name('a value or a number'))
  }

  #line(table: Table, depth: number): void {
    const lexer = this.#lexer
    const made: Made[] = []
    do {
      const name = lexer.name("a line such as 'a: [3] = mul(w, x)', or 'return'")
      lexer.expect(':')
      made.push({ name, at: lexer.next, shape: this.#shape() })
    } while (lexer.accept(','))
    lexer.expect('=', "',' or '='")
    if (seesNumber(lexer) || lexer.sees('[')) this.#constant(table, made)
    else this.#application(table, made, depth)
  }

  #constant(table: Table, made: readonly Made[]): void {
    const { name, at, shape } = only(made, this.#lexer)
    const value = readConstant(this.#lexer, boundShape(this.#lexer, shape, at), at)
    table.constant(name, value)
  }

  #application(table: Table, made: readonly Made[], depth: number): void {
    const lexer = this.#lexer
    const op = lexer.name('an op, a number or a list')
    if (op.kind === 'word' && op.text === 'input' && !lexer.sees('(')) {
      const { name, shape } = only(made, lexer)
      table.place(name, shape)
      return
    }
    const spec = this.#ops.get(op.text)
    if (spec === undefined) throw this.#unknownOp(op)
    const { inputs, attrs } = this.#arguments(table, made, depth)
    while (this.#startsBlock()) this.#body(attrs, depth)
    if (!spec.variadic && inputs.length !== spec.inputs.length)
      throw lexer.error(
        op,
        `${spec.name} takes ${spec.inputs.length} inputs (${spec.inputs.join(', ')}), got ${inputs.length}`,
      )
    table.apply(
      spec,
      inputs,
      attrs,
      made,
      this.#ruleShapes(
        op,
        spec,
        inputs.map(id => table.shapes[id]!),
        attrs,
      ),
    )
  }

  #arguments(
    table: Table,
    made: readonly Made[],
    depth: number,
  ): { inputs: readonly number[]; attrs: Record<string, unknown> } {
    const lexer = this.#lexer
    const inputs: number[] = []
    const attrs: Record<string, unknown> = {}
    lexer.expect('(')
    while (!lexer.sees(')')) {
      if (seesNumber(lexer)) inputs.push(table.scalar(readNumber(lexer)))
      else {
        const name = lexer.name('a value, a number or a setting')
        if (lexer.accept(':'))
          define(
            lexer,
            attrs,
            name,
            readValue(lexer, at => this.#graph(at), depth),
          )
        else
          inputs.push(
            table.find(
              name,
              made.map(item => item.name.text),
            ),
          )
      }
      if (!lexer.accept(',')) break
    }
    lexer.expect(')', "',' or ')'")
    return { inputs, attrs }
  }

  /** A word and a parenthesis begin the body of a loop; a word and a colon the next line. */
  #startsBlock(): boolean {
    const { next, text } = this.#lexer
    return (
      (next.kind === 'word' || next.kind === 'quoted') &&
      !this.#lexer.seesWord('return') &&
      /\s*\(/y.test(text.slice(next.end, next.end + 100))
    )
  }

  #body(attrs: Record<string, unknown>, depth: number): void {
    const key = this.#lexer.take()
    define(this.#lexer, attrs, key, this.#block(depth + 1))
  }

  #shape(): Shape {
    const at = this.#lexer.next
    return this.#sound(readShape(this.#lexer), at)
  }

  #sound(shape: Shape, at: Token): Shape {
    try {
      return checkShape(shape, 'shape')
    } catch (error) {
      throw this.#lexer.error(at, `the shape ${(error as GraphError).detail}`, (error as GraphError).hint)
    }
  }

  /** The output shapes by the op's own rule; whatever goes wrong in it is the text's fault. */
  #ruleShapes(
    at: Token,
    spec: OpSpec,
    inputs: readonly Shape[],
    attrs: Record<string, unknown>,
  ): readonly Shape[] {
    const taken = inputs.map(shapeText).join(', ') || 'none'
    try {
      return spec.shapes(inputs, attrs)
    } catch (error) {
      if (error instanceof GraphError)
        throw this.#lexer.error(at, `${error.where}: ${error.detail}`, error.hint)
      const why = error instanceof Error ? error.message : String(error)
      throw this.#lexer.error(at, `${spec.name} does not take these settings on inputs ${taken}: ${why}`)
    }
  }

  #unknownOp(at: Token): GraphError {
    const near = nearest(at.text, this.#ops.keys())
    return this.#lexer.error(
      at,
      `${this.#lexer.show(at)} is no known op`,
      near === undefined
        ? 'give your own ops to parse: parse(text, { ops: [...] })'
        : `did you mean ${near}?`,
    )
  }
}

/** The one value of a line that can make only one. */
function only(made: readonly Made[], lexer: Lexer): Made {
  if (made.length === 1) return made[0]!
  throw lexer.error(made[1]!.name, 'stands beside another value; an input or a constant is one value')
}
