import type { Graph } from '../graph.js'
import { type Dim, type Shape, showShape, sizeOf } from '../shape.js'
import type { Tensor } from '../tensor.js'
import type { Lexer, Token } from './lexer.js'
import { DEPTH } from './values.js'

const constants: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
  ['undefined', undefined],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
])

/** True where a number is next. */
export function seesNumber(lexer: Lexer): boolean {
  return lexer.next.kind === 'number' || lexer.seesWord('NaN') || lexer.seesWord('Infinity')
}

/** A number. @throws GraphError `parse` */
export function readNumber(lexer: Lexer): number {
  if (!seesNumber(lexer)) throw lexer.unexpected('a number')
  return Number(lexer.take().text)
}

/** A shape: lengths and names of axes in brackets. @throws GraphError `parse` */
export function readShape(lexer: Lexer): Shape {
  const shape: Dim[] = []
  lexer.expect('[', 'a shape such as [3, T]')
  while (!lexer.sees(']')) {
    const axis = lexer.next.kind !== 'number'
    shape.push(axis ? lexer.name('a length or the name of an axis').text : readNumber(lexer))
    if (!lexer.accept(',')) break
  }
  lexer.expect(']', "',' or ']'")
  return shape
}

/**
 * A setting: a number, a word, a list, a record, a tensor, or a graph, which `readGraph` reads.
 * @throws GraphError `parse`, also where lists and records stand too deep in each other.
 */
export function readValue(lexer: Lexer, readGraph: (depth: number) => Graph, depth: number): unknown {
  if (depth > DEPTH) throw lexer.error(lexer.next, `stands more than ${DEPTH} deep; the limit is ${DEPTH}`)
  const inner = (): unknown => readValue(lexer, readGraph, depth + 1)
  if (seesNumber(lexer)) return readNumber(lexer)
  if (lexer.sees('[')) return readList(lexer, inner)
  if (lexer.sees('{')) return readRecord(lexer, inner)
  if (lexer.seesWord('graph')) return readGraph(depth + 1)
  const token = lexer.name('a value')
  if (token.kind === 'quoted') return token.text
  if (token.text === 'tensor') return readTensor(lexer)
  return constants.has(token.text) ? constants.get(token.text) : token.text
}

function readList(lexer: Lexer, item: () => unknown): unknown[] {
  const list: unknown[] = []
  lexer.expect('[')
  while (!lexer.sees(']')) {
    list.push(item())
    if (!lexer.accept(',')) break
  }
  lexer.expect(']', "',' or ']'")
  return list
}

function readRecord(lexer: Lexer, item: () => unknown): Record<string, unknown> {
  const record: Record<string, unknown> = {}
  lexer.expect('{')
  while (!lexer.sees('}')) {
    const key = lexer.name('a key')
    lexer.expect(':')
    define(lexer, record, key, item())
    if (!lexer.accept(',')) break
  }
  lexer.expect('}', "',' or '}'")
  return record
}

/** Sets a key once, `__proto__` included. @throws GraphError `parse` where it is there already. */
export function define(lexer: Lexer, record: Record<string, unknown>, key: Token, value: unknown): void {
  if (Object.hasOwn(record, key.text))
    throw lexer.error(key, `${lexer.show(key)} stands twice; keys are unique`, 'leave one of them out')
  Object.defineProperty(record, key.text, { value, enumerable: true, configurable: true, writable: true })
}

/** `tensor([2, 2], [1, 2, 3, 4])`, after its first word. */
function readTensor(lexer: Lexer): Tensor {
  lexer.expect('(')
  const at = lexer.next
  const shape = readShape(lexer)
  lexer.expect(',')
  const list = lexer.next
  const data = readList(lexer, () => readNumber(lexer)) as number[]
  lexer.expect(')')
  const bound = boundShape(lexer, shape, at)
  if (sizeOf(bound) !== data.length)
    throw lexer.error(list, `${data.length} numbers do not fill ${showShape(bound)}`)
  return { shape: bound, data: Float64Array.from(data) }
}

/** A shape of whole numbers that a tensor can have. @throws GraphError `parse` */
export function boundShape(lexer: Lexer, shape: Shape, at: Token): readonly number[] {
  const named = shape.find(dim => typeof dim === 'string')
  if (named !== undefined)
    throw lexer.error(at, `axis '${named}' has no length; a constant has a shape of numbers`)
  if (shape.length > DEPTH)
    throw lexer.error(at, `has ${shape.length} axes; the limit for a constant is ${DEPTH}`)
  return shape as readonly number[]
}

/** A constant as nested lists that fill the shape. @throws GraphError `parse` */
export function readConstant(lexer: Lexer, shape: readonly number[], at: Token): Tensor {
  const size = sizeOf(shape)
  if (size > lexer.text.length)
    throw lexer.error(at, `${showShape(shape)} has ${size} elements, more than the text can hold`)
  const data = new Float64Array(size)
  let filled = 0
  const level = (axis: number): void => {
    if (axis === shape.length) {
      data[filled++] = readNumber(lexer)
      return
    }
    lexer.expect('[', `a list of ${shape[axis]}, for the shape ${showShape(shape)}`)
    for (let i = 0; i < shape[axis]!; i++) {
      if (i > 0) lexer.expect(',', `',' (a list of ${shape[axis]}, for the shape ${showShape(shape)})`)
      level(axis + 1)
    }
    lexer.expect(']', `']' after ${shape[axis]} entries, for the shape ${showShape(shape)}`)
  }
  if (size > 0) level(0)
  else {
    lexer.expect('[', `'[]', for the shape ${showShape(shape)}`)
    lexer.expect(']', `'[]', for the shape ${showShape(shape)}`)
  }
  return { shape, data }
}
