import { applyOp } from '../../builder.js'
import { GraphError } from '../../error.js'
import type { OpSpec } from '../../graph.js'
import type { Ref } from '../../ref.js'
import { broadcast, type Shape, sizeOf } from '../../shape.js'
import { bound as lengthsOf } from '../point.js'
import { drawIntegers, drawTensor, randomFrom } from '../random.js'
import { largest } from '../vectors.js'
import type { Instruction } from './code.js'
import { about, adapt, into, nth, nthWhere, type Pool, type Value } from './pool.js'

type Case = OpSpec['samples']['cases'][number]

/** Applies any op: to values as they are where they fit its shape rule, else to values made to fit one of its cases. */
export function applyAny(pool: Pool, code: Instruction, spec: OpSpec): Value {
  const { cases } = spec.samples
  const chosen = cases[code.c % cases.length]!
  const direct = asTheyAre(pool, code, spec, chosen)
  const inputs = direct ?? chosen.shapes.map((shape, i) => operandOf(pool, code, spec, { shape, i }))
  const outputs = applyOp(
    spec,
    inputs.map(value => value.ref),
    chosen.attrs ?? {},
  )
  const ref = outputs[code.b % outputs.length] as Ref
  const ratio = about(inputs[0]!.ref.shape) / Math.max(1, about(chosen.shapes[0]!))
  return { ref, bound: boundOf(spec, chosen) * Math.max(1, ratio) }
}

const isFixed = (pool: Pool, spec: OpSpec, i: number): boolean =>
  spec.samples.integers?.[i] !== undefined ||
  (!pool.gates && !spec.differentiable(i) && spec.inputs.some((_, k) => spec.differentiable(k)))

/** Values of the pool that the op takes with these settings, moved into its domain. */
function asTheyAre(pool: Pool, code: Instruction, spec: OpSpec, chosen: Case): readonly Value[] | undefined {
  const positions = chosen.shapes.map((_, i) => i)
  if (positions.some(i => isFixed(pool, spec, i)) || chosen.shapes.length > 2) return undefined
  const first = nth(pool, code.a)
  const second = nthWhere(pool, code.b, ({ ref }) => broadcast(ref.shape, first.ref.shape) !== undefined)
  const found = chosen.shapes.length === 1 ? [first] : [first, second ?? first]
  try {
    const [made] = spec.shapes(
      found.map(({ ref }) => ref.shape),
      chosen.attrs ?? {},
    )
    return about(made!) > 200 ? undefined : found.map(value => into(value, spec.samples.domain))
  } catch (error) {
    if (error instanceof GraphError) return undefined
    throw error
  }
}

/** A value in the shape of a case; constants where the op has no derivative. */
function operandOf(
  pool: Pool,
  { a, b, c }: Instruction,
  spec: OpSpec,
  { shape, i }: { readonly shape: Shape; readonly i: number },
): Value {
  const value = nth(pool, [a, b][i % 2]! + (i >> 1))
  if (!isFixed(pool, spec, i)) return into(adapt(value, shape), spec.samples.domain)
  const next = randomFrom(64 * b + c + i)
  const lengths = lengthsOf(shape, new Map())
  const count = spec.samples.integers?.[i]
  const fixed =
    count === undefined ? drawTensor(next, lengths, spec.samples.domain) : drawIntegers(next, lengths, count)
  return {
    ref: value.ref.builder.constant(sizeOf(lengths) === 1 && shape.length === 0 ? fixed.data[0]! : fixed),
    bound: count ?? 2,
  }
}

const bounds = new WeakMap<Case, number>()

/** About the largest value of an op on one of its cases, from a few points of its domain. */
function boundOf(spec: OpSpec, chosen: Case): number {
  const known = bounds.get(chosen)
  if (known !== undefined) return known
  const next = randomFrom(1)
  const lengths = new Map<string, number>()
  const attrs = chosen.attrs ?? {}
  const shapes = spec.shapes(chosen.shapes, attrs).map(shape => lengthsOf(shape, lengths))
  const tops = Array.from({ length: 8 }, () => {
    const inputs = chosen.shapes.map((shape, i) => {
      const count = spec.samples.integers?.[i]
      const bound = lengthsOf(shape, lengths)
      return count === undefined
        ? drawTensor(next, bound, spec.samples.domain)
        : drawIntegers(next, bound, count)
    })
    return largest(spec.forward(inputs, { attrs, shapes, bindings: lengths }))
  })
  const top = 1.5 * Math.max(...tops)
  bounds.set(chosen, top)
  return top
}
