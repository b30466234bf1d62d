import type { Attrs } from '../attrs.js'
import type { Lane, Lanes, Mask } from '../lanes.js'
import { broadcast, type Shape, sameShape } from '../shape.js'
import type { Sheet } from './sheet.js'

/** A value of the sheet with its shape. */
interface Value {
  readonly name: string
  readonly shape: Shape
}

/** An elementwise op's registers, as values of a sheet: what is emitted for vectors says it in ONNX, too. */
export function elementwiseNodes(
  sheet: Sheet,
  emit: (e: Lanes, inputs: readonly Lane[], attrs: Attrs) => Lane,
  inputs: readonly Value[],
  attrs: Attrs,
  shape: Shape,
): string {
  const values = [...inputs]
  const keep = (value: Value): number => values.push(value) - 1
  const apply = (type: string, ...lanes: readonly number[]): number => {
    const read = lanes.map(lane => values[lane]!)
    const joint = read.reduce((all, one) => broadcast(all, one.shape)!, [] as Shape)
    return keep({
      name: sheet.node(
        type,
        read.map(({ name }) => name),
      ),
      shape: joint,
    })
  }
  const e = lanesOf(apply, value => keep({ name: sheet.number(value), shape: [] }))
  const lanes = inputs.map((_, i) => i)
  const made = values[emit(e, lanes, attrs)]!
  return sameShape(made.shape, shape) ? made.name : sheet.node('Expand', [made.name, sheet.shape(shape)])
}

type Apply = (type: string, ...lanes: readonly number[]) => number

function lanesOf(apply: Apply, constant: (value: number) => Lane): Lanes {
  const one =
    (type: string) =>
    (a: Lane): number =>
      apply(type, a)
  const two =
    (type: string) =>
    (a: Lane, b: Lane): number =>
      apply(type, a, b)
  const e: Lanes = {
    constant,
    add: two('Add'),
    sub: two('Sub'),
    mul: two('Mul'),
    div: two('Div'),
    mulAdd: (a, b, c) => e.add(e.mul(a, b), c),
    min: two('Min'),
    max: two('Max'),
    neg: one('Neg'),
    abs: one('Abs'),
    sqrt: one('Sqrt'),
    floor: one('Floor'),
    exp: one('Exp'),
    expm1: a => expm1(e, a),
    log: one('Log'),
    log1p: a => log1p(e, a),
    tanh: one('Tanh'),
    sigmoid: one('Sigmoid'),
    less: two('Less'),
    lessEqual: two('LessOrEqual'),
    equal: two('Equal'),
    select: (mask: Mask, a, b) => apply('Where', mask, a, b),
  }
  return e
}

/** eᵃ − 1 = tanh(a/2) (eᵃ + 1), which does not cancel near 0. */
function expm1(e: Lanes, a: Lane): Lane {
  return e.mul(e.tanh(e.mul(a, e.constant(0.5))), e.add(e.exp(a), e.constant(1)))
}

/** ln(1 + a) = ln u · a / (u − 1), where u is 1 + a as it is rounded [goldberg1991, Theorem 4]. */
function log1p(e: Lanes, a: Lane): Lane {
  const u = e.add(a, e.constant(1))
  const rest = e.sub(u, e.constant(1))
  const logarithm = e.log(u)
  const mended = e.select(e.equal(rest, a), logarithm, e.div(e.mul(logarithm, a), rest)) // ∞ is itself
  return e.select(e.equal(rest, e.constant(0)), a, mended)
}
