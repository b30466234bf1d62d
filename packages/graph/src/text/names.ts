import type { ConstantNode, Graph, Node } from '../graph.js'
import { isPlain, numberText, word } from './words.js'

/** How the values of a graph are called in its text. */
export interface Names {
  /** By value id: a name, or for a scalar that stands where it is used, the number. */
  readonly text: readonly string[]
  /** Value ids of scalars that stand where they are used, so that they have no line of their own. */
  readonly inlined: ReadonlySet<number>
  /** Value ids of inputs that come first, in the order of the graph's inputs; the others have a line. */
  readonly leading: ReadonlySet<number>
}

/**
 * Names for all values: inputs by their own names, scalars by their value, the others by letters in the order they are made.
 *
 * Reading the text puts a number that is used for the first time just before the node that uses it, in the order of
 * that node's inputs; equal numbers are one value. A scalar that would come to stand elsewhere gets a letter and a line.
 */
export function nameValues(graph: Graph): Names {
  const inlined = inlineScalars(graph)
  const text: string[] = []
  const fresh = freshNames(graph)
  for (const node of graph.nodes)
    for (const id of node.outputs)
      text[id] =
        node.kind === 'input'
          ? word(node.name)
          : inlined.has(id)
            ? numberText((node as ConstantNode).value.data[0]!)
            : fresh()
  return { text, inlined, leading: leadingInputs(graph) }
}

function freshNames(graph: Graph): () => string {
  const taken = new Set(graph.inputs.map(port => port.name))
  let made = 0
  return () => {
    for (;;) {
      const name = letters(made++)
      if (isPlain(name) && !taken.has(name)) return name
    }
  }
}

const letters = (n: number): string =>
  (n >= 26 ? letters(Math.floor(n / 26) - 1) : '') + String.fromCharCode(97 + (n % 26))

/** The inputs at the head of the table, as far as they follow the order of the graph's inputs. */
function leadingInputs(graph: Graph): ReadonlySet<number> {
  const rank = new Map(graph.inputs.map((port, i) => [port.value, i] as const))
  const leading = new Set<number>()
  let last = -1
  for (const node of graph.nodes) {
    const at = node.kind === 'input' ? rank.get(node.outputs[0]) : undefined
    if (at === undefined || at < last) break
    last = at
    leading.add(node.outputs[0]!)
  }
  return leading
}

/** The scalars that reading back would put in the same place. */
function inlineScalars(graph: Graph): ReadonlySet<number> {
  const inlined = new Set<number>()
  const known = new Map<number | string, number>()
  let run: Scalar[] = []
  const read = (ids: readonly number[]): void => {
    for (const { id, key } of lastRead(run, ids, known)) {
      known.set(key, id)
      inlined.add(id)
    }
    run = []
  }
  for (const node of graph.nodes) {
    if (node.kind === 'constant') {
      const scalar = scalarOf(node)
      if (scalar === undefined) run = []
      else run.push(scalar)
    } else read(node.kind === 'apply' ? node.inputs : [])
  }
  read(graph.outputs.map(port => port.value))
  return inlined
}

interface Scalar {
  readonly id: number
  /** Equal for equal numbers; -0 is not 0. */
  readonly key: number | string
}

function scalarOf({ value, outputs }: ConstantNode): Scalar | undefined {
  return value.shape.length === 0 ? { id: outputs[0], key: scalarKey(value.data[0]!) } : undefined
}

/** A key that tells numbers apart as `Object.is` does. */
export function scalarKey(value: number): number | string {
  return Object.is(value, -0) ? '-0' : value
}

/** The longest tail of the constants before a node that its inputs name in the same order, each number for the first time. */
function lastRead(
  run: readonly Scalar[],
  ids: readonly number[],
  known: ReadonlyMap<number | string, number>,
): readonly Scalar[] {
  const seen = new Set<number | string>()
  const wanted = ids.flatMap(id => {
    const scalar = run.find(item => item.id === id)
    if (scalar === undefined || known.has(scalar.key) || seen.has(scalar.key)) return []
    seen.add(scalar.key)
    return [scalar]
  })
  let tail = run.length
  for (let i = wanted.length - 1; i >= 0 && tail > 0; i--) if (run[tail - 1] === wanted[i]) tail--
  return run.slice(tail)
}

/** True for a node that has a line in the text. */
export function hasLine(node: Node, { inlined, leading }: Names): boolean {
  return node.kind === 'apply' || !(node.kind === 'input' ? leading : inlined).has(node.outputs[0])
}
