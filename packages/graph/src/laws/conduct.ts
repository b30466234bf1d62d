import { Builder } from '../builder.js'
import { GraphError } from '../error.js'
import type { OpSpec, Run } from '../graph.js'
import { callable } from '../op.js'
import { type Shape, showShape, sizeOf } from '../shape.js'
import { tensor } from '../tensor.js'
import { bound } from './point.js'
import { drawInput, type Site } from './site.js'
import { sameBits } from './vectors.js'

/** The forward function gives the shape that the rule says, filled. */
export function honestShape(site: Site): string | undefined {
  const values = site.mapping.call(site.inputs)
  for (const [k, { value }] of site.mapping.graph.outputs.entries()) {
    const rule = bound(site.mapping.graph.shapes[value]!, lengthsOf(site))
    const made = values[k]!
    if (showShape(made.shape) !== showShape(rule))
      return `output ${k} has the shape ${showShape(made.shape)}; the rule says ${showShape(rule)}`
    if (made.data.length !== sizeOf(rule))
      return `output ${k} holds ${made.data.length} numbers; ${showShape(rule)} has ${sizeOf(rule)}`
  }
  return undefined
}

function lengthsOf({ shapes, inputs }: Site): ReadonlyMap<string, number> {
  return new Map(
    shapes.flatMap((shape, i) =>
      shape.flatMap((dim, axis) =>
        typeof dim === 'string' ? [[dim, inputs[i]!.shape[axis]!] as const] : [],
      ),
    ),
  )
}

/** Forward leaves its inputs as they are, and gives the same bits again. */
export function noMutation({ mapping, inputs }: Site): string | undefined {
  const before = inputs.map(({ shape, data }) => ({ shape, data: data.slice() }))
  const first = mapping.call(inputs).map(({ shape, data }) => ({ shape, data: data.slice() }))
  if (!sameBits(before, inputs)) return 'forward changes an input; values are read-only'
  return sameBits(first, mapping.call(inputs)) ? undefined : 'forward gives other bits the second time'
}

/** The cost is a whole number ≥ 0, and does not shrink as the inputs grow. */
export function soundCost(site: Site): string | undefined {
  const { spec, shapes, attrs } = site
  const costAt = (axes: ReadonlyMap<string, number>, wider: readonly Shape[]): number => {
    const inputs = wider.map(shape => bound(shape, axes))
    const made = spec.shapes(wider, attrs).map(shape => bound(shape, axes))
    return spec.flops(inputs, { attrs, shapes: made, bindings: axes } satisfies Run)
  }
  const cost = costAt(lengthsOf(site), shapes)
  if (!Number.isInteger(cost) || cost < 0) return `flops are ${cost}; a cost is a whole number ≥ 0`
  const wider = shapes.map(shape => ['N', ...shape.slice(1)])
  const longer = new Map([...lengthsOf(site), ['N', 1000] as const])
  const grown = shapes.every(shape => shape.length > 0) ? attempt(() => costAt(longer, wider)) : undefined
  if (typeof grown === 'number' && grown < cost)
    return `flops fall from ${cost} to ${grown} as the inputs grow`
  return undefined
}

function attempt<T>(make: () => T): T | GraphError {
  try {
    return make()
  } catch (error) {
    if (error instanceof GraphError) return error
    throw error
  }
}

/** Too few inputs, and shapes that do not fit, give a coded error that names the op and states the rule. */
export function codedErrors(site: Site): string | undefined {
  const { spec, shapes, attrs } = site
  if (!spec.variadic && shapes.length > 1) {
    const ref = new Builder().input('x', shapes[0]!)
    const found = errorProblem(spec, () => (callable(spec) as unknown as (x: unknown) => unknown)(ref))
    if (found !== undefined) return `called with one input: ${found}`
  }
  for (const [i, shape] of shapes.entries())
    for (const odd of misfits(shape)) {
      const given = shapes.map((other, k) => (k === i ? odd : other))
      const found = fittingProblem(site, given, attrs)
      if (found !== undefined) return `on ${given.map(showShape).join(', ')}: ${found}`
    }
  return undefined
}

/** Shapes beside one that fits: longer and shorter axes, one axis more or less. */
function misfits(shape: Shape): readonly Shape[] {
  const longer = shape.map((_, axis) => shape.map((dim, i) => (i === axis ? 7 : dim)))
  return [...longer, [7, ...shape], [...shape, 7], shape.slice(1), shape.slice(0, -1)]
}

/** A shape the rule takes is one that forward fills; one it refuses, it refuses as it should. */
function fittingProblem(site: Site, shapes: readonly Shape[], attrs: Site['attrs']): string | undefined {
  const { spec, next } = site
  const fits = errorProblem(spec, () => spec.shapes(shapes, attrs))
  if (fits !== 'no error') return fits
  const lengths = lengthsOf(site)
  const inputs = shapes.map((shape, i) => drawInput(spec, i, bound(shape, lengths), next))
  const bounds = spec.shapes(shapes, attrs).map(shape => bound(shape, lengths))
  const made = attempt(() => spec.forward(inputs, { attrs, shapes: bounds, bindings: lengths }))
  if (made instanceof GraphError) return made.code === 'bad-index' ? undefined : messageProblem(spec, made)
  const odd = made.findIndex((value, k) => {
    const filled = value.data.length === sizeOf(bounds[k]!)
    return !filled || showShape(value.shape) !== showShape(bounds[k]!)
  })
  return odd < 0
    ? undefined
    : `the rule says ${showShape(bounds[odd]!)}, forward gives ${showShape(tensor(made[odd]!).shape)}`
}

/** What is wrong with the error that a call gives; undefined where it is as it should be. */
function errorProblem(spec: OpSpec, call: () => unknown): string | undefined {
  try {
    call()
  } catch (error) {
    return error instanceof GraphError
      ? messageProblem(spec, error)
      : `throws ${String(error)}, no GraphError`
  }
  return 'no error'
}

function messageProblem(spec: OpSpec, { code, where, detail }: GraphError): string | undefined {
  if (!/^[a-z]+(-[a-z]+)*$/.test(code)) return `the code '${code}' is not kebab-case`
  if (where !== spec.name) return `the error is about '${where}', not '${spec.name}'`
  return detail.includes('; ') ? undefined : `the error '${detail}' states no rule after '; '`
}
