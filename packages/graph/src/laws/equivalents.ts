import type { Ref } from '../ref.js'
import { sameShape, showShape } from '../shape.js'
import type { Tensor } from '../tensor.js'
import { caller } from './mapping.js'
import { drawInput, type Site, single } from './site.js'
import { along, gapOf, type Vector } from './vectors.js'

/** Where an op says how it is written in simpler ones, those give the same value. */
export function lowered({ spec, shapes, attrs, inputs, mapping }: Site): string | undefined {
  const { lower } = spec
  if (lower === undefined) return undefined
  const simpler = single(spec, shapes, attrs, refs => [lower(refs, attrs) ?? plain(spec, refs, attrs)])
  return differing('in simpler ops', mapping.call(inputs), caller(simpler)(inputs))
}

const STEPS = 3

/** Where an op says how it runs over a new first axis, it gives there what it gives place by place. */
export function mappedOver(site: Site): string | undefined {
  const { spec, shapes, attrs } = site
  const { map, mappable = () => true } = spec
  if (map === undefined) return undefined
  for (let bits = 1; bits < 2 ** shapes.length; bits++) {
    const mapped = shapes.map((_, i) => (bits >> i) % 2 === 1)
    if (!mappable(mapped)) continue
    const wider = shapes.map((shape, i) => (mapped[i] ? [STEPS, ...shape] : shape))
    const graph = single(spec, wider, attrs, refs => [map(refs, mapped, attrs)])
    const given = stackedInputs(site, mapped)
    const rows = rowsOf(site, given, mapped).map(row => site.mapping.call(row)[0]!)
    const found = differing(`over a new axis of inputs ${mapped}`, [stack(rows)], caller(graph)(given))
    if (found !== undefined) return found
  }
  return undefined
}

/** Where an op says what the sum of its values over a new first axis is, it is that. */
export function accumulated(site: Site): string | undefined {
  const { spec, shapes, attrs, mapping } = site
  const { accumulate } = spec
  if (accumulate === undefined) return undefined
  const all = shapes.map(() => true)
  const wider = shapes.map(shape => [STEPS, ...shape])
  const graph = single(spec, wider, attrs, refs => [accumulate(refs, attrs)])
  const given = stackedInputs(site, all)
  const rows = rowsOf(site, given, all).map(row => mapping.call(row))
  const total = rows.reduce((sum, row) => along(sum, 1, row))
  return differing('summed over a new axis', total, caller(graph)(given))
}

const plain = (spec: Site['spec'], refs: readonly Ref[], attrs: Site['attrs']): Ref =>
  refs[0]!.builder.apply(spec, refs, attrs)[0]!

function stackedInputs({ spec, inputs, next }: Site, mapped: readonly boolean[]): Vector {
  return inputs.map((input, i) => (mapped[i] ? drawInput(spec, i, [STEPS, ...input.shape], next) : input))
}

function rowsOf({ inputs }: Site, given: Vector, mapped: readonly boolean[]): readonly Vector[] {
  return Array.from({ length: STEPS }, (_, t) =>
    given.map((value, i) => {
      if (!mapped[i]) return value
      const size = inputs[i]!.data.length
      return { shape: inputs[i]!.shape, data: value.data.slice(t * size, (t + 1) * size) }
    }),
  )
}

function stack(rows: readonly Tensor[]): Tensor {
  const data = Float64Array.from(rows.flatMap(row => [...row.data]))
  return { shape: [rows.length, ...rows[0]!.shape], data }
}

function differing(what: string, expected: Vector, found: Vector): string | undefined {
  const [left, right] = [expected[0]!, found[0]!]
  if (!sameShape(left.shape, right.shape))
    return `${what} it has the shape ${showShape(right.shape)}, not ${showShape(left.shape)}`
  const gap = gapOf([left], [right])
  return gap.error <= 1e-10 ? undefined : `${what} it gives ${gap.right}, not ${gap.left}`
}
