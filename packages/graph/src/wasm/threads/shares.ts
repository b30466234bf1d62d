import type { Emission } from '../../emission.js'
import { GraphError } from '../../error.js'
import type { ApplyNode, Graph } from '../../graph.js'
import { rowMajor } from '../../layout.js'
import { nodeLines } from '../../print.js'
import type { ScanAttrs } from '../../scan/attrs.js'
import type { Dim, Shape } from '../../shape.js'
import { nameValues } from '../../text/names.js'

/**
 * What one of several threads has of a value when the batch is split among them: all of it (`same`), its own rows
 * (`part`), a summand (`sum`) or a candidate for the largest (`max`), or nothing, since it is only known once the
 * threads have met (`later`).
 */
export type Share = 'same' | 'part' | 'sum' | 'max' | 'later'

/** An application, its shapes, and what a thread has of its inputs. */
interface Site {
  readonly node: ApplyNode
  readonly axis: string
  readonly given: readonly Share[]
  readonly inputs: readonly Shape[]
  readonly outputs: readonly Shape[]
}

/** What a thread has of an application's outputs; undefined where it cannot be split. */
type Rule = (site: Site) => readonly Share[] | undefined

/**
 * What a thread has of every value of a graph whose rows along `axis` are split.
 *
 * @throws GraphError `unsplittable` at the first node that mixes rows, or needs all threads' results for its rows.
 */
export function sharesOf(graph: Graph, axis: string): readonly Share[] {
  const shares = new Array<Share>(graph.shapes.length)
  for (const { value } of graph.inputs) shares[value] = graph.shapes[value]!.includes(axis) ? 'part' : 'same'
  return follow(graph, axis, shares, true)
}

/** Shares of all values, from those of the inputs. Only outside loops may values wait for the threads to meet. */
function follow(graph: Graph, axis: string, shares: Share[], mayWait: boolean): readonly Share[] {
  for (const node of graph.nodes) {
    if (node.kind === 'constant') shares[node.outputs[0]] = 'same'
    if (node.kind !== 'apply') continue
    const given = node.inputs.map(id => shares[id]!)
    const found = outputShares(graph, node, axis, given, mayWait)
    if (found === undefined) throw unsplittable(graph, node, axis, given)
    node.outputs.forEach((id, k) => {
      shares[id] = found[k]!
    })
  }
  return shares
}

const waits = (share: Share): boolean => share === 'sum' || share === 'max' || share === 'later'

function outputShares(
  graph: Graph,
  node: ApplyNode,
  axis: string,
  given: readonly Share[],
  mayWait: boolean,
): readonly Share[] | undefined {
  if (given.some(waits))
    return mayWait && !given.includes('part') ? node.outputs.map(() => 'later') : undefined
  const inputs = node.inputs.map(id => graph.shapes[id]!)
  const outputs = node.outputs.map(id => graph.shapes[id]!)
  if (![...inputs, ...outputs].some(shape => shape.includes(axis))) return node.outputs.map(() => 'same')
  if (outputs.some(shape => shape.filter(dim => dim === axis).length > 1)) return undefined
  const { emission } = node.op
  return emission && rules[emission.kind]({ node, axis, given, inputs, outputs })
}

const rules: Readonly<Record<Emission['kind'], Rule>> = {
  lanes: () => ['part'],
  view: looks,
  reduce: ({ node, axis, outputs }) =>
    outputs[0]!.includes(axis) ? ['part'] : [(node.op.emission as Of<'reduce'>).by],
  place: ({ node, axis, outputs }) => {
    const { parts } = node.op.emission as Of<'place'>
    return outputs[0]![parts(node.attrs, []).axis] === axis ? undefined : ['part']
  },
  product,
  rows,
  loop,
}

type Of<K extends Emission['kind']> = Extract<Emission, { kind: K }>

/** A look at a part is a part where its rows lie as those of the input. */
function looks({ node, axis, inputs, outputs }: Site): readonly Share[] | undefined {
  const [input] = inputs as [Shape]
  const from = input.indexOf(axis)
  if (from < 0) return node.outputs.map(() => 'part')
  const shape = sized(input, axis)
  const layout = { shape, strides: rowMajor(shape), offset: 0 }
  const { view } = node.op.emission as Of<'view'>
  const same = outputs.every((output, k) => {
    const found = view(layout, node.attrs, sized(output, axis), k)
    return found !== undefined && found.strides[output.indexOf(axis)] === layout.strides[from]
  })
  return same ? node.outputs.map(() => 'part') : undefined
}

/** The shape with numbers for its axes: unlike any other length for the split one. */
const sized = (shape: Shape, axis: string): readonly Dim[] =>
  shape.map(dim => (dim === axis ? 1009 : typeof dim === 'string' ? 1013 : dim))

/** The split letter is one; where the result lacks it, it was summed over. */
function product({ node, axis, inputs, outputs }: Site): readonly Share[] | undefined {
  const [from, y] = (node.op.emission as Of<'product'>).spec(node.attrs).split('->') as [string, string]
  const letters = new Set(from.split(',').flatMap((axes, i) => lettersOf(axes, inputs[i]!, axis)))
  for (const letter of lettersOf(y, outputs[0]!, axis)) letters.add(letter)
  if (letters.size !== 1) return undefined
  return outputs[0]!.includes(axis) ? ['part'] : ['sum']
}

const lettersOf = (axes: string, shape: Shape, axis: string): readonly string[] =>
  [...axes].filter((_, i) => shape[i] === axis)

/** Ids may be split; of what they copy or add, the rows that belong to them. */
function rows({ node, axis, inputs, outputs }: Site): readonly Share[] | undefined {
  const { direction } = node.op.emission as Of<'rows'>
  const ids = inputs.at(-1)!
  if (direction === 'one') return ['part']
  if (direction === 'out') return ids.includes(axis) && !inputs[0]!.includes(axis) ? ['part'] : undefined
  return ids.includes(axis) && !outputs[0]!.includes(axis) ? ['sum'] : undefined
}

/** A loop is split where its body is: a carry keeps its share from step to step. */
function loop({ node, axis, given, inputs }: Site): readonly Share[] | undefined {
  const { body, carry, xs, length } = node.attrs as ScanAttrs
  if (length === axis || inputs.slice(carry, carry + xs).some(shape => shape[0] === axis)) return undefined
  const shares = new Array<Share>(body.shapes.length)
  body.inputs.forEach(({ value }, i) => {
    const part = given[i] === 'part' || body.shapes[value]!.includes(axis)
    shares[value] = part ? 'part' : 'same'
  })
  const found = follow(body, axis, shares, false)
  const outputs = body.outputs.map(({ value }) => found[value]!)
  const kept = outputs.slice(0, carry).every((share, i) => share === shares[body.inputs[i]!.value])
  return kept ? outputs : undefined
}

function unsplittable(graph: Graph, node: ApplyNode, axis: string, given: readonly Share[]): GraphError {
  const names = nameValues(graph)
  const line = nodeLines(graph, node, names)[0] ?? node.op.name
  const late = node.inputs.find((_, i) => waits(given[i]!))
  const why =
    late === undefined
      ? `it does not work row by row along '${axis}'`
      : `${names.text[late]} is known only when every thread is done`
  return new GraphError(
    'unsplittable',
    'compile',
    `threads cannot split '${axis}': ${line}: ${why}; each thread has its own rows, and they meet once, at the end`,
    'compile with threads: 1',
  )
}
