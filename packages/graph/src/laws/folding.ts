import { Builder } from '../builder.js'
import type { Graph } from '../graph.js'
import type { Ref } from '../ref.js'
import { sameShape, showShape } from '../shape.js'
import { filled, type Tensor } from '../tensor.js'
import { mappingOf } from './mapping.js'
import { bound } from './point.js'
import { drawTensor } from './random.js'
import { inputName, isInteger, type Site } from './site.js'
import { gapOf, type Vector } from './vectors.js'

/** Where `fold` puts something else in an application's place, value and derivative stay. */
export function keepingFold(site: Site): string | undefined {
  if (site.spec.fold === undefined) return undefined
  for (const constants of choices(site)) {
    const found = foldProblem(site, constants)
    if (found !== undefined) return `with ${constants.map(show).join(', ') || 'no constants'}: ${found}`
  }
  return undefined
}

/** An input put in as a constant. */
interface Fixed {
  readonly position: number
  readonly value: Tensor | number
}

const show = ({ position, value }: Fixed): string =>
  `input ${position} = ${typeof value === 'number' ? (Object.is(value, -0) ? '-0' : value) : `${value.data[0]} everywhere`}`

/** No constant, then for every input the constants that an op may treat specially. */
function choices({ spec, inputs }: Site): readonly (readonly Fixed[])[] {
  const special = [0, -0, 1, -1, 2, 0.5, 3]
  const single = inputs.flatMap((input, position) => {
    if (isInteger(spec, position)) return []
    return special.flatMap(value => [
      [{ position, value }],
      [{ position, value: filled(input.shape, value) }],
    ])
  })
  return [[], ...single]
}

function foldProblem(site: Site, constants: readonly Fixed[]): string | undefined {
  const built = build(site, constants)
  if (built === undefined) return undefined
  const { plain, folded } = built
  const [left, right] = [plain, folded].map(graph => graph.shapes[graph.outputs[0]!.value]!)
  if (!sameShape(left!, right!)) return `the shape ${showShape(left!)} becomes ${showShape(right!)}`
  const wanted = plain.inputs.map(port => site.wanted[Number(port.name.split('.')[1])]!)
  const [p, f] = [mappingOf(plain, wanted), mappingOf(folded, wanted)]
  const inputs = plain.inputs.map(port => site.inputs[Number(port.name.split('.')[1])]!)
  const w = p.call(inputs).map(output => drawTensor(site.next, output.shape))
  if (differ(p.call(inputs), f.call(inputs))) return 'the value changes'
  if (differ(p.pull(inputs, w), f.pull(inputs, w))) return 'the derivative changes'
  return undefined
}

/** Beyond rounding, where the plain form is a number. */
function differ(plain: Vector, folded: Vector): boolean {
  const usual = plain.map(({ shape, data }, k) => ({
    shape,
    data: data.map((value, i) => (Number.isFinite(value) ? value : folded[k]!.data[i]!)),
  }))
  return gapOf(usual, folded).error > 1e-12
}

/** The application as it is and folded; undefined where nothing folds or the constants do not fit. */
function build(site: Site, constants: readonly Fixed[]): { plain: Graph; folded: Graph } | undefined {
  const make = (apply: (inputs: readonly Ref[]) => Ref | undefined): Graph | undefined => {
    const builder = new Builder()
    const inputs = site.shapes.map((shape, i) => {
      const fixed = constants.find(({ position }) => position === i)
      if (fixed !== undefined) return builder.constant(fixed.value)
      return builder.input(
        `${inputName(site.spec, i)}.${i}`,
        shape.map(dim => bound([dim], new Map())[0]!),
      )
    })
    if (builder.inputs.length === 0) return undefined
    const made = apply(inputs)
    return made && builder.build([{ name: 'y', value: made.id }])
  }
  const { spec, attrs } = site
  try {
    const folded = make(inputs => spec.fold!(inputs, attrs))
    const plain = folded && make(inputs => inputs[0]!.builder.apply(spec, inputs, attrs)[0])
    return plain && { plain, folded }
  } catch {
    return undefined
  }
}
