import {
  add,
  clamp,
  dot,
  exp,
  expand,
  flip,
  type Graph,
  gate,
  graph,
  linear,
  matmul,
  mean,
  mul,
  outer,
  type Ref,
  reshape,
  type Shape,
  scan,
  softmax,
  split,
  sum,
  tensor,
  transpose,
} from '@bptt/graph'
import { expectTypeOf } from 'vitest'

graph({ x: [2, 3], W: [4, 3], v: [3], t: ['T', 3], n: [], deep: { b: [4] } }, ({ x, W, v, t, n, deep }) => {
  // Inputs have the shapes they were declared with.
  expectTypeOf(x).toEqualTypeOf<Ref<readonly [2, 3]>>()
  expectTypeOf(t).toEqualTypeOf<Ref<readonly ['T', 3]>>()
  expectTypeOf(deep.b).toEqualTypeOf<Ref<readonly [4]>>()
  expectTypeOf(x.shape).toEqualTypeOf<readonly [2, 3]>()

  // Functions of one value keep its shape; functions of two broadcast.
  expectTypeOf(exp(x)).toEqualTypeOf<Ref<readonly [2, 3]>>()
  expectTypeOf(softmax(t)).toEqualTypeOf<Ref<readonly ['T', 3]>>()
  expectTypeOf(clamp(x, { low: 0, high: 1 })).toEqualTypeOf<Ref<readonly [2, 3]>>()
  expectTypeOf(flip(t, { axes: [0] })).toEqualTypeOf<Ref<readonly ['T', 3]>>()
  expectTypeOf(gate(x, { by: n })).toEqualTypeOf<Ref<readonly [2, 3]>>()
  expectTypeOf(add(x, v)).toEqualTypeOf<Ref<readonly [2, 3]>>()
  expectTypeOf(add(v, x)).toEqualTypeOf<Ref<readonly [2, 3]>>()
  expectTypeOf(mul(t, 2)).toEqualTypeOf<Ref<readonly ['T', 3]>>()
  expectTypeOf(mul(n, x)).toEqualTypeOf<Ref<readonly [2, 3]>>()
  expectTypeOf(add(x, tensor([1, 2, 3]))).toEqualTypeOf<Ref>()

  // Products meet where their axes do.
  expectTypeOf(matmul(x, transpose(W))).toEqualTypeOf<Ref<readonly [2, 4]>>()
  expectTypeOf(matmul(t, transpose(W))).toEqualTypeOf<Ref<readonly ['T', 4]>>()
  expectTypeOf(linear(x, W)).toEqualTypeOf<Ref<readonly [2, 4]>>()
  expectTypeOf(linear(v, W, deep.b)).toEqualTypeOf<Ref<readonly [4]>>()
  expectTypeOf(outer(v, deep.b)).toEqualTypeOf<Ref<readonly [3, 4]>>()
  expectTypeOf(dot(v, v)).toEqualTypeOf<Ref<readonly []>>()

  // Shapes that are written are known; sums over all axes are scalars.
  expectTypeOf(reshape(x, { shape: [3, 2] })).toEqualTypeOf<Ref<readonly [3, 2]>>()
  expectTypeOf(expand(v, { shape: ['T', 3] })).toEqualTypeOf<Ref<readonly ['T', 3]>>()
  expectTypeOf(sum(x)).toEqualTypeOf<Ref<readonly []>>()
  expectTypeOf(mean(x)).toEqualTypeOf<Ref<readonly []>>()
  expectTypeOf(sum(x, { axis: 0 })).toEqualTypeOf<Ref>()

  // A value is split into as many parts as are written.
  expectTypeOf(split(x, { parts: 3 })).toEqualTypeOf<[Ref, Ref, Ref]>()
  expectTypeOf(split(x, { parts: [1, 2] })).toEqualTypeOf<[Ref, Ref]>()

  // A loop hands its carry on in its shape, cuts its sequences into steps and stacks what it returns.
  const [last, all] = scan(
    (carry, step) => {
      expectTypeOf(carry.h).toEqualTypeOf<Ref<readonly [3]>>()
      expectTypeOf(step).toEqualTypeOf<Ref<readonly [3]>>()
      return [{ h: add(carry.h, step) }, linear(step, W)]
    },
    { carry: { h: v }, xs: t },
  )
  expectTypeOf(last.h).toEqualTypeOf<Ref<readonly [3]>>()
  expectTypeOf(all).toEqualTypeOf<Ref<readonly [number | string, 4]>>()

  return { loss: sum(x) }
})

/** Never called: every line that is wrong is refused by the type checker, with the dims in the message. */
export function refused(): Graph[] {
  return [
    graph({ a: [2, 3], b: [4, 3] }, ({ a, b }) => ({
      // @ts-expect-error matmul: a [2, 3] and b [4, 3] do not chain: a's 3 columns meet b's 4 rows
      y: matmul(a, b),
    })),
    graph({ a: ['T', 3], b: ['B', 2] }, ({ a, b }) => ({
      // @ts-expect-error matmul: a [T, 3] and b [B, 2] do not chain: a's 3 columns meet b's B rows
      y: matmul(a, b),
    })),
    graph({ x: [3], W: [3, 4] }, ({ x, W }) => ({
      // @ts-expect-error linear: x [3] and W [3, 4] do not fit: x's last axis meets W's columns; W is [outputs, inputs]
      y: linear(x, W),
    })),
  ]
}

/** Code that knows no shapes reads as ever, and anything that is not literal is left to the trace. */
export function ordinary(x: Ref, W: Ref, rows: number): Ref {
  const h = matmul(x, W)
  expectTypeOf(h).toEqualTypeOf<Ref>()
  expectTypeOf(add(x, W)).toEqualTypeOf<Ref>()
  graph({ a: [rows, 3], b: [rows, 3] }, ({ a, b }) => {
    expectTypeOf(a).toEqualTypeOf<Ref<readonly [number, 3]>>()
    expectTypeOf(add(a, b)).toEqualTypeOf<Ref<readonly [number, 3]>>()
    return { y: matmul(transpose(a), b) }
  })
  return linear(h, W)
}

/** A function of any shape keeps it. */
export function double<S extends Shape>(x: Ref<S>): Ref<S> {
  return exp(x)
}

expectTypeOf<Ref<readonly [2, 3]>>().toExtend<Ref>()
