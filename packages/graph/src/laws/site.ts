import type { Attrs } from '../attrs.js'
import { Builder } from '../builder.js'
import type { Graph, OpSpec } from '../graph.js'
import type { Ref } from '../ref.js'
import { type Shape, showShape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { type Mapping, mappingOf } from './mapping.js'
import { bound } from './point.js'
import { drawIntegers, drawTensor } from './random.js'

/** One op, one case of its samples, one point: what a law of ops looks at. */
export interface Site {
  readonly spec: OpSpec
  readonly shapes: readonly Shape[]
  readonly attrs: Attrs
  readonly inputs: readonly Tensor[]
  /** Inputs that have a derivative. */
  readonly wanted: readonly boolean[]
  /** The graph of the single application, not folded. */
  readonly mapping: Mapping
  readonly next: () => number
}

/** A case as text: `[2, 3], [3] {spec: 'bi,i->b'}`. */
export function showCase(shapes: readonly Shape[], attrs: Attrs): string {
  const settings = Object.keys(attrs).length === 0 ? '' : ` ${JSON.stringify(attrs)}`
  return `on ${shapes.map(showShape).join(', ')}${settings}`
}

/** A site with drawn inputs. */
export function siteOf(
  spec: OpSpec,
  shapes: readonly Shape[],
  attrs: Attrs,
  next: () => number,
  axes: ReadonlyMap<string, number>,
): Site {
  const wanted = shapes.map((_, i) => spec.differentiable(i) && !isInteger(spec, i))
  const inputs = shapes.map((shape, i) => drawInput(spec, i, bound(shape, axes), next))
  return {
    spec,
    shapes,
    attrs,
    inputs,
    wanted,
    mapping: mappingOf(single(spec, shapes, attrs), wanted),
    next,
  }
}

/** True for an input that holds whole numbers. */
export function isInteger(spec: OpSpec, position: number): boolean {
  return spec.samples.integers?.[position] !== undefined
}

/** Numbers for one input, from the op's domain. */
export function drawInput(
  spec: OpSpec,
  position: number,
  shape: readonly number[],
  next: () => number,
): Tensor {
  const count = spec.samples.integers?.[position]
  return count === undefined ? drawTensor(next, shape, spec.samples.domain) : drawIntegers(next, shape, count)
}

/** Names for inputs at positions: a variadic op repeats its last name. */
export function inputName(spec: OpSpec, position: number): string {
  return spec.inputs[Math.min(position, spec.inputs.length - 1)]!
}

/** A graph of one application; `make` may put something else in its place. */
export function single(
  spec: OpSpec,
  shapes: readonly Shape[],
  attrs: Attrs,
  make: (inputs: readonly Ref[]) => readonly Ref[] = inputs => inputs[0]!.builder.apply(spec, inputs, attrs),
): Graph {
  const builder = new Builder()
  const inputs = shapes.map((shape, i) => builder.input(`${inputName(spec, i)}${i}`, shape))
  return builder.build(make(inputs).map((ref, k) => ({ name: `y${k}`, value: ref.id })))
}
