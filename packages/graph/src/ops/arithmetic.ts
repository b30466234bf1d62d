import { add, elementwise, mul } from '../elementwise.js'
import { linearMap } from '../linear.js'
import type { Binary, Unary } from '../op.js'
import { sizeOf } from '../shape.js'

export { add, mul }

/** −x. */
export const neg: Unary = linearMap({
  name: 'neg',
  lanes: (e, x) => e.neg(x),
  shape: x => x,
  forward: x => ({ shape: x.shape, data: x.data.map(v => -v) }),
  transpose: g => neg(g),
  flops: ([x]) => sizeOf(x!),
  cases: [{ shapes: [[]] }, { shapes: [[2, 3]] }],
}) as Unary

/** a − b. */
export const sub: Binary = elementwise({
  name: 'sub',
  lanes: (e, a, b) => e.sub(a, b),
  inputs: ['a', 'b'],
  saves: [],
  f: (a: number, b: number) => a - b,
  partials: { a: () => 1, b: () => -1 },
})

/** a / b. ∂a = 1/b, ∂b = −y/b. */
export const div: Binary = elementwise({
  name: 'div',
  lanes: (e, a, b) => e.div(a, b),
  inputs: ['a', 'b'],
  saves: ['b', 'y'],
  domain: [0.5, 2],
  f: (a: number, b: number) => a / b,
  partials: { a: ({ b }) => div(1, b), b: ({ b, y }) => neg(div(y, b)) },
})
