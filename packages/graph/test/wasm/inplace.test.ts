import {
  add,
  compile,
  contract,
  evaluate,
  type Graph,
  gradient,
  graph,
  linear,
  mul,
  permute,
  type Ref,
  scan,
  sigmoid,
  split,
  sum,
  type Tensor,
  tanh,
  tensor,
} from '@bptt/graph'
import { describe, expect, test } from 'vitest'
import { placeBuffers } from '../../src/wasm/arena.js'
import { inPlace } from '../../src/wasm/inplace.js'
import { planned } from './plan-support.js'

const product = (x: Ref, W: Ref): Ref => contract(x, W, { spec: 'ij,jk->ik' })

/** Pairs of buffers that lie on each other, in words: what is written → what it is written over. */
const pairs = (made: unknown): number => inPlace(planned(made)).size

describe('the result of a kernel', () => {
  test('lies on an operand that nobody reads later', () => {
    const made = graph({ x: [4, 4], W: [4, 4] }, ({ x, W }) => ({ y: product(tanh(product(x, W)), W) }))
    expect(pairs(made)).toBe(1)
  })

  test('lies elsewhere where the operand is read later', () => {
    const made = graph({ x: [4, 4], W: [4, 4] }, ({ x, W }) => {
      const a = product(x, W)
      return { y: product(product(tanh(a), W), a) }
    })
    expect(pairs(made)).toBe(0)
  })

  test('lies elsewhere where the operand is read in another order, or repeated', () => {
    const turned = graph({ x: [4, 4], W: [4, 4] }, ({ x, W }) => ({
      y: product(tanh(permute(product(x, W), { axes: [1, 0] })), W),
    }))
    const both = graph({ x: [4, 4], W: [4, 4] }, ({ x, W }) => {
      const a = product(x, W)
      return { y: product(add(a, permute(a, { axes: [1, 0] })), W) }
    })
    expect([pairs(turned), pairs(both)]).toEqual([0, 0])
  })

  test('never lies on what the caller gave, nor on a constant', () => {
    const made = graph({ x: [4, 4], W: [4, 4] }, ({ x, W }) => ({
      y: product(tanh(x), add(W, tensor(new Float64Array(16).fill(2), [4, 4]))),
    }))
    expect(pairs(made)).toBe(0)
  })
})

/** A recurrent layer of gates over a window, with the gradient of its loss: every step's gates are saved. */
const gated = (H: number) =>
  gradient(
    graph({ U: [3 * H, H], W: [3 * H, H], h: [2, H], xs: ['T', 2, H] }, ({ U, W, h, xs }) => {
      const step = (h: Ref, x: Ref) => {
        const [i, f, g] = split(add(linear(x, W), linear(h, U)), { axis: 1, parts: 3 }) as [Ref, Ref, Ref]
        return [tanh(add(mul(sigmoid(f), h), mul(sigmoid(i), tanh(g)))), {}] as const
      }
      const [last] = scan(step as never, { carry: h, xs }) as unknown as readonly [Ref]
      return { loss: sum(last) }
    }),
    { of: 'loss', by: ['U', 'W'] },
  )

describe('the stacks of a loop', () => {
  const H = 8
  /** Elements per step that a window takes. */
  const perStep = (): number => placeBuffers(planned(gated(H), { T: 5 })).sizes.get('T')!

  test('lie in each other: products, gates and their cotangents take the room of one', () => {
    const rows = 2 * H
    const stack = 3 * rows // products of the inputs, then gates, then cotangents
    const given = rows // the inputs
    const states = rows
    expect(perStep()).toBe(given + stack + states)
  })

  test.each([1, 2, 7])('hold the right numbers over %s steps', steps => {
    agree(gated(H), steps, ['U', 'W'])
  })

  test('lie apart where a step reads the slot after its own', () => {
    const made = gradient(
      graph({ U: [H, H], W: [H, H], h: [1, H], xs: ['T', 1, H] }, ({ U, W, h, xs }) => {
        const step = (h: Ref, x: Ref) => [tanh(add(linear(x, W), linear(h, U))), {}] as const
        const [last] = scan(step as never, { carry: h, xs }) as unknown as readonly [Ref]
        return { loss: sum(last) }
      }),
      { of: 'loss', by: ['W'] }, // the states are read for the last time as those after each step
    )
    agree(made, 5, ['W'])
  })
})

/** Numbers that differ everywhere, as many as a shape has. */
const numbers = (shape: readonly number[], k: number): Tensor =>
  tensor(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(7 * i + k)),
    shape,
  )

/** The program gives what the reference gives. */
function agree(made: unknown, steps: number, names: readonly string[]): void {
  const form = made as Graph
  const values = Object.fromEntries(
    form.inputs.map(({ name, value }, k) => {
      const shape = form.shapes[value]!.map(dim => (typeof dim === 'number' ? dim : steps))
      return [name, numbers(shape, k)]
    }),
  )
  const compiled = compile(form, { dtype: 'float64', flavour: 'portable' }).run(values) as never
  const wanted = evaluate(form, values) as never
  for (const name of names) {
    const [one, other] = [compiled[name] as Tensor, wanted[name] as Tensor]
    one.data.forEach((value, i) => {
      expect(value).toBeCloseTo(other.data[i]!, 10)
    })
  }
}
