import { commonShape, elementwise, mul } from '../elementwise.js'
import { GraphError } from '../error.js'
import { expand, sumTo } from '../linear.js'
import { type Elementwise, mapElements } from '../map.js'
import { type Binary, type Keeping, type Op, op, type Unary } from '../op.js'
import type { Ref } from '../ref.js'
import { add } from './arithmetic.js'

/** 1 where a < b, else 0 (also where one is NaN). No derivative. */
export const less: Binary = elementwise({
  name: 'less',
  lanes: (e, a, b) => e.select(e.less(a, b), e.constant(1), e.constant(0)),
  inputs: ['a', 'b'],
  saves: [],
  f: (a: number, b: number) => (a < b ? 1 : 0),
  partials: {},
})

/** 1 where a ≤ b, else 0 (also where one is NaN). No derivative. */
export const lessEqual: Binary = elementwise({
  name: 'lessEqual',
  lanes: (e, a, b) => e.select(e.lessEqual(a, b), e.constant(1), e.constant(0)),
  inputs: ['a', 'b'],
  saves: [],
  f: (a: number, b: number) => (a <= b ? 1 : 0),
  partials: {},
})

/** 1 where a > b, else 0 (also where one is NaN). No derivative. */
export const greater: Binary = elementwise({
  name: 'greater',
  lanes: (e, a, b) => e.select(e.less(b, a), e.constant(1), e.constant(0)),
  inputs: ['a', 'b'],
  saves: [],
  f: (a: number, b: number) => (a > b ? 1 : 0),
  partials: {},
})

/** 1 where a ≥ b, else 0 (also where one is NaN). No derivative. */
export const greaterEqual: Binary = elementwise({
  name: 'greaterEqual',
  lanes: (e, a, b) => e.select(e.lessEqual(b, a), e.constant(1), e.constant(0)),
  inputs: ['a', 'b'],
  saves: [],
  f: (a: number, b: number) => (a >= b ? 1 : 0),
  partials: {},
})

/** 1 where a = b, else 0; NaN equals nothing, −0 equals 0. No derivative. */
export const equal: Binary = elementwise({
  name: 'equal',
  lanes: (e, a, b) => e.select(e.equal(a, b), e.constant(1), e.constant(0)),
  inputs: ['a', 'b'],
  saves: [],
  integers: { a: 2, b: 2 },
  f: (a: number, b: number) => (a === b ? 1 : 0),
  partials: {},
})

/** 1 where a < b, ½ where they are equal, else 0. */
const share = (a: Ref, b: Ref): Ref => mul(add(less(a, b), lessEqual(a, b)), 0.5)

/** The smaller of a and b, NaN where one is NaN. Where they are equal, each gets half of the derivative. */
export const min: Binary = elementwise({
  name: 'min',
  lanes: (e, a, b) => e.min(a, b),
  inputs: ['a', 'b'],
  saves: ['a', 'b'],
  f: (a: number, b: number) => Math.min(a, b),
  partials: { a: ({ a, b }) => share(a, b), b: ({ a, b }) => share(b, a) },
})

/** The larger of a and b, NaN where one is NaN. Where they are equal, each gets half of the derivative. */
export const max: Binary = elementwise({
  name: 'max',
  lanes: (e, a, b) => e.max(a, b),
  inputs: ['a', 'b'],
  saves: ['a', 'b'],
  f: (a: number, b: number) => Math.max(a, b),
  partials: { a: ({ a, b }) => share(b, a), b: ({ a, b }) => share(a, b) },
})

/** −1, 0 or 1 as x is below, at or above 0; NaN stays NaN, −0 stays −0. No derivative. */
export const sign: Unary = elementwise({
  name: 'sign',
  lanes: (e, x) =>
    e.select(e.less(e.constant(0), x), e.constant(1), e.select(e.less(x, e.constant(0)), e.constant(-1), x)),
  inputs: ['x'],
  saves: [],
  f: Math.sign,
  partials: {},
})

/** The largest whole number at or below x; −0 stays −0, ±∞ and NaN stay. No derivative: it is flat between its steps. */
export const floor: Unary = elementwise({
  name: 'floor',
  lanes: (e, x) => e.floor(x),
  inputs: ['x'],
  saves: [],
  f: Math.floor,
  partials: {},
})

/** |x|. d/dx = sign x, which is 0 at 0. */
export const abs: Unary = elementwise({
  name: 'abs',
  lanes: (e, x) => e.abs(x),
  inputs: ['x'],
  saves: ['x'],
  f: Math.abs,
  partials: { x: ({ x }) => sign(x) },
})

/** Both ends of an interval; either may be infinite. */
export interface Interval {
  readonly low: number
  readonly high: number
}

/**
 * The nearest number to x in [low, high]; NaN stays NaN. d/dx = 1 in the interval, its ends included, else 0.
 * @throws GraphError `bad-setting` where low > high or one of them is NaN.
 */
export const clamp: Keeping<Interval> = op<readonly ['x'], Interval>({
  name: 'clamp',
  lanes: (e, x, { low, high }) => e.min(e.max(x, e.constant(low)), e.constant(high)),
  inputs: ['x'],
  saves: ['x'],
  shape: ([x], { low, high }) => {
    if (low <= high) return x!
    throw new GraphError('bad-setting', 'clamp', `[${low}, ${high}] is no interval; low is at most high`)
  },
  forward: ([x], { shapes, attrs }) => mapElements(nearest as Elementwise, [x!], shapes[0]!, attrs),
  jvp: { x: (tangent, { x, attrs }) => mul(tangent, inside(x, attrs)) },
  vjp: { x: (cotangent, { x, attrs }) => mul(cotangent, inside(x, attrs)) },
  cases: [
    { shapes: [[]], attrs: { low: -1, high: 1 } },
    { shapes: [[2, 3]], attrs: { low: -0.5, high: 1.25 } },
  ],
}) as Keeping<Interval>

const nearest = (x: number, { low, high }: Interval): number => Math.min(Math.max(x, low), high)
const inside = (x: Ref, { low, high }: Interval): Ref => mul(greaterEqual(x, low), lessEqual(x, high))

/**
 * a where the condition is not 0 (NaN counts as not 0), else b. The branch that is not taken gets an exact 0,
 * even from an infinite cotangent.
 */
export const where: Op<readonly ['condition', 'a', 'b'], Record<never, never>> = op({
  name: 'where',
  lanes: (e, condition, a, b) => e.select(e.equal(condition, e.constant(0)), b, a),
  inputs: ['condition', 'a', 'b'],
  saves: ['condition'],
  integers: { condition: 2 },
  shape: inputs => commonShape('where', ['condition', 'a', 'b'], inputs),
  forward: (inputs, { shapes }) => mapElements(choose as Elementwise, inputs, shapes[0]!, {}),
  jvp: {
    a: (tangent, { condition, y }) => expand(where(condition, tangent, 0), { shape: y.shape }),
    b: (tangent, { condition, y }) => expand(where(condition, 0, tangent), { shape: y.shape }),
  },
  vjp: {
    a: (g, { condition, a }) => sumTo(where(condition, g, 0), { shape: a.shape }),
    b: (g, { condition, b }) => sumTo(where(condition, 0, g), { shape: b.shape }),
  },
  cases: [
    {
      shapes: [
        [2, 3],
        [2, 3],
        [2, 3],
      ],
    },
    { shapes: [[2, 1], [], [2, 3]] },
    { shapes: [[], [3], []] },
  ],
})

const choose = (condition: number, a: number, b: number): number => (condition !== 0 ? a : b)
