import {
  add,
  contract,
  type Graph,
  graph,
  linear,
  mul,
  permute,
  type Ref,
  scan,
  sin,
  sum,
  tanh,
} from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import type { Instruction } from '../../src/wasm/plan.js'
import { apart, compiled, draw, reference } from './compile-support.js'
import { planned } from './plan-support.js'

interface Step {
  readonly a: Ref
  readonly b: Ref
  readonly x: Ref
  readonly W: Ref
}

/** New carries. */
type Body = (step: Step) => readonly [a: Ref, b: Ref]

/** A loop over two carries [3, 3], one after the other or backwards. */
function loop(body: Body, reverse = false): Graph {
  return graph({ a: [3, 3], b: [3, 3], xs: ['T', 3, 3], W: [3, 3] }, ({ a, b, xs, W }) => {
    const step = (c: Readonly<Record<'a' | 'b', Ref>>, x: Ref) => {
      const [next, other] = body({ ...c, x, W })
      return [{ a: next, b: other }, {}] as const
    }
    const [last] = scan(step as never, { carry: { a, b }, xs, reverse } as never) as never as [
      Record<'a' | 'b', Ref>,
    ]
    return { a: last.a, b: last.b, sum: sum(last.a) }
  }) as Graph
}

/** Copies in a step. */
const copies = (made: Graph): number => {
  const inside: readonly Instruction[] = planned(made).instructions.flatMap(one =>
    one.kind === 'loop' ? one.body : [],
  )
  return inside.filter(one => one.kind === 'fused' && one.name.startsWith('copy')).length
}

const product = (x: Ref, W: Ref): Ref => contract(x, W, { spec: 'ij,jk->ik' })

describe('the new value of a carry', () => {
  test.each<[string, number, Body]>([
    [
      'is written by the kernel that reads the old one',
      0,
      ({ a, b, x }) => [tanh(add(a, x)), sin(mul(b, x))],
    ],
    [
      'is written by one kernel for both',
      0,
      ({ a, b, x }) => {
        const next = add(mul(a, x), b)
        return [next, mul(next, b)]
      },
    ],
    [
      'is copied where a kernel that comes later reads the old one',
      1,
      ({ a, b, x }) => [tanh(add(a, x)), mul(mul(a, x), b)],
    ],
    [
      'is written by a product behind the last kernel that reads it',
      0,
      ({ a, b, x, W }) => [linear(tanh(add(a, x)), W), product(mul(b, x), W)],
    ],
    [
      'is copied where the product that writes it reads the old one',
      1,
      ({ a, b, x, W }) => [linear(a, W), tanh(add(b, x))],
    ],
    [
      'is copied where a product that comes later reads the old one',
      1,
      ({ a, b, W }) => {
        const next = linear(tanh(a), W)
        return [next, tanh(add(b, product(product(a, W), next)))]
      },
    ],
    [
      'is copied where it reads the old one in another order',
      1,
      ({ a, b, x }) => [add(permute(a, { axes: [1, 0] }), x), tanh(add(b, x))],
    ],
    ['is copied twice where both are exchanged, one through a third place', 3, ({ a, b }) => [b, a]],
    [
      'is copied where it is the old value of another, whose new one waits for that',
      2,
      ({ b, x }) => [b, tanh(add(b, x))],
    ],
    [
      'is copied once where it is that of another too',
      1,
      ({ a, x, W }) => {
        const next = linear(tanh(add(a, x)), W)
        return [next, next]
      },
    ],
  ])('%s', (_, wanted, body) => {
    for (const reverse of [false, true]) {
      const made = loop(body, reverse)
      expect(copies(made)).toBe(wanted)
      for (const T of [0, 1, 2, 5]) {
        const values = [draw([3, 3], 1), draw([3, 3], 2), draw([T, 3, 3], 3), draw([3, 3], 4)]
        expect(apart(compiled(made, values), reference(made, values))).toBeLessThan(1e-12)
      }
    }
  })
})
