import { GraphError } from '../error.js'
import { readInputs, type Values } from '../evaluate.js'
import type { Graph, Port } from '../graph.js'
import { type Bindings, bindShape, checkShape, showShape } from '../shape.js'
import type { Tensor } from '../tensor.js'

/** A program's resident state: which outputs are kept in which inputs, and which inputs hold a value now. */
export class Residents {
  /** Output name → input name. */
  readonly keep: ReadonlyMap<string, string>
  readonly #graph: Graph
  readonly #kept: ReadonlySet<string>
  readonly #held = new Set<string>()

  /** @throws GraphError `unknown-output`, `unknown-input`, `shape`, `twice-kept`. */
  constructor(graph: Graph, keep: Readonly<Record<string, string>>) {
    this.#graph = graph
    this.keep = keepOf(graph, keep)
    this.#kept = new Set(this.keep.values())
  }

  /** The values by input, checked; resident ones may be missing. */
  read(values: Values): readonly (Tensor | undefined)[] {
    return readInputs(this.#graph, values, name => this.#kept.has(name) && this.#held.has(name))
  }

  /** Says that an input holds a value. */
  hold(name: string): void {
    this.#held.add(name)
  }

  holds(name: string): boolean {
    return this.#held.has(name)
  }

  /**
   * Values that are not given and would have another shape from now on are gone; state that is kept has to stay.
   * @throws GraphError `missing-input`.
   */
  forget(given: readonly (Tensor | undefined)[], before: Bindings, after: Bindings): void {
    const gone = this.#graph.inputs.filter(({ name, value }, i) => {
      if (given[i] !== undefined || !this.#held.has(name)) return false
      const [was, is] = [before, after].map(lengths =>
        showShape(bindShape(this.#graph.shapes[value]!, lengths, name)),
      )
      if (was !== is && this.#kept.has(name))
        throw new GraphError('missing-input', `input '${name}'`, `was ${was} and is now ${is}; give it anew`)
      return was !== is
    })
    for (const { name } of gone) this.#held.delete(name)
  }

  /** @returns the output that is kept in an input. @throws GraphError `missing-input` where there is none. */
  outputOf(input: string): string {
    const found = [...this.keep].find(([, kept]) => kept === input)?.[0]
    if (found !== undefined) return found
    throw noNext(input)
  }
}

/** Says that an input holds nothing to read. */
export function noValue(input: string): GraphError {
  return new GraphError(
    'missing-input',
    `input '${input}'`,
    'holds no value; it is read after a run that was given one',
  )
}

/** Says that there is nothing to commit to an input. */
export function noNext(input: string): GraphError {
  return new GraphError(
    'missing-input',
    `input '${input}'`,
    'has no next value; resident inputs have one after a run that is not committed',
  )
}

/** Says which names there are. */
export function noPort(graph: Graph, name: string): GraphError {
  const names = [...graph.inputs, ...graph.outputs].map(port => port.name).join(', ')
  return new GraphError('unknown-input', `'${name}'`, `is no input or output; there are ${names}`)
}

/** The names of the axes of a graph's inputs. */
export function namedAxes(graph: Graph): readonly string[] {
  return graph.inputs.flatMap(({ value }) => graph.shapes[value]!.filter(dim => typeof dim === 'string'))
}

/** @throws GraphError `unbound-axis` where one of these axes has no length. */
export function checkBound(names: readonly string[], bindings: Bindings): void {
  const open = names.find(axis => !bindings.has(axis))
  if (open !== undefined)
    throw new GraphError(
      'unbound-axis',
      'program',
      `axis '${open}' has no length; bind gives one to every named axis`,
    )
}

/** @throws GraphError `unknown-axis`, `bad-shape` where these are no lengths of axes that a program takes at run time. */
export function checkLengths(lengths: Readonly<Record<string, number>>, axes: readonly string[]): void {
  for (const [axis, length] of Object.entries(lengths)) {
    if (!axes.includes(axis))
      throw new GraphError(
        'unknown-axis',
        'program',
        `axis '${axis}' is none that a loop runs along; those are ${axes.join(', ') || 'none'}`,
        'bind the other axes first: their lengths are compiled in',
      )
    checkShape([length], `axis '${axis}'`)
  }
}

/** Output name → input name of all that is kept, checked. */
function keepOf(graph: Graph, keep: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const found = Object.entries(keep).flatMap(([out, input]) => pairs(graph, out, input))
  const shapeOf = (ports: readonly Port[], name: string): string =>
    showShape(graph.shapes[ports.find(port => port.name === name)!.value]!)
  found.forEach(([out, input], i) => {
    const [made, held] = [shapeOf(graph.outputs, out), shapeOf(graph.inputs, input)]
    if (made !== held)
      throw new GraphError(
        'shape',
        `'${out}'`,
        `is ${made} and input '${input}' ${held}; what is kept has the input's shape`,
      )
    const other = found.findIndex(pair => pair[1] === input)
    if (other < i)
      throw new GraphError(
        'twice-kept',
        `'${input}'`,
        `is to hold '${found[other]![0]}' and '${out}'; an input keeps one output`,
      )
  })
  return new Map(found)
}

/** Outputs under one name with the inputs under another: `params` keeps `params.W` in `params.W`. */
function pairs(graph: Graph, out: string, input: string): readonly (readonly [string, string])[] {
  const under = (name: string, prefix: string): boolean => name === prefix || name.startsWith(`${prefix}.`)
  const found = graph.outputs
    .filter(({ name }) => under(name, out))
    .map(({ name }) => [name, input + name.slice(out.length)] as const)
  const odd = found.find(([, name]) => !graph.inputs.some(port => port.name === name))
  if (found.length === 0)
    throw new GraphError('unknown-output', `'${out}'`, 'is not an output, so it cannot be kept')
  if (odd !== undefined)
    throw new GraphError(
      'unknown-input',
      `'${odd[1]}'`,
      `is not an input, so '${odd[0]}' cannot be kept there`,
    )
  return found
}
