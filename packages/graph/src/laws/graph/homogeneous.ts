import { Builder } from '../../builder.js'
import { add, mul } from '../../elementwise.js'
import { sumTo } from '../../linear.js'
import { contract } from '../../ops/contract.js'
import { sqrt } from '../../ops/functions.js'
import { scan } from '../../ops/scan.js'
import type { Ref } from '../../ref.js'
import { broadcast } from '../../shape.js'
import { caller } from '../mapping.js'
import type { Instruction } from '../program/code.js'
import { inner, innerSize, times } from '../vectors.js'
import { type GraphLaw, lossSlopes, type Subject } from './subject.js'

/** A value that grows by λᵏ as all inputs grow by λ. */
interface Homogeneous {
  readonly ref: Ref
  readonly degree: number
}

/** Euler: f homogeneous of degree k has ⟨x, ∇f⟩ = k f. */
function euler({ graph, inputs, recipe }: Subject): string | undefined {
  const builder = new Builder()
  const values: Homogeneous[] = graph.inputs.map(port => ({
    ref: builder.input(port.name, graph.shapes[port.value]!),
    degree: 1,
  }))
  for (const code of recipe.code) values.push(grown(values, code))
  const { ref, degree } = values.at(-1)!
  const f = builder.build([{ name: 'loss', value: (sumTo(ref, { shape: [] }) as Ref).id }])
  const slopes = lossSlopes(f, inputs)
  const [value] = caller(f)(inputs)
  const [left, right] = [inner(inputs, slopes), degree * value!.data[0]!]
  const scale = 1 + innerSize(inputs, slopes) + Math.abs(right)
  if (Math.abs(left - right) <= 1e-9 * scale) return scaling(f, inputs, degree)
  return `f has degree ${degree}: ⟨x, ∇f⟩ = ${left} and k f = ${right}`
}

/** f(2x) = 2ᵏ f(x): the program is what the law takes it for. */
function scaling(
  f: Parameters<typeof caller>[0],
  inputs: Subject['inputs'],
  degree: number,
): string | undefined {
  const [one] = caller(f)(inputs)
  const [two] = caller(f)(times(2, inputs))
  const [left, right] = [two!.data[0]!, 2 ** degree * one!.data[0]!]
  return Math.abs(left - right) <= 1e-9 * (1 + Math.abs(left))
    ? undefined
    : `f(2x) = ${left}, 2ᵏ f(x) = ${right}`
}

const MOST = 4

function grown(values: readonly Homogeneous[], { pick, a, b, c }: Instruction): Homogeneous {
  const left = values[values.length - 1 - (a % values.length)]!
  const fitting = values.filter(({ ref }) => broadcast(ref.shape, left.ref.shape) !== undefined)
  const right = fitting[fitting.length - 1 - (b % fitting.length)]!
  const way = pick % 5
  if (way === 0 && left.degree + right.degree <= MOST)
    return { ref: mul(left.ref, right.ref) as Ref, degree: left.degree + right.degree }
  if (way === 1 && left.degree === right.degree)
    return { ref: add(left.ref, right.ref) as Ref, degree: left.degree }
  if (way === 2) return norm(left)
  if (way === 3 && left.ref.shape.length > 0) return leak(left, c)
  return { ref: product(left, c), degree: left.degree }
}

/** √Σx², of the same degree; 0 nowhere that random inputs reach. */
function norm({ ref, degree }: Homogeneous): Homogeneous {
  return { ref: sqrt(sumTo(mul(ref, ref), { shape: [] }) as Ref), degree }
}

/** A linear loop h ← h/2 + x along the first axis: of the same degree. */
function leak({ ref, degree }: Homogeneous, c: number): Homogeneous {
  const zero = mul(sumTo(ref, { shape: ref.shape.slice(1) }), 0.25) as Ref
  const [{ h }] = scan(({ h }, { x }) => [{ h: add(mul(h, 0.5), x) as Ref }, {}], {
    carry: { h: zero },
    xs: { x: ref },
    reverse: c % 2 === 1,
  }) as readonly [{ h: Ref }, unknown]
  return { ref: h, degree }
}

/** The sum along the last axis with fixed weights: linear. */
function product({ ref }: Homogeneous, c: number): Ref {
  const length = ref.shape.at(-1)
  if (typeof length !== 'number') return mul(ref, ((c % 7) + 1) / 4) as Ref
  const letters = 'abcd'.slice(0, ref.shape.length)
  const weights = Float64Array.from({ length }, (_, i) => ((i + c) % 5) / 2 - 0.75)
  return contract(
    ref,
    { shape: [length], data: weights },
    { spec: `${letters},${letters.at(-1)}->${letters.slice(0, -1)}` },
  )
}

/** Law 11 of the catalogue. */
export const homogeneousLaws: readonly GraphLaw[] = [
  { name: '11 homogeneous functions obey Euler', analytic: true, broken: euler },
]
