import { add, mul } from '../../elementwise.js'
import type { OpSpec } from '../../graph.js'
import { expand, sumTo } from '../../linear.js'
import { tanh } from '../../ops/functions.js'
import type { Ref } from '../../ref.js'
import { broadcastsTo, type Shape, sameShape, sizeOf } from '../../shape.js'
import type { Tensor } from '../../tensor.js'

/** A value that a program can go on from. */
export interface Value {
  readonly ref: Ref
  /** |value| stays about below this, for inputs in `[-1, 1]`; keeps programs well conditioned. */
  readonly bound: number
}

/** The values there are, oldest first, and the ops to apply. */
export interface Pool {
  readonly values: Value[]
  readonly ops: readonly OpSpec[]
  /** Every value may stand where an op has no derivative (the weight of a gate). */
  readonly gates: boolean
}

/** The value `back` places before the latest, around the end. */
export function nth(pool: Pool, back: number): Value {
  const { values } = pool
  return values[values.length - 1 - (back % values.length)]!
}

/** The `back`-th latest value that satisfies a condition, if one does. */
export function nthWhere(pool: Pool, back: number, fits: (value: Value) => boolean): Value | undefined {
  const fitting = pool.values.filter(fits)
  return fitting.length === 0 ? undefined : nth({ ...pool, values: fitting }, back)
}

/** The value, squashed by tanh where it may be larger than `limit`. */
export function calm(value: Value, limit: number): Value {
  return value.bound <= limit ? value : { ref: tanh(value.ref) as Ref, bound: 1 }
}

/** The value, moved into an interval where it may lie outside. */
export function into(value: Value, [low, high]: readonly [number, number]): Value {
  if (-value.bound >= low && value.bound <= high) return value
  const [half, middle] = [(high - low) / 2, (high + low) / 2]
  const wide = mul(tanh(value.ref), half)
  return { ref: middle === 0 ? wide : add(wide, middle), bound: Math.max(Math.abs(low), Math.abs(high)) }
}

/** About how many elements; a named axis counts as 3. */
export function about(shape: Shape): number {
  return sizeOf(shape.map(dim => (typeof dim === 'number' ? dim : 3)))
}

/** A value of this shape made from any other: repeated, summed, or both with elements made different. */
export function adapt(value: Value, shape: Shape): Value {
  const { ref, bound } = value
  if (sameShape(ref.shape, shape)) return value
  if (broadcastsTo(ref.shape, shape)) return { ref: expand(ref, { shape }), bound }
  if (broadcastsTo(shape, ref.shape)) {
    const terms = about(ref.shape) / Math.max(1, about(shape))
    return { ref: sumTo(ref, { shape }), bound: bound * terms }
  }
  const whole = calm(adapt(value, []), 4)
  const spread = expand(whole.ref, { shape })
  const ramp = rampOf(shape)
  return ramp === undefined ? { ...whole, ref: spread } : { ...whole, ref: mul(spread, ramp) }
}

/** Different weights in [-1, 1] for the elements of a fixed shape. */
function rampOf(shape: Shape): Tensor | undefined {
  const lengths = shape.filter(dim => typeof dim === 'number')
  if (lengths.length < shape.length) return undefined
  const data = Float64Array.from({ length: sizeOf(lengths) }, (_, i) => ((i * 5) % 8) / 4 - 0.875)
  return { shape: lengths, data }
}

/** The value, if it belongs to the innermost loop that is being grown, else one that does. */
export function innermost(pool: Pool, value: Value): Value {
  const depth = Math.max(...pool.values.map(({ ref }) => ref.builder.depth))
  return value.ref.builder.depth === depth
    ? value
    : nthWhere(pool, 0, ({ ref }) => ref.builder.depth === depth)!
}
